"""What the benchmark makes of its measurements, from figures made up here."""

import json
from dataclasses import replace

import pytest

from tests.bench.report import Measured, Round, StageUse, binding, document, faults, lines

STAGES = (
    StageUse("Prepare", actors=2, items=40, failed=0, busy_share=0.98, blocked_share=0.01),
    StageUse("Transcribe", actors=2, items=120, failed=0, busy_share=0.71, blocked_share=0.0),
)
ALONE = Measured("a", 40, 36_000.0, 30_000.0, work_s=90.0, start_up_s=2.0, cpu_share=0.05)
LINE = Measured(
    "b", 40, 36_000.0, 30_000.0, work_s=100.0, start_up_s=30.0, cpu_share=0.9,
    parts_s={"until the first slice is transcribed": 4.0}, stages=STAGES,
)  # fmt: skip
PHASES = Measured("c", 40, 36_000.0, 30_000.0, work_s=180.0, start_up_s=20.0, cpu_share=0.5)
ROUND = Round("simulated", "a stand-in", "20 MB/s", 2, 40, 36_000.0, (ALONE, LINE, PHASES))


def test_speed_counts_hours_of_audio_for_each_hour_of_work() -> None:
    """Ten hours in 100 s are 360 h/h; start-up is left out."""
    assert LINE.speed_h_per_h == pytest.approx(360.0)


def test_ratios_compare_the_line_with_the_other_two_sides() -> None:
    """Efficiency is b/a, advantage b/c."""
    assert ROUND.efficiency == pytest.approx(0.9)
    assert ROUND.advantage == pytest.approx(1.8)


def test_a_side_that_did_not_run_leaves_its_ratio_out() -> None:
    """No ratio is made up, and none printed."""
    alone = replace(ROUND, sides=(LINE,))
    assert alone.efficiency is None
    assert alone.advantage is None
    assert "b/a" not in "\n".join(lines(alone))


def test_the_busiest_stage_binds() -> None:
    """It is named with its share; without stages nothing binds."""
    assert binding(STAGES) is STAGES[0]
    assert binding(()) is None
    assert "  binds: Prepare (98% busy)" in list(lines(ROUND))


def test_a_line_bound_by_its_recogniser_is_said_to_be_right() -> None:
    """That is what the line is built for."""
    stages = (replace(STAGES[0], busy_share=0.4), replace(STAGES[1], busy_share=0.97))
    told = list(lines(replace(ROUND, sides=(replace(LINE, stages=stages),))))
    assert told[-1] == "  binds: Transcribe (97% busy), as it should be"


def test_sides_that_did_the_same_work_have_no_fault() -> None:
    """Half a percent of speech more or less is the same work: two runs cut the same, sums differ in digits."""
    assert faults(ROUND) == []
    assert faults(replace(ROUND, sides=(ALONE, replace(LINE, speech_s=30_150.0)))) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (replace(LINE, n_videos=39), "(b) brought 39 of 40 videos to the end"),
        (replace(LINE, speech_s=29_000.0), "(b) 29000 s"),
    ],
)
def test_sides_that_did_different_work_are_called_incomparable(changed: Measured, named: str) -> None:
    """A lost video or lost speech would make a side look fast."""
    wrong = replace(ROUND, sides=(ALONE, changed, PHASES))
    (fault,) = faults(wrong)
    assert named in fault
    assert f"  NOT COMPARABLE: {fault}" in list(lines(wrong))


def test_a_simulation_says_so_first() -> None:
    """Nobody takes its figures for a GPU's; the real form bears no such mark."""
    assert next(lines(ROUND)).startswith("SIMULATION")
    assert "SIMULATION" not in "\n".join(lines(replace(ROUND, form="real")))


def test_the_document_holds_every_figure() -> None:
    """What is printed can be read by a program, too."""
    told = json.loads(json.dumps(document(ROUND)))
    assert told["line_efficiency"] == pytest.approx(0.9)
    assert told["advantage_over_phases"] == pytest.approx(1.8)
    assert told["binds"] == "Prepare"
    assert [side["speed_h_per_h"] for side in told["sides"]] == pytest.approx([400.0, 360.0, 200.0])
    assert told["sides"][1]["stages"][0]["busy_share"] == pytest.approx(0.98)
