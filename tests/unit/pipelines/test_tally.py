"""Sums of actors: nothing counted twice, percentiles within their bound."""

import pickle

from pipelines.tally import ACCURACY, Spread, Tally


def spread(*seconds: float) -> Spread:
    made = Spread()
    for each in seconds:
        made.sketch.add(each)
    return made


def test_what_is_left_of_an_actors_age_is_starved() -> None:
    """The four parts add up to its age."""
    tally = Tally(busy_s=5.0, blocked_s=2.0, paused_s=1.0, age_s=10.0)
    assert tally.starved_s == 2.0
    assert (tally + tally).starved_s == 4.0 and (tally + tally).share(10.0) == 0.5


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
