"""Sums of actors: nothing counted twice, percentiles within their bound."""

import pickle

from pipelines.in_hand import Held
from pipelines.progress import busy_share
from pipelines.tally import ACCURACY, Board, Spread, Tally


def spread(*seconds: float) -> Spread:
    made = Spread()
    for each in seconds:
        made.sketch.add(each)
    return made


def test_what_is_left_of_an_actors_age_is_starved() -> None:
    """The four parts add up to its age."""
    tally = Tally(busy_s=5.0, blocked_s=2.0, paused_s=1.0, age_s=10.0)
    assert tally.starved_s == 2.0
    assert (tally + tally).starved_s == 4.0 and busy_share(tally + tally) == 0.5


def test_percentiles_of_actors_are_those_of_all_their_rows() -> None:
    """Not the mean of each one's; and they travel between processes."""
    fast, slow = spread(*[0.1] * 98), spread(40.0, 40.0)
    both = pickle.loads(pickle.dumps(Tally(spread=fast) + Tally(spread=slow)))
    kept = both.figures()
    assert abs(kept["p50_s"] - 0.1) <= 0.1 * ACCURACY and abs(kept["p99_s"] - 40.0) <= 40.0 * ACCURACY
    assert fast.quantile(0.99) < 0.11, "adding left it as it was"


def test_without_rows_there_are_no_percentiles() -> None:
    """None, not 0."""
    kept = (Tally() + Tally()).figures()
    assert (kept["p50_s"], kept["p99_s"]) == (None, None)


def test_failures_are_summed_by_code() -> None:
    """Codes that only one of them knows stay."""
    both = Tally(codes={"removed": 2, "live": 1}) + Tally(codes={"removed": 3, "geo": 1})
    assert both.figures()["codes"] == {"removed": 5, "live": 1, "geo": 1}


def test_an_actor_that_was_let_go_is_counted_no_more() -> None:
    """What it did stays, its silence counts for nobody. One that holds a row is waited for, in the pool or not."""
    held = (Held("video", 0, "working", 3.0, 2.0, 900.0),)
    actors = {
        "at work": Tally(items=2, silent_s=0.5),
        "gone": Tally(items=5, silent_s=90.0),
        "stopped": Tally(items=1, in_hand=1, held=held, silent_s=40.0),
    }
    board = Board({"Prepare": actors, "Store": {"alone": Tally(silent_s=7.0)}})
    stages = board.of_pools({"Prepare": frozenset({"at work"})}).stages()
    prepare = stages["Prepare"]
    assert (prepare.items, prepare.actors, prepare.in_hand, prepare.silent_s) == (8, 2, 1, 40.0)
    assert (stages["Store"].actors, stages["Store"].silent_s) == (1, 7.0), "nothing is known of its pool"
    assert board.stages()["Prepare"].silent_s == 90.0


def test_a_scoreboard_that_starts_again_does_not_begin_the_run_anew() -> None:
    """It takes the first row that it hears of for the run's first."""
    known = Board(began_at=100.0, notices=("no voices",))
    empty = Board().after(known)
    assert (empty.began_at, empty.notices) == (100.0, ("no voices",))
    again = Board(began_at=160.0, notices=("no voices", "no memory")).after(empty)
    assert (again.began_at, again.notices) == (100.0, ("no voices", "no memory"))
    assert Board(began_at=100.0).after(Board()).began_at == 100.0 and Board().after(Board()).began_at is None
