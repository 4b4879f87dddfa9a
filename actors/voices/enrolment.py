"""What it takes to enrol a voice, decided on the windows of its speech. Pure.

Owns the refusals: too little speech, more than one voice, noise. And which windows are kept as the voice. Doesn't
know where the speech comes from, nor what the threshold will be (``calibration.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from actors.errors import PermanentError
from actors.voices.clustering import centre, cluster
from actors.voices.matching import Floats
from actors.voices.voice import VoiceSource

MIN_SPEECH_S = 30.0
MIN_WINDOWS = 8
MIN_RANGE_DB = 12.0
"""Least distance of speech to the floor beneath it, in decibels. Speech without noise has 25 and more: there are
pauses between its words. At 12 the noise has a quarter of the voice's amplitude."""
FRAME_S = 0.025
LOUD, QUIET = 0.95, 0.10
"""Quantiles of frames' energy that stand for speech and for the floor."""
FOREIGN_WINDOWS = 3
"""Windows alike among themselves and unlike the rest that make a recording one of several voices: about six
seconds of somebody else's speech."""
MAX_STRAY = 0.2
"""Share of windows that may lie off the voice one by one (a cough, a laugh, a word of somebody else). They are left
out; with more of them it is not the speech of one person without noise."""
MAX_VECTORS = 64
"""Windows that a profile keeps."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one source."""

    source: VoiceSource
    vectors: Floats = field(repr=False)
    """Shape ``(n, dim)``, in order of time, rows of unit length."""
    spans: Sequence[tuple[float, float]]
    """Start and end of each window in the source, in seconds."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The windows that are the voice."""

    vectors: Floats = field(repr=False)
    """Shape ``(n, dim)``, in order of time: for calibrating."""
    n_stray: int
    """Windows left out."""

    @property
    def centroid(self) -> Floats:
        """Of all of them: shape ``(dim,)``, unit length."""
        return centre(self.vectors)

    @property
    def kept(self) -> Floats:
        """At most ``MAX_VECTORS`` of them, spread evenly."""
        n = len(self.vectors)
        spread = np.unique(np.linspace(0, n - 1, min(n, MAX_VECTORS)).round().astype(int))
        chosen: Floats = self.vectors[spread]
        return chosen


def demand_usable(name: str, sources: Sequence[tuple[VoiceSource, float]]) -> None:
    """What can be said before a model has heard anything.

    Args:
        sources: each with its ``dynamic_range_db``.

    Raises:
        PermanentError: ``too_little_speech`` or ``noise``.
    """
    speech_s = sum(source.speech_s for source, _ in sources)
    if speech_s < MIN_SPEECH_S or sum(source.n_windows for source, _ in sources) < MIN_WINDOWS:
        raise PermanentError(
            f"there are {speech_s:.0f} s of speech to enrol {name} by, and {MIN_SPEECH_S:.0f} s are needed",
            code="too_little_speech",
            remedy="Name more sources, or a longer part",
        )
    for source, range_db in sources:
        if range_db < MIN_RANGE_DB:
            raise PermanentError(
                f"{source.source} is too noisy to enrol {name} by: speech stands {range_db:.0f} dB over what is"
                f" beneath it, and {MIN_RANGE_DB:.0f} dB are needed",
                code="noise",
                remedy="Take a recording without music or noise, or name the part that has none with --from and --to",
            )


def enrol(name: str, heard: Sequence[Heard], same_voice: float) -> Enrolled:
    """Accept the windows as those of one voice.

    Args:
        same_voice: see ``cluster``.

    Raises:
        PermanentError: ``several_voices`` or ``noise``; the message says where and how much.
    """
    vectors = np.concatenate([each.vectors for each in heard])
    places = [(each.source.source, span) for each in heard for span in each.spans]
    groups = cluster(vectors, same_voice)
    sizes = np.bincount(groups)
    main = int(np.argmax(sizes))
    foreign = [group for group in np.argsort(-sizes) if group != main and sizes[group] >= FOREIGN_WINDOWS]
    if foreign:
        raise _several(
            name, [places[index] for index in np.flatnonzero(groups == foreign[0])], len(foreign) + 1
        )
    n_stray = int(np.count_nonzero(groups != main))
    if n_stray > MAX_STRAY * len(vectors):
        raise PermanentError(
            f"{n_stray} of {len(vectors)} windows are unlike the others and unlike one another: noise, music or many"
            " people",
            code="noise",
            remedy=f"Take a recording in which only {name} speaks, without music or noise",
        )
    return Enrolled(vectors[groups == main], n_stray)


def _several(name: str, places: Sequence[tuple[str, tuple[float, float]]], n_voices: int) -> PermanentError:
    source, (start_s, _) = places[0]
    here = [span for where, span in places if where == source]
    return PermanentError(
        f"more than one voice is heard ({n_voices} of them): in {source} about {_union_s(here):.0f} s from"
        f" {start_s:.0f} s on are somebody else's",
        code="several_voices",
        remedy=f"Name a part in which only {name} speaks with --from and --to, or another source",
    )


def _union_s(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that windows cover together, which overlap."""
    covered, until = 0.0, -np.inf
    for start_s, end_s in sorted(spans):
        covered += max(0.0, end_s - max(start_s, until))
        until = max(until, end_s)
    return float(covered)


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
