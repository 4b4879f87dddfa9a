"""Thresholds: between what others reach and what the voice itself reaches; figures that mean what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.voices.calibration import (
    CEILING,
    ENOUGH_VOICES,
    OTHERS_OF_ANY_MODEL,
    calibrate,
    equal_error_rate,
    held_out_scores,
)
from actors.voices.clustering import centre
from tests.enrolled import between, direction, other, profile, windows

MODEL = "ecapa-test"
ADA, BOB = direction(1), direction(2)
OWN = windows(ADA, 60)


def strangers(n: int, cosine: float | None = None) -> list[object]:
    """Voices of the corpus, at right angles to Ada's or with a cosine to it."""
    return [
        other(direction(seed) if cosine is None else between(ADA, direction(seed), cosine), seed=seed)
        for seed in range(200, 200 + n)
    ]


def test_without_others_the_threshold_is_a_stated_default() -> None:
    """It says so, and there is no equal-error rate to show."""
    threshold, rests_on = calibrate(OWN, MODEL, [])
    assert OTHERS_OF_ANY_MODEL < threshold < np.quantile(held_out_scores(OWN), 0.05)
    assert "no other voice" in rests_on.basis and MODEL in rests_on.basis
    assert (rests_on.eer, rests_on.mistaken, rests_on.nearest) == (None, None, None)
    assert rests_on.n_own == 60 and rests_on.missed == 0


def test_a_revision_does_not_change_what_is_known_of_a_model() -> None:
    """The name under which vectors are kept has it behind an @."""
    plain, _ = calibrate(OWN, "spkrec-ecapa-voxceleb", [])
    pinned, _ = calibrate(OWN, "spkrec-ecapa-voxceleb@0f99f2d", [])
    assert plain == pinned < calibrate(OWN, MODEL, [])[0]


def test_a_nearer_voice_raises_the_threshold() -> None:
    """Enrolled voices count as others whatever they sound like, and the nearest is named."""
    plain, _ = calibrate(OWN, MODEL, [])
    near = profile("Bob", between(ADA, BOB, 0.9))
    threshold, rests_on = calibrate(OWN, MODEL, [profile("Cy", BOB), near])
    assert threshold > plain
    assert rests_on.nearest == "Bob" and rests_on.nearest_score == pytest.approx(0.9, abs=0.05)
    assert rests_on.mistaken == 0 and rests_on.n_other_voices == 2


def test_profiles_of_another_model_count_for_nothing() -> None:
    """Their cosines would mean nothing."""
    foreign = profile("Bob", between(ADA, BOB, 0.9), model="another")
    assert calibrate(OWN, MODEL, [foreign]) == calibrate(OWN, MODEL, [])


def test_the_voice_itself_in_the_corpus_is_no_other_voice() -> None:
    """Most of a corpus is the very person who is enrolled: he would push the threshold over his own head."""
    himself = [other(ADA, n=30, seed=seed) for seed in (7, 8)]
    threshold, rests_on = calibrate(OWN, MODEL, [], [*himself, *strangers(3)])
    assert rests_on.n_set_aside == 60
    assert (rests_on.n_other_voices, rests_on.n_other) == (3, 30)
    assert threshold == calibrate(OWN, MODEL, [], strangers(3))[0]


def test_many_other_voices_are_believed_over_the_default() -> None:
    """A few could be very unlike by chance; twenty could not."""
    few, about_few = calibrate(OWN, MODEL, [], strangers(ENOUGH_VOICES - 1))
    many, about_many = calibrate(OWN, MODEL, [], strangers(ENOUGH_VOICES))
    assert many < few
    assert "with fewer than" in about_few.basis and "with fewer" not in about_many.basis
    assert about_many.eer == 0


def test_where_voices_overlap_foreign_speech_is_refused_rather_than_own_kept() -> None:
    """Two enrolled voices that can't be told apart: neither is recognised often, and the figures say so."""
    twin = profile("Bob", between(ADA, BOB, 0.99), n=200)
    threshold, rests_on = calibrate(windows(ADA, 60, likeness=0.5), MODEL, [twin])
    assert (rests_on.mistaken is not None and rests_on.mistaken <= 0.01) or threshold == CEILING
    assert rests_on.missed > 0.5
    assert rests_on.eer is not None and rests_on.eer > 0.05


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40),
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40),
)
def test_the_equal_error_rate_is_a_share_and_zero_exactly_without_overlap(
    own: list[float], others: list[float]
) -> None:
    """0 if every own score lies above every other's."""
    rate = equal_error_rate(np.array(own, np.float32), np.array(others, np.float32))
    assert rate is not None and 0 <= rate <= 1
    if min(own) > max(others):
        assert rate == 0
    if rate == 0:
        assert min(own) > max(others)


def test_windows_are_never_scored_by_a_centroid_that_they_had_a_part_in() -> None:
    """Windows at random directions: inside of the centroid each would score well, held out none does."""
    random = np.stack([direction(seed) for seed in range(300, 340)])
    assert (random @ centre(random)).mean() > 0.1
    assert abs(held_out_scores(random).mean()) < 0.05
