"""A run's queue on a real Postgres: retries inside a run, sources that pause, and when the run ends."""

from collections.abc import Callable
from typing import Any

from store_rows import RECIPE, Wanted, wanted

from actors.errors import PermanentError, TransientError
from actors.rows import Request, RunId, VideoId
from actors.store import retries, status
from actors.store.backoff import Backoff
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits
from actors.store.run_queue import RunQueue
from actors.store.standing import Asked
from configs.settings import Settings

NewRun = Callable[[], RunId]


def settings(**sections: dict[str, Any]) -> Settings:
    return Settings(**sections)  # type: ignore[arg-type]


def youtube(*names: str) -> list[Wanted]:
    return [Wanted(name, f"https://www.youtube.com/watch?v={name}") for name in names]


def names(requests: list[Request]) -> list[str]:
    return [request.video_id for request in requests]


def is_due(database: Database, video_id: str) -> None:
    """Let a video's waiting time be over."""
    what = {"id": video_id}
    database.run(
        lambda c: c.execute("update ingest_state set not_before = now() where video_id = %(id)s", what)
    )


def permits(database: Database, given: Settings) -> Permits:
    return Permits.of(database, given.governor, given.download)


def test_a_run_takes_what_failed_for_now_again_when_it_is_due(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Failed with its reason until then; afterwards running, and the attempt counts. Oldest first."""
    run = new_run()
    queue = RunQueue(database, run, settings())
    ledger.ask(run, wanted("a", "b", "c"), RECIPE)
    (first,) = queue.take(1)
    ledger.fail(first.video_id, first.fence, TransientError("reset", code="network"))
    assert names(queue.take(1)) == ["b"], "it isn't due yet"
    row = status.video(database, "a")
    assert row is not None
    assert (row.status, row.code, row.attempts) == ("failed", "network", 1)
    is_due(database, "a")
    again, other = queue.take(5)
    assert (names([again, other]), again.fence > first.fence) == (["a", "c"], True)
    row = status.video(database, "a")
    assert row is not None
    assert (row.status, row.code, row.reason, row.attempts) == ("running", None, None, 2)


def test_a_run_takes_no_failure_that_it_doesnt_work_on(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Neither a permanent one, nor another run's, nor one that it passed over because it wasn't due."""
    earlier, run = new_run(), new_run()
    ledger.ask(earlier, wanted("theirs", "early", "bad"), RECIPE)
    for request in ledger.claim(earlier, 3):
        kind = PermanentError if request.video_id == "bad" else TransientError
        ledger.fail(request.video_id, request.fence, kind("no"))
    assert ledger.ask(run, wanted("early", "bad"), RECIPE) == Asked(not_due=1, failed_before=1)
    for name in ("theirs", "early", "bad"):
        is_due(database, name)
    queue = RunQueue(database, run, settings())
    assert queue.take(5) == []
    assert queue.exhausted()


def test_what_failed_for_good_is_tried_again_by_its_code(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Private until there were cookies; other reasons stand, and a failure of the moment keeps its time."""
    ledger.ask(earlier := new_run(), wanted("private", "removed", "moment"), RECIPE)
    for request in ledger.claim(earlier, 3):
        kind = TransientError if request.video_id == "moment" else PermanentError
        ledger.fail(request.video_id, request.fence, kind("no", code=str(request.video_id)))
    assert retries.overview(database, ["private"]).due == 0
    retries.reopen(database, ["private"])
    again = list(retries.due(database, ["private"]))
    assert [each.video_id for each in again] == ["private"] and list(retries.due(database)) == again
    assert ledger.ask(new_run(), again, RECIPE) == Asked(again=1)


def test_what_failed_for_two_runs_is_taken_by_one(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Whoever comes first; for the other it is in other hands."""
    runs = [new_run(), new_run()]
    for run in runs:
        ledger.ask(run, wanted("a"), RECIPE)
    (request,) = ledger.claim(runs[0], 1)
    ledger.fail(request.video_id, request.fence, TransientError("reset"))
    is_due(database, "a")
    queues = [RunQueue(database, run, settings()) for run in runs]
    assert names(queues[1].take(1)) == ["a"]
    assert queues[0].take(1) == []
    assert ledger.counts(runs[0]).held_elsewhere == 1


def test_a_run_ends_when_no_failure_is_due_within_its_patience(database: Database, new_run: NewRun) -> None:
    """Half a minute to a minute after the first failure: patience for 20 s ends, for 200 s doesn't."""
    run = new_run()
    ledger = Ledger(database, Backoff(first_s=60.0))
    ledger.ask(run, wanted("a"), RECIPE)
    brief, patient = (RunQueue(database, run, settings(retry={"patience_s": s})) for s in (20, 200))
    assert not brief.exhausted()
    (request,) = brief.take(1)
    assert not brief.exhausted(), "it may still turn out a list, or fail"
    ledger.fail(request.video_id, request.fence, TransientError("reset", code="network"))
    assert brief.exhausted()
    assert not patient.exhausted()
    (group,) = patient.outlook().waiting
    assert (group.code, group.n, 20 < group.due_in_s <= 60) == ("network", 1, True)
    assert patient.outlook().only_waits


def test_work_in_hand_ends_a_run_unless_a_failure_may_become_due_meanwhile(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Past the download nothing can turn out a list; but what failed long ago is tried again."""
    run = new_run()
    queue = RunQueue(database, run, settings(retry={"patience_s": 0}))
    ledger.ask(run, wanted("a", "b"), RECIPE)
    a, b = queue.take(2)
    ledger.enter(a.video_id, a.fence, "transcribe")
    ledger.enter(b.video_id, b.fence, "download")
    assert not queue.exhausted()
    ledger.fail(b.video_id, b.fence, TransientError("reset"))
    assert not queue.exhausted()
    ledger.skip(a.video_id, a.fence, "no_speech", "silence")
    assert queue.exhausted()


def test_of_a_limited_source_no_more_is_taken_than_may_be_asked_and_others_are_taken_past_it(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Ten of YouTube stand before four of another host: three of the one, all of the other."""
    run, given = new_run(), settings(governor={"jitter": 0})
    queue = RunQueue(database, run, given)
    ledger.ask(run, [*youtube(*(f"y{n}" for n in range(10))), *wanted(*"abcd")], RECIPE)
    taken = queue.take(16)
    assert sorted(names(taken)) == ["a", "b", "c", "d", "y0", "y1", "y2"]
    assert queue.take(16) == [], "three wait at YouTube's door already"
    for request in taken:
        ledger.enter(request.video_id, request.fence, "download")
        if request.video_id.startswith("y"):
            assert permits(database, given).take("youtube") == 0
    assert queue.take(16) == [], "the bucket is empty"
    (wait,) = [hold for hold in queue.outlook().holds if hold.site == "youtube"]
    assert (wait.is_pause, 0 < wait.left_s <= 20) == (False, True)


def test_a_source_that_pauses_holds_back_its_own_videos_only(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Pending ones and failures that are due; the run waits for the pause, as long as its patience lasts."""
    run, given = new_run(), settings()
    queue = RunQueue(database, run, given)
    ledger.ask(run, [*wanted("a"), Wanted("b", "https://other.example/b")], RECIPE)
    (failed,) = ledger.claim(run, 1)
    ledger.fail(failed.video_id, failed.fence, TransientError("reset"))
    is_due(database, "a")
    permits(database, given).blocked("example.org", asked_ago_s=0.0)
    assert names(queue.take(5)) == ["b"]
    ledger.ask(run, wanted("c"), RECIPE)
    assert queue.take(5) == []
    assert not queue.exhausted()


def test_a_source_that_lets_nothing_through_is_given_up_and_its_videos_stay_on_the_queue(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """With a patience shorter than the pause the run is at its end; the next run goes on with them."""
    run, brief = new_run(), settings(governor={"patience_s": 60})
    ledger.ask(run, wanted("a", "b"), RECIPE)
    permits(database, brief).blocked("example.org", asked_ago_s=0.0)
    assert RunQueue(database, run, brief).exhausted()
    assert not RunQueue(database, run, settings()).exhausted()
    assert ledger.counts(run).pending == 2
    assert ledger.ask(new_run(), wanted("a", "b"), RECIPE) == Asked(again=2)


def test_a_postponed_video_goes_last_and_is_due_at_once_when_asked_for_anew(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """The one that drew the block isn't the next to be tried; another exit or session needn't wait for it."""
    run = new_run()
    queue = RunQueue(database, run, settings())
    ledger.ask(run, wanted("a", "b", "c"), RECIPE)
    (a,) = queue.take(1)
    ledger.postpone(a.video_id, a.fence, 0.0, last=True)
    assert names(queue.take(5)) == ["b", "c", "a"]
    (row,) = [row for row in status.videos(database) if row.id == "a"]
    assert row.attempts == 1
    ledger.release(run)
    (again,) = ledger.claim(run, 1)
    ledger.postpone(again.video_id, again.fence, 3600.0)
    later = new_run()
    assert ledger.ask(later, wanted(again.video_id), RECIPE) == Asked(again=1)
    assert names(RunQueue(database, later, settings()).take(1)) == [again.video_id]


def test_retries_are_what_failed_for_now_by_code_and_time(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Permanent failures are none; what isn't due is brought forward only if asked for, and only those."""
    run = new_run()
    ledger.ask(run, wanted(*"abcd"), RECIPE)
    errors = dict(
        zip(
            "abcd",
            (TransientError("x", code=code) for code in ("network", "throttled", "network")),
            strict=False,
        )
    )
    for request in ledger.claim(run, 4):
        ledger.fail(request.video_id, request.fence, errors.get(request.video_id, PermanentError("gone")))
    is_due(database, "a")
    found = retries.overview(database)
    row = status.video(database, "b")
    assert row is not None
    assert (found.due, found.later, found.next_due is not None) == (1, 2, True)
    assert retries.overview(database, ["throttled"]) == retries.FailedForNow(0, 1, row.not_before)
    assert [known.video_id for known in retries.due(database)] == ["a"]
    retries.bring_forward(database, ["throttled"])
    assert [known.video_id for known in retries.due(database)] == ["a", "b"]
    assert [known.video_id for known in retries.due(database, ["network"])] == ["a"]
    again = new_run()
    assert ledger.ask(again, retries.due(database), RECIPE) == Asked(again=2)
    row = status.video(database, "b")
    assert row is not None
    assert (row.status, row.attempts, row.url) == ("pending", 1, "https://example.org/b")
    assert names(ledger.claim(again, 5)) == ["a", "b"]


def test_a_failed_video_keeps_its_number_of_attempts_over_runs(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Three failures, the last two in one run; the delay grows with them."""
    run = new_run()
    delays = []
    for _ in range(3):
        ledger.ask(run, wanted("a"), RECIPE)
        (request,) = ledger.claim(run, 1)
        ledger.fail(VideoId("a"), request.fence, TransientError("reset"))
        (group,) = RunQueue(database, run, settings()).outlook().groups
        delays.append(group.due_in_s)
        is_due(database, "a")
        if len(delays) == 1:
            run = new_run()
    row = status.video(database, "a")
    assert row is not None
    assert row.attempts == 3
    assert delays[0] <= 60 < delays[2] <= 240


def on_a_cluster(database: Database, *exits: str, **governor: float) -> tuple[Settings, list[Permits]]:
    """Settings of a cluster, and the permits of nodes with these addresses."""
    given = settings(ray={"address": "auto"}, governor=governor)
    return given, [Permits(database, given.governor, name, "guest") for name in exits]


def test_nodes_with_addresses_of_their_own_are_asked_for_together(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """Two nodes that ask let twice as many through; a few more wait at their doors, for a third that may come."""
    given, nodes = on_a_cluster(database, "10.0.0.1", "10.0.0.2", youtube_videos_per_h=1.0, jitter=0.0)
    for node in nodes:
        assert node.take("youtube") == 0
    run = new_run()
    ledger.ask(run, youtube(*(f"v{n}" for n in range(20))), RECIPE)
    assert len(RunQueue(database, run, given).take(20)) == 2 * 2 + 3
    assert RunQueue(database, run, given).take(20) == []


def test_a_source_is_held_only_where_no_node_may_ask_it(
    database: Database, ledger: Ledger, new_run: NewRun
) -> None:
    """One node that is turned away holds up nothing; where all of them are, the run waits, and gives up in the end."""
    given, (first, second) = on_a_cluster(database, "10.0.0.1", "10.0.0.2", patience_s=0.0, jitter=0.0)
    for node in (first, second):
        assert node.take("youtube") == 0
    run = new_run()
    ledger.ask(run, youtube("a", "b"), RECIPE)
    queue = RunQueue(database, run, given)
    first.blocked("youtube", asked_ago_s=0.0)
    assert queue.outlook().holds == () and not queue.exhausted()
    second.blocked("youtube", asked_ago_s=0.0)
    (hold,) = queue.outlook().holds
    assert (hold.site, hold.is_pause, hold.given_up) == ("youtube", True, True) and hold.left_s > 0
    assert queue.take(5) == []
    assert queue.exhausted()


def test_nodes_behind_one_address_count_as_one(database: Database, ledger: Ledger, new_run: NewRun) -> None:
    """governor.exit names it; whatever they believe of themselves."""
    given = settings(
        ray={"address": "auto"}, governor={"exit": "nat", "youtube_videos_per_h": 1.0, "jitter": 0.0}
    )
    for _ in range(2):
        assert permits(database, given).take("youtube") == 0
    Permits(database, given.governor, "10.0.0.9", "guest").take("youtube")
    run = new_run()
    ledger.ask(run, youtube("a", "b", "c"), RECIPE)
    assert names(RunQueue(database, run, given).take(5)) == ["a"]
