"""What it takes to enrol a voice, decided on the windows of its speech. Pure.

Owns the refusals: too little speech, more than one voice, noise. And which windows are kept as the voice. Doesn't
know where the speech comes from, nor what the threshold will be (``calibration.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from actors.errors import PermanentError
from actors.voices.calibration import Vectors, centre
from actors.voices.clustering import cluster
from actors.voices.voice import VoiceSource

MIN_SPEECH_S = 30.0
MIN_WINDOWS = 8
MIN_RANGE_DB = 12.0
"""Least distance of speech to the floor beneath it, in decibels. Speech without noise has 25 and more: there are
pauses between its words. At 12 the noise has a quarter of the voice's amplitude."""
FRAME_S = 0.025
LOUD, QUIET = 0.95, 0.10
"""Quantiles of frames' energy that stand for speech and for the floor."""
MIN_LIKENESS = 0.45
"""Least mean cosine of the windows to their centre. Below, they are not one voice, nor several: noise, music."""
FOREIGN_S = 4.5
"""Speech of another voice, in seconds, that makes a recording one of several voices: two windows and more."""
MAX_STRAY = 0.15
"""Share of windows that may lie off the voice (a cough, a laugh, a word of somebody else) and are left out."""
MAX_VECTORS = 64
"""Windows that a profile keeps."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one source."""

    source: VoiceSource
    vectors: Vectors = field(repr=False)
    """Shape ``(n, dim)``, in order of time, rows of unit length."""
    range_db: float
    """See ``dynamic_range_db``."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The windows that are the voice."""

    vectors: Vectors = field(repr=False)
    """Shape ``(n, dim)``, in order of time: for calibrating."""
    n_stray: int
    """Windows left out."""

    @property
    def centroid(self) -> Vectors:
        return centre(self.vectors)

    @property
    def kept(self) -> Vectors:
        """At most ``MAX_VECTORS`` of them, spread evenly."""
        n = len(self.vectors)
        return self.vectors[np.unique(np.linspace(0, n - 1, min(n, MAX_VECTORS)).round().astype(int))]


def enrol(name: str, heard: Sequence[Heard], hop_s: float) -> Enrolled:
    """Accept the speech as that of one voice.

    Args:
        hop_s: from the start of one window to that of the next, in seconds.

    Raises:
        PermanentError: ``too_little_speech``, ``noise`` or ``several_voices``; the message says where and how
            much.
    """
    _demand_speech(name, sum(each.source.speech_s for each in heard), sum(len(each.vectors) for each in heard))
    for each in heard:
        if each.range_db < MIN_RANGE_DB:
            raise PermanentError(
                f"{each.source.source} is too noisy to enrol {name} by: speech stands {max(each.range_db, 0):.0f} dB"
                f" over what is beneath it, and {MIN_RANGE_DB:.0f} dB are needed",
                code="noise",
                remedy="Take a recording without music or noise, or the part that has none with --from and --to",
            )
    vectors = np.concatenate([each.vectors for each in heard])
    _demand_one_voice(name, heard, vectors, hop_s)
    scores = vectors @ centre(vectors)
    likeness = float(scores.mean())
    if likeness < MIN_LIKENESS:
        raise PermanentError(
            f"what was heard is too unlike itself to be one voice (mean cosine {likeness:.2f}, {MIN_LIKENESS} is needed):"
            " noise, music or many people",
            code="noise",
            remedy="Take a recording of one person, without music or noise",
        )
    return _without_strays(vectors, scores)


def dynamic_range_db(samples: npt.NDArray[np.int16], rate_hz: int) -> float:
    """How far speech stands over the floor beneath it: the energy of loud frames over that of quiet ones.

    Args:
        samples: of stretches of speech, int16 mono; the short pauses inside of them show the floor.

    Returns:
        Decibels; 0 for silence, 96 at most.
    """
    n = int(FRAME_S * rate_hz)
    n_frames = len(samples) // n
    if not n_frames:
        return 0.0
    frames = samples[: n_frames * n].reshape(n_frames, n).astype(np.float32)
    energies = np.mean(frames * frames, axis=1)
    loud, quiet = np.quantile(energies, [LOUD, QUIET])
    return float(10 * np.log10(max(loud, 1.0) / max(quiet, 1.0)))


def _demand_speech(name: str, speech_s: float, n_windows: int) -> None:
    if speech_s < MIN_SPEECH_S or n_windows < MIN_WINDOWS:
        raise PermanentError(
            f"there are {speech_s:.0f} s of speech to enrol {name} by, and {MIN_SPEECH_S:.0f} s are needed",
            code="too_little_speech",
            remedy="Name more sources, or a longer part of this one",
        )


def _without_strays(vectors: Vectors, scores: npt.NDArray[np.float32]) -> Enrolled:
    """Leave out the windows that lie far below the others: more than three standard deviations, as the median
    absolute deviation tells them, and never more than ``MAX_STRAY`` of all."""
    middle = float(np.median(scores))
    deviation = 1.4826 * float(np.median(np.abs(scores - middle)))
    bound = min(middle - 3 * deviation, float(np.quantile(scores, MAX_STRAY)))
    keep = scores >= bound
    return Enrolled(vectors[keep], int(np.count_nonzero(~keep)))
