"""Voice vectors against enrolled profiles: how near, how clearly, and which profiles can be compared at all.

The one place that says what the *score* of a voice is: the cosine of a window's vector to the centroid of the
profile. Thresholds are calibrated on this score and hold for nothing else. Pure; knows no video.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.voices.profile import Profile

Floats = npt.NDArray[np.float32]

NOBODY_ENROLLED = "no voice is enrolled"
OTHER_MODEL = "the enrolled voices were made by another voice model"
TOO_CLOSE = "two enrolled voices are too close to tell apart"


@dataclass(frozen=True, slots=True)
class Comparable:
    """The profiles that a video's vectors can be compared with."""

    profiles: tuple[Profile, ...]
    reason: str | None
    """Why there are none; ``None``: there are some."""

    @property
    def centroids(self) -> Floats:
        """Shape ``(n_profiles, dim)``, rows of unit length."""
        return unit(np.stack([profile.centroid for profile in self.profiles]))

    @property
    def thresholds(self) -> Floats:
        """Shape ``(n_profiles,)``."""
        return np.array([profile.threshold for profile in self.profiles], np.float32)


@dataclass(frozen=True, slots=True)
class Match:
    """Whom a vector is nearest to, and whether that is near and clear enough."""

    profile: int | None
    """Index of the profile that it is; ``None``: of none, or ``doubt`` says why it can't be told."""
    doubt: str | None = None


def comparable(profiles: Sequence[Profile], model: str, dim: int) -> Comparable:
    """The profiles made by ``model`` in ``dim`` dimensions; the cosine of two models' vectors means nothing."""
    if not profiles:
        return Comparable((), NOBODY_ENROLLED)
    usable = tuple(
        profile
        for profile in profiles
        if profile.model == model and profile.centroid.shape == (dim,) and np.isfinite(profile.centroid).all()
    )
    return Comparable(usable, None if usable else OTHER_MODEL)


def unit(vectors: Floats) -> Floats:
    """The same directions with length 1, along the last axis; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    return scaled


def scores(vectors: Floats, profiles: Comparable) -> Floats:
    """Score of each vector with each profile.

    Args:
        vectors: shape ``(n, dim)``, rows of unit length.

    Returns:
        Shape ``(n, n_profiles)``, from -1 to 1.
    """
    if not profiles.profiles:
        return np.zeros((len(vectors), 0), np.float32)
    return vectors @ profiles.centroids.T


def margins(of_profiles: Floats) -> Floats:
    """How far each score is above that of the best other profile; infinite where there is no other.

    Args:
        of_profiles: shape ``(n, n_profiles)``, as ``scores`` gives them.

    Returns:
        Shape ``(n, n_profiles)``; negative for all but the best.
    """
    if of_profiles.shape[1] < 2:
        return np.full_like(of_profiles, np.inf)
    best_two = np.sort(of_profiles, axis=1)[:, -2:]
    is_best = of_profiles == best_two[:, 1:]
    return of_profiles - np.where(is_best, best_two[:, :1], best_two[:, 1:])


def match(of_profiles: Floats, profiles: Comparable, margin: float) -> Match:
    """Decide for one vector: the nearest profile, if it is above its threshold and no other is about as near.

    Args:
        of_profiles: shape ``(n_profiles,)``, the vector's scores.
        margin: least distance to the next nearest profile.
    """
    above = of_profiles >= profiles.thresholds
    if not above.any():
        return Match(None)
    nearest = int(np.argmax(of_profiles))
    if not above[nearest] or margins(of_profiles[None])[0, nearest] < margin:
        return Match(None, TOO_CLOSE)
    return Match(nearest)
