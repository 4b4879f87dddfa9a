"""Whether a few probes of a slice are enough to say that one enrolled voice says all of it. Pure.

Owns the rule. Where the probes lie stands in ``windows.py``. It is a rule for leaving work out, so it is strict in
every point: whatever it doesn't take for a monologue is heard whole, which costs time and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.voices.matching import comparable, margins, scores
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
    known = comparable(profiles, model, vectors.shape[1])
    if not known.profiles:
        return Verdict(None, known.reason or "")
    if len(vectors) < LEAST_PROBES:
        return Verdict(None, f"only {len(vectors)} probes")
    of_profiles = scores(vectors, known)
    best = int(np.argmax(of_profiles.mean(axis=0)))
    voice, own, apart = known.profiles[best], of_profiles[:, best], margins(of_profiles)[:, best]
    # Said of what must hold, so that a number that is none fails it.
    if not own.min() >= voice.threshold + margin:
        return Verdict(None, f"a probe is {own.min():.2f} like the likeliest voice")
    if not (own.std() <= MAX_SPREAD and np.median(own) - own.min() <= MAX_OUTLIER):
        return Verdict(
            None, f"the probes differ: {own.min():.2f} to {own.max():.2f}, deviation {own.std():.2f}"
        )
    if not apart.min() >= margin:
        return Verdict(None, "another enrolled voice is as near")
    return Verdict(voice.name, f"{len(vectors)} probes, {own.min():.2f} to {own.max():.2f}")
