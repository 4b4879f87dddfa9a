"""Windows into voices: groups, their splitting, and what is a mixture of two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voice_talks import VOICES, near, unit

from actors.voices import clustering
from actors.voices.clustering import centre, cluster, is_mixture, split

ANN, BOB, CYD = (VOICES[name] for name in ("ann", "bob", "cyd"))


def windows_of(*voices: np.ndarray, noise: float = 0.4, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clean = np.array(voices)
    return unit(clean + noise * unit(rng.standard_normal(clean.shape))).astype(np.float32)


def test_groups_are_voices_numbered_as_they_come() -> None:
    """Windows of one voice share a group wherever they stand."""
    assert cluster(windows_of(BOB, BOB, ANN, BOB, CYD, ANN, CYD), 0.5).tolist() == [0, 0, 1, 0, 2, 1, 2]
    assert cluster(windows_of(ANN), 0.5).tolist() == [0]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(2, 9))
def test_stretches_change_nothing_where_voices_are_apart(said: list[int], stretch: int) -> None:
    """Clustered a few windows at a time and joined by sums, the groups are those of all windows at once."""
    windows = windows_of(*[(ANN, BOB, CYD)[who] for who in said])
    at_once = cluster(windows, 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clustering, "STRETCH", stretch)
        assert cluster(windows, 0.5).tolist() == at_once.tolist()
    order = list(dict.fromkeys(said))
    assert at_once.tolist() == [order.index(who) for who in said]


def test_a_group_of_two_scores_is_split_at_the_gap() -> None:
    """Windows that are the voice and windows that clearly aren't: two people."""
    scores = np.array([0.9, 0.3, 0.85, 0.35, 0.8, 0.25], np.float32)
    parts = split(scores, 0.6)
    assert parts is not None and parts.tolist() == [True, False, True, False, True, False]


@pytest.mark.parametrize(
    "scores",
    [
        [0.9, 0.8, 0.7, 0.65, 0.6, 0.55],  # one voice on a good and a bad day
        [0.9, 0.9, 0.9, 0.9, 0.9, 0.3],  # one window is no voice
        [0.5, 0.5, 0.5, 0.2, 0.2, 0.2],  # neither part is the voice
        [0.95, 0.95, 0.7, 0.7],  # both are
        [0.9, 0.3, 0.9],
        [],
    ],
)  # fmt: skip
def test_what_is_one_voice_stays_whole(scores: list[float]) -> None:
    """A split needs two parts of two windows, apart, on both sides of the threshold."""
    assert split(np.array(scores, np.float32), 0.6) is None


def test_a_mixture_lies_between_two_voices() -> None:
    """Windows over a change of speakers form groups of their own: nobody is heard in them alone."""
    others = np.array([ANN, BOB, CYD], np.float32)
    assert is_mixture(unit(ANN + BOB).astype(np.float32), others)
    assert not is_mixture(unit(ANN + 0.1 * BOB).astype(np.float32), others)
    assert not is_mixture(near("dee", 0.9).astype(np.float32), others)
    assert not is_mixture(unit(ANN + BOB).astype(np.float32), others[:1])


def test_a_centre_has_unit_length() -> None:
    """Scores are cosines: a centre that is shorter would lower all of them."""
    assert np.linalg.norm(centre(windows_of(ANN, ANN, BOB))) == pytest.approx(1.0, abs=1e-6)
