"""How much of a recording would be taken for an enrolled voice: figures for a person who doubts it. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from actors.errors import ConfigError
from actors.voices.matching import Floats, comparable, margins, scores
from actors.voices.profile import Profile


def compare(
    vectors: Floats, profile: Profile, profiles: Sequence[Profile], model: str, margin: float
) -> dict[str, Any]:
    """What windows say for and against a voice.

    Args:
        vectors: shape ``(n, dim)``, rows of unit length, made by ``model``.
        profile: the voice; one of ``profiles``, all that are enrolled.
        margin: least distance in cosine to the next nearest enrolled voice.

    Returns:
        Plain data: ``windows``, ``accepted`` (the share that reaches the threshold, with the margin),
        ``score`` (5th, 50th and 95th percentile of the cosines), ``nearest_other`` and ``other_accepted`` (the other
        voice with most windows nearest to it, and their share; ``None`` where there is no other).

    Raises:
        ConfigError: ``other_model``, the voice can't be compared with these vectors.
    """
    known = comparable(profiles, model, vectors.shape[1])
    names = [each.name for each in known.profiles]
    if profile.name not in names:
        raise ConfigError(
            f"{profile.name} was enrolled with the voice model {profile.model}, and identify.model is {model}",
            code="other_model",
            remedy=f"Set identify.model to {profile.model}, or enrol {profile.name} again",
        )
    at = names.index(profile.name)
    cosines = scores(vectors, known)
    accepted = (cosines >= known.thresholds) & (margins(cosines) >= margin)
    shares = accepted.mean(axis=0)
    others = [index for index in range(len(names)) if index != at]
    best = max(others, key=lambda index: float(cosines[:, index].mean()), default=None)
    low, middle, high = np.quantile(cosines[:, at], [0.05, 0.5, 0.95]).tolist()
    return {
        "windows": len(vectors),
        "accepted": round(float(shares[at]), 4),
        "score": {"p5": round(low, 4), "p50": round(middle, 4), "p95": round(high, 4)},
        "nearest_other": None if best is None else names[best],
        "other_accepted": None if best is None else round(float(shares[best]), 4),
    }
