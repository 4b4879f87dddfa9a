"""Proof, at a voice model's start, that its vectors tell voices apart.

Owns: three clips of two voices, and what a model must make of them. Knows models only as functions. A model
whose weights were damaged or never loaded returns vectors all the same, and everybody would be everybody.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.errors import ConfigError
from actors.rows import SAMPLE_RATE_HZ, Audio, VideoId, VideoMeta

CLIPS = Path(__file__).parent / "canary"
"""Synthetic speech by espeak-ng, 3 s each: two sentences of one voice, and one of another."""
SAME, OTHER = ("man-1.ogg", "man-2.ogg"), "woman.ogg"
CLIP_S = 3.0

LEAST_GAP = 0.15
"""By so much must one voice be more like itself than like the other one. The small model that ships has a gap of
1.1; of weights at random, small or of the published size, every clip is 0.99 like every other. A likeness as such is
no measure: it differs from model to model."""

Embed = Callable[[Sequence[npt.NDArray[np.int16]]], npt.NDArray[np.float32]]


def prove(name: str, embed: Embed) -> int:
    """Let a model hear the clips; gives the length of its vectors.

    Raises:
        ConfigError: ``canary``, it doesn't tell the two voices apart.
    """
    try:
        first, second, other = embed(load_clips())
    except (RuntimeError, ValueError) as error:
        raise _failed(name, f"it can't hear them: {str(error).splitlines()[0]}") from error
    same, different = float(first @ second), max(float(first @ other), float(second @ other))
    if not same - different >= LEAST_GAP:
        raise _failed(
            name, f"one voice is {same:.2f} like itself and {different:.2f} like another, by cosine"
        )
    return len(first)


@cache
def load_clips() -> tuple[npt.NDArray[np.int16], ...]:
    """The two clips of one voice, then that of another: int16 mono at ``SAMPLE_RATE_HZ``, of one length."""
    from actors.speech.decode import AudioDecoder

    n_samples = round(CLIP_S * SAMPLE_RATE_HZ)
    clips = []
    for file in (*SAME, OTHER):
        meta = VideoMeta(title="canary", url=file, extractor="file")
        audio = Audio(VideoId("canary"), 0, meta, (CLIPS / file).read_bytes(), "ogg")
        clips.append(np.concatenate(list(AudioDecoder(audio)))[:n_samples])
    return tuple(clips)


def _failed(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"the voice model {name} failed its test clips: {why}",
        code="canary",
        remedy="Its files may be damaged: fetch it again, or name another one in identify.model; on a GPU"
        " bring the driver up to date",
    )
