"""A sweep as it is told: what to set, and what it would change."""

from datetime import UTC, datetime

import pytest

from pipelines.sweep import Combination, Result
from pipelines.tune_words import document, named, told, told_of_kept

OWN = Combination(1, 10, 5, "int8")


def made(speed, actors=1, beam=5, compute_type="int8", mps=False):
    return Result(
        Combination(actors, 10, beam, compute_type, mps), speed, None if speed else "no memory is left"
    )


def told_of(*results, interrupted=False):
    rows = [
        named(each.combination)
        | {"speed_h_per_h": each.speed_h_per_h, "reason": each.reason, "card_bytes": None}
        for each in results
    ]
    found = document(rows, results, OWN, interrupted=interrupted)
    return found, "\n".join(told(found))


def test_the_best_is_the_best_that_hears_the_same_words() -> None:
    """A beam of one is faster and is told apart: its words may be others."""
    found, text = told_of(made(90.0), made(140.0, 2), made(None, 4), made(180.0, 2, beam=1))
    assert (found["best"]["actors"], found["best"]["set"]) == (2, ["transcribe.actors=2"])
    assert found["faster_with_other_text"]["set"] == ["transcribe.actors=2", "transcribe.beam_size=1"]
    assert [row["speed_h_per_h"] for row in found["results"]] == [180.0, 140.0, 90.0, None]
    assert "Best: 140.0 h/h with 2 actors" in text and "no memory is left" in text
    assert "1.29 times as fast, with words that may be others" in text


@pytest.mark.parametrize("other", [made(141.0, 2, beam=1), made(80.0, 1, beam=1), made(None, 1, beam=1)])
def test_another_text_that_is_no_faster_is_not_offered(other) -> None:
    """By chance, slower, or not at all."""
    found, text = told_of(made(140.0, 2), other)
    assert found["faster_with_other_text"] is None and "words that may be others" not in text


def test_where_the_settings_own_text_was_not_measured_the_fastest_is_best() -> None:
    """Somebody asked for other beams only."""
    found, _ = told_of(made(140.0, 2, beam=1))
    assert found["best"]["set"] == ["transcribe.actors=2", "transcribe.beam_size=1"]
    assert found["faster_with_other_text"] is None


def test_nothing_measured_and_a_sweep_cut_short_are_said() -> None:
    """Neither is passed over."""
    found, text = told_of(made(None))
    assert found["best"] is None and "Nothing could be measured." in text
    assert "Stopped; what was measured is kept." in told_of(made(9.0), interrupted=True)[1]


def test_mps_is_named_with_what_starts_it() -> None:
    """A run doesn't start it."""
    assert "nvidia-cuda-mps-control -d" in told_of(made(9.0, 2, mps=True))[1]
    assert "nvidia-cuda-mps-control" not in told_of(made(9.0, 2))[1]


def test_what_is_kept_is_told_by_machine_and_model() -> None:
    """A head for each, a line a measurement, and the memory of the card where there is one."""
    row = named(OWN) | {
        "hardware": {"cpus": 2, "gpus": []}, "model": "tiny", "device": "cpu", "speed_h_per_h": 90.0, "reason": None,
        "measured_at": datetime(2026, 11, 25, tzinfo=UTC),
    }  # fmt: skip
    on_card = row | {"hardware": {"cpus": 16, "gpus": ["NVIDIA L4"]}, "device": "cuda", "card_bytes": 3 << 30}
    lines = list(told_of_kept({"tunings": [row, row, on_card]}))
    assert [line for line in lines if " cores, " in line] == [
        "tiny on cpu; 2 cores, no GPU", "tiny on cuda; 16 cores, NVIDIA L4",
    ]  # fmt: skip
    assert len(lines) == 7 and "3.0 GiB" in lines[-1]
    assert "tune" in next(told_of_kept({"tunings": []}))
