"""Enrolled voices as a person reads them."""

from typing import Any

import pytest

from pipelines import present_voices


def document(**calibration: Any) -> dict[str, Any]:
    rests_on = {
        "basis": "measured", "eer": 0.012, "n_own": 50, "n_other": 400, "n_other_voices": 21, "n_set_aside": 0,
        "missed": 0.02, "mistaken": 0.001, "nearest": "Bob", "nearest_score": 0.31,
    }  # fmt: skip
    return {
        "name": "Ada", "model": "m", "revision": None, "dimensions": 192, "threshold": 0.71, "vectors": 50,
        "window_s": 3.0, "hop_s": 1.5, "speech_s": 80.0, "n_stray_windows": 2, "created_at": None,
        "sources": [{"source": "a.wav", "from_s": 65.0, "to_s": None, "speech_s": 80.0, "n_windows": 50}],
        "calibration": rests_on | calibration,
    }  # fmt: skip


def test_an_enrolment_is_told_with_its_figures() -> None:
    """Threshold, both errors, the equal-error rate; what is kept is biometric."""
    told = "\n".join(present_voices.enrolled(document()))
    for said in (
        "80 s of speech",
        "2 windows",
        "0.71",
        "2.0 % of 50",
        "0.1 % of 400",
        "rate 1.2 %",
        "biometric",
    ):
        assert said in told, said
    assert "hardly to be told apart" not in told


@pytest.mark.parametrize(("score", "warned"), [(0.59, False), (0.62, True), (0.9, True)])
def test_one_person_under_two_names_is_warned_of(score: float, warned: bool) -> None:
    """Each would keep the other from being recognised, and nobody would know why."""
    told = "\n".join(present_voices.shown(document(nearest_score=score)))
    assert ("one person under two names" in told) == warned


def test_a_voice_without_others_to_compare_says_so() -> None:
    """There is no equal-error rate to invent."""
    alone = document(eer=None, mistaken=None, nearest=None, nearest_score=None, n_other=0, n_other_voices=0)
    told = "\n".join(present_voices.shown(alone))
    assert "no equal-error rate" in told and "from 1:05 to the end" in told
    assert "no other voice yet" in "\n".join(present_voices.listed({"voices": [alone]}))
