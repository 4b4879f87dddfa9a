"""Voices of stored videos, to tell an enrolled voice from. Pure.

Owns: making single voices of what was heard in a video. Who they are nobody knows; one may be the very person
that is enrolled, which ``calibration.py`` reckons with.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from actors.rows import SliceVoices
from actors.voices.calibration import OtherVoice
from actors.voices.clustering import cluster

MIN_WINDOWS = 3
"""Fewer alike are no voice: a mixture, or a noise."""
MAX_WINDOWS = 40
"""Of one voice of a video, so that one long monologue doesn't stand for everybody."""


def voices_heard(videos: Iterable[Sequence[SliceVoices]], dim: int, same_voice: float) -> list[OtherVoice]:
    """The voices of some videos.

    Args:
        videos: of each what was heard in slices of it, by the model in force.
        dim: length of its vectors; others are passed over.
        same_voice: see ``cluster``.
    """
    found: list[OtherVoice] = []
    for slices in videos:
        heard = [
            voices.vectors for voices in slices if len(voices.vectors) and voices.vectors.shape[1] == dim
        ]
        if not heard:
            continue
        vectors = np.concatenate(heard)
        groups = cluster(vectors, same_voice)
        for group in range(int(groups.max()) + 1):
            own = vectors[groups == group]
            if len(own) >= MIN_WINDOWS:
                spread = np.unique(
                    np.linspace(0, len(own) - 1, min(len(own), MAX_WINDOWS)).round().astype(int)
                )
                found.append(OtherVoice(own[spread]))
    return found
