"""Whether a few probes of a slice are enough to say that one enrolled voice says all of it. Pure.

Owns the rule. Where the probes lie stands in ``windows.py``. It is a rule for leaving work out, so it is strict in
every point: whatever it doesn't take for a monologue is heard whole, which costs time and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.voices.profile import Profile
from actors.voices.windows import LEAST_PROBES

MAX_SPREAD = 0.08
"""Largest standard deviation of the probes' likeness to the voice. One voice in one recording stays near to
itself; two that are both above the threshold lie apart."""
MAX_OUTLIER = 0.2
"""How far the least likely probe may lie below the probes' median: a short guest hardly moves the deviation
of forty probes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the probes say."""

    voice: str | None
    """The enrolled voice that all of them are; ``None``: the slice must be heard whole."""
    why: str
    """For the log."""


def is_monologue(
    vectors: npt.NDArray[np.float32], profiles: Sequence[Profile], model: str, margin: float
) -> Verdict:
    """Whether all probes are one enrolled voice.

    Args:
        vectors: of the probes, shape ``(n, dim)``, rows of unit length.
        profiles: enrolled voices; those of another model than ``model`` can't be compared and don't count.
        margin: least distance in cosine to the voice's threshold, and to every other enrolled voice.
    """
    comparable = [
        profile
        for profile in profiles
        if profile.model == model and profile.centroid.shape == vectors.shape[1:]
    ]
    if not comparable:
        return Verdict(None, "no voice of this model is enrolled")
    if len(vectors) < LEAST_PROBES:
        return Verdict(None, f"only {len(vectors)} probes")
    scores = vectors @ np.stack([profile.centroid for profile in comparable]).T
    best = int(np.argmax(scores.mean(axis=0)))
    voice, own = comparable[best], scores[:, best]
    if own.min() < voice.threshold + margin:
        return Verdict(None, f"a probe is {own.min():.2f} like the likeliest voice")
    if own.std() > MAX_SPREAD or np.median(own) - own.min() > MAX_OUTLIER:
        return Verdict(
            None, f"the probes differ: {own.min():.2f} to {own.max():.2f}, deviation {own.std():.2f}"
        )
    others = np.delete(scores, best, axis=1)
    if others.size and (own[:, None] - others).min() < margin:
        return Verdict(None, "another enrolled voice is as near")
    return Verdict(voice.name, f"{len(vectors)} probes, {own.min():.2f} to {own.max():.2f}")
