"""A run's kept course as shares between its marks."""

import pytest

from pipelines.over_time import MOST_INTERVALS, over_time
from pipelines.progress import STAGES
from tests.made_run import BOUND, course

COLUMNS = ("busy_s", "blocked_s", "paused_s", "held_back_s", "age_s", "queue", "actors")


def kept(at_s: list[float], machine: dict | None = None, **columns: list[float]) -> dict:
    stage = {name: columns.get(name, [0] * len(at_s)) for name in COLUMNS}
    return {
        "at_s": at_s,
        "stored_audio_s": [0.0] * len(at_s),
        "stages": {"A": stage},
        "machine": machine or {},
    }


def test_shares_are_of_what_happened_between_two_marks() -> None:
    """Held back by Ray Data is blocked; the rest of the actors' time is starved."""
    run = over_time(kept(
        [1.0, 3.0, 5.0], busy_s=[1.0, 2.0, 6.0], blocked_s=[0.0, 0.5, 0.5], held_back_s=[0.0, 0.5, 0.5],
        paused_s=[0.0, 1.0, 1.0], age_s=[20.0, 24.0, 28.0], queue=[9, 2, 4], actors=[2, 2, 2],
    ))  # fmt: skip
    assert run is not None
    stage = run.stages["A"]
    assert run.edges_s == [1.0, 3.0, 5.0]
    assert (stage.busy, stage.blocked, stage.paused, stage.starved) == (
        [0.25, 1.0], [0.25, 0.0], [0.25, 0.0], [0.25, 0.0]
    )  # fmt: skip
    assert (stage.queue, stage.actors) == ([2, 4], [2, 2])


def test_one_mark_is_taken_since_the_beginning() -> None:
    """What the actor waited before the first row is no part of it."""
    run = over_time(kept([4.0], {"cpu_busy_s": [90.0]}, busy_s=[3.0], age_s=[50.0], queue=[2], actors=[1]))
    assert run is not None and run.edges_s == [0.0, 4.0]
    assert (run.stages["A"].busy, run.stages["A"].starved) == ([0.75], [0.25])
    assert run.cores is None, "nobody knows how much of it was before the line"


@pytest.mark.parametrize("nothing", [{}, {"at_s": [], "stages": {}, "stored_audio_s": [], "machine": {}}])
def test_without_marks_there_is_nothing_to_draw(nothing: dict) -> None:
    """A run that was killed, or had nothing to do."""
    assert over_time(nothing) is None


def test_a_stage_without_an_actor_has_no_shares() -> None:
    """It hasn't starved: it wasn't there."""
    run = over_time(kept([1.0, 2.0, 3.0], age_s=[0.0, 0.0, 1.0]))
    assert run is not None and run.stages["A"].starved == [0.0, 1.0]


def test_many_marks_become_as_many_intervals_as_can_be_seen() -> None:
    """Nothing is lost at the end, and a peak stays."""
    whole = course(n_marks=239)
    whole["stages"][BOUND]["queue"][100] = 5_000
    run = over_time(whole)
    assert run is not None and len(run.edges_s) - 1 <= MOST_INTERVALS
    assert (
        run.edges_s[-1] == whole["at_s"][-1] and run.stored_audio_h[-1] == whole["stored_audio_s"][-1] / 3600
    )
    assert max(run.stages[BOUND].queue) == 5_000
    for name in STAGES:
        stage = run.stages[name]
        sums = [
            sum(parts) for parts in zip(stage.busy, stage.blocked, stage.paused, stage.starved, strict=True)
        ]
        assert sums == pytest.approx([1.0] * len(sums))


def test_what_the_machine_did_is_a_rate() -> None:
    """Cores busy, cards busy, watts; a moment without an answer of the driver takes nothing away."""
    machine = {
        "cpu_busy_s": [10.0, 13.0, 14.0], "gpu_busy_s": [5.0, None, 7.0], "gpu_memory": [0.5, None, 0.75],
        "energy_j": [None, None, None],
    }  # fmt: skip
    run = over_time(kept([1.0, 3.0, 4.0], machine))
    assert run is not None
    assert (run.cores, run.cards, run.card_memory, run.watts) == ([1.5, 1.0], [0.0, 2.0], [0.5, 0.75], None)
