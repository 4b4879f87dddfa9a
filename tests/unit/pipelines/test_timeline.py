"""A run over time: bounded, and nothing of its sums lost by that."""

from pipelines.queues import QueueSight
from pipelines.tally import Tally
from pipelines.timeline import MAX_MARKS, MachineMark, Timeline


def look(timeline: Timeline, at_s: float, tally: Tally, queue: QueueSight, n_left: int = 5) -> None:
    machine = MachineMark(cpu_busy_s=at_s * 1.5)
    timeline.look(
        at_s, {"Prepare": tally}, {"Prepare": queue}, n_left=n_left, stored_audio_s=at_s * 2, machine=machine
    )


def test_a_long_run_takes_as_much_room_as_a_short_one() -> None:
    """Sums at the end are the run's; the peak between two marks stays."""
    timeline = Timeline()
    for second in range(5_000):
        queue = QueueSight(undispatched=70 if second == 2_345 else 2, in_flight=1, actors=2)
        look(timeline, float(second), Tally(busy_s=second * 0.5, age_s=second * 2.0, actors=2), queue)
    kept = timeline.document()
    columns = kept["stages"]["Prepare"]
    assert MAX_MARKS / 2 <= len(kept["at_s"]) < MAX_MARKS
    assert (kept["at_s"][-1], columns["busy_s"][-1], kept["machine"]["cpu_busy_s"][-1]) == (
        4999,
        2499.5,
        7498.5,
    )
    assert kept["at_s"] == sorted(set(kept["at_s"]))
    assert max(columns["queue"]) == timeline.queue_peaks["Prepare"] == 71
    peak = columns["queue"].index(71)
    assert kept["at_s"][peak - 1] < 2_345 <= kept["at_s"][peak]


def test_an_idle_actor_before_waiting_rows_is_held_back() -> None:
    """Without rows that wait it only starves; what passed before that counts for nobody."""
    timeline, empty, full = Timeline(), QueueSight(actors=1), QueueSight(undispatched=3, actors=1)
    look(timeline, 0.0, Tally(busy_s=1.0, age_s=3.0), full)
    assert timeline.held_back_s("Prepare") == 0.0
    look(timeline, 1.0, Tally(busy_s=1.0, age_s=4.0), empty)
    assert timeline.held_back_s("Prepare") == 0.0
    look(timeline, 3.0, Tally(busy_s=1.5, blocked_s=0.25, age_s=6.0), full)
    assert timeline.held_back_s("Prepare") == 1.25
    look(timeline, 4.0, Tally(busy_s=2.5, blocked_s=0.25, age_s=7.0), full)
    assert timeline.held_back_s("Prepare") == 1.25


def test_rows_at_actors_that_nobody_works_on_wait_too() -> None:
    """Ray Data gives an actor its next row before it is done with the last one."""
    timeline = Timeline()
    look(timeline, 0.0, Tally(in_hand=1, age_s=1.0), QueueSight(undispatched=2, in_flight=4, actors=2))
    assert timeline.queue("Prepare") == 5


def test_pools_that_grow_and_shrink_are_told_with_what_waited_before_them() -> None:
    """Ray Data gives no reason: what stood there when it decided is all that is known."""
    timeline = Timeline()
    for at_s, n_actors, n_waiting in ((0.0, 1, 4), (1.0, 3, 1), (2.0, 3, 1), (3.0, 4, 0), (4.0, 2, 0)):
        look(timeline, at_s, Tally(age_s=1.0), QueueSight(undispatched=n_waiting, actors=n_actors))
    told = [(each.at_s, each.stage, each.before, each.after, each.why) for each in timeline.scalings]
    assert told == [
        (1.0, "Prepare", 1, 3, "4 rows waited before it"),
        (3.0, "Prepare", 3, 4, "1 row waited before it"),
        (4.0, "Prepare", 4, 2, "no row waited before it"),
    ]
    assert (timeline.actors("Prepare"), timeline.actors_peaks["Prepare"]) == (2, 4)


def test_a_pools_size_is_carried_on_where_ray_data_tells_none() -> None:
    """Between two passes and after the last one: the actors that were heard of in all that time aren't the pool."""
    timeline, heard_of = Timeline(), {"Prepare": Tally(age_s=1.0, actors=4)}
    for at_s, line, n_actors in ((0.0, 0, 2), (1.0, 0, None), (2.0, 1, 1), (3.0, 1, None)):
        queues = {} if n_actors is None else {"Prepare": QueueSight(actors=n_actors, line=line)}
        timeline.look(at_s, heard_of, queues, n_left=5, stored_audio_s=0.0, machine=None)
    assert (timeline.actors("Prepare"), timeline.actors_peaks["Prepare"]) == (1, 2)
    assert timeline.scalings == [], "a pass has pools of its own"


def test_pools_of_two_passes_without_a_look_between_them_are_not_one_that_shrank() -> None:
    """Another execution, however soon it is seen."""
    timeline = Timeline()
    look(timeline, 0.0, Tally(age_s=1.0), QueueSight(actors=4, line=0))
    look(timeline, 1.0, Tally(age_s=1.0), QueueSight(actors=1, line=1))
    assert timeline.scalings == [] and timeline.actors("Prepare") == 1


def test_a_look_at_which_the_scoreboard_knows_nothing_loses_nothing() -> None:
    """It was started again and hears from its actors within a second."""
    timeline, full = Timeline(), QueueSight(undispatched=3, actors=1)
    look(timeline, 0.0, Tally(age_s=3.0), full)
    look(timeline, 2.0, Tally(age_s=5.0), full)
    timeline.look(3.0, {}, {"Prepare": full}, n_left=5, stored_audio_s=0.0, machine=None)
    assert timeline.held_back_s("Prepare") == 2.0
    assert timeline.document()["stages"]["Prepare"]["age_s"] == [3.0, 5.0, 5.0]
    look(timeline, 4.0, Tally(age_s=7.0), full)
    assert timeline.held_back_s("Prepare") == 4.0


def test_the_tail_begins_when_one_video_is_left() -> None:
    """And again, where a list brings more of them."""
    timeline = Timeline()
    for at_s, n_left in ((0.0, 3), (5.0, 1), (6.0, 4), (9.0, 1), (12.0, 0)):
        look(timeline, at_s, Tally(age_s=1.0), QueueSight(), n_left)
    assert timeline.alone_since_s == 9.0
