"""When a few probes are taken for a monologue of an enrolled voice, and above all when they are not."""

import numpy as np
import pytest

from actors.voices.fast_path import is_monologue
from actors.voices.profile import Profile

DIM, MARGIN = 16, 0.05
HOST, OTHER = np.eye(DIM, dtype=np.float32)[0], np.eye(DIM, dtype=np.float32)[1]


def at(likeness: float, *, of: np.ndarray = HOST) -> np.ndarray:
    """A unit vector with this cosine to a voice and none to the others."""
    rest = np.sqrt(max(0.0, 1 - likeness**2)) * np.eye(DIM, dtype=np.float32)[-1]
    return (likeness * of + rest).astype(np.float32)


def profile(name: str, centroid: np.ndarray, threshold: float = 0.7, model: str = "tiny") -> Profile:
    return Profile(name, model, centroid, centroid[None], threshold)


ENROLLED = (profile("host", HOST), profile("other", OTHER))


def judged(*likenesses: float, profiles: tuple[Profile, ...] = ENROLLED) -> str | None:
    return is_monologue(np.stack([at(each) for each in likenesses]), profiles, "tiny", MARGIN).voice


def test_probes_that_are_all_one_voice_are_a_monologue() -> None:
    """The case that it is for."""
    assert judged(*[0.9] * 30, 0.86, 0.93) == "host"


@pytest.mark.parametrize("guest", [0.2, 0.65, 0.72])
def test_one_probe_of_a_guest_is_enough_to_listen_to_everything(guest: float) -> None:
    """Be it far away, just under the threshold or just above it: the seed took nine seconds for a video."""
    assert judged(*[0.9] * 39, guest) is None


def test_probes_above_the_threshold_that_differ_are_not_one_voice() -> None:
    """Two people alike, half and half; and one probe that stands out among forty."""
    assert judged(*[0.97, 0.78] * 10) is None
    assert judged(*[0.99] * 39, 0.77) is None


def test_a_voice_as_near_as_another_enrolled_one_is_not_told() -> None:
    """Two profiles of nearly the same voice: the dense pass will say so."""
    twin = 0.98 * HOST + np.sqrt(1 - 0.98**2, dtype=np.float32) * OTHER
    assert judged(*[0.9] * 20, profiles=(profile("host", HOST), profile("twin", twin))) is None


def test_a_profile_of_another_model_counts_for_nothing() -> None:
    """Cosines between vectors of two models mean nothing; nor do those of another length."""
    assert judged(*[0.9] * 20, profiles=(profile("host", HOST, model="large"),)) is None
    short = profile("host", HOST[:8])
    assert judged(*[0.9] * 20, profiles=(short,)) is None
    assert judged(*[0.9] * 20, profiles=(short, *ENROLLED)) == "host"


def test_without_a_profile_nothing_is_a_monologue() -> None:
    """The seed labelled everything as the target when the target's profile was missing."""
    assert judged(*[0.9] * 20, profiles=()) is None


def test_a_few_probes_prove_nothing() -> None:
    """A short slice is heard whole: it costs little."""
    assert judged(*[0.9] * 3) is None
    assert judged(*[0.9] * 4) == "host"
