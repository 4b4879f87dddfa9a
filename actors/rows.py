"""What flows down the line: one frozen dataclass for each kind of row.

Every row names its video and carries the *fence* of the claim under which it is worked on, so that
a worker thought dead can't write over its successor. Times are seconds on the video's own clock
unless a name says otherwise. This module knows nothing of stages, Ray or the database.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

import numpy as np
import numpy.typing as npt

VideoId = NewType("VideoId", str)
RunId = NewType("RunId", int)

Start = Literal["fetch", "prepare", "identify", "segment", "embed"]
"""Where doing a stored video again begins: at its source, with its audio, with what was heard of its voices, its
slices, or its segments. The ledger knows no ``identify``: what can't be labelled in place is cut again."""

SAMPLE_RATE_HZ = 16_000
"""Rate of every PCM sample after ``prepare``: what Whisper, Silero and ECAPA were trained on."""


@dataclass(frozen=True, slots=True)
class Request:
    """A video asked for and claimed from the ledger: the row that enters the line."""

    video_id: VideoId
    fence: int
    url: str
    """URL as yt-dlp takes it, or the ``file://`` URL of a local file."""
    hint: "VideoMeta | None" = None
    """What the list that named the video said of it: a feed knows titles that its files don't."""
    redo: Start | None = None
    """Where it begins, if it is done again; ``None``: wherever the ledger says that it stands."""


@dataclass(frozen=True, slots=True)
class VideoMeta:
    """What a source says of a video; ``None`` where it doesn't say."""

    title: str
    url: str
    """The page that a person opens."""
    channel: str | None = None
    channel_id: str | None = None
    published_at: datetime | None = None
    duration_s: float | None = None
    language: str | None = None
    """ISO 639-1 code of the original audio track, if the source names one."""
    extractor: str = "generic"
    list_depth: int = 0
    """In a hint: how many lists led to the video, one inside of the other."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video that can be had (prefilter → download)."""

    video_id: VideoId
    fence: int
    meta: VideoMeta
    info_json: str
    """yt-dlp's sanitised info with the chosen format, so that download needs no second extraction;
    empty for a local file."""


@dataclass(frozen=True, slots=True)
class Audio:
    """A video's compressed audio track as fetched, not re-encoded (download → prepare)."""

    video_id: VideoId
    fence: int
    meta: VideoMeta
    content: bytes
    extension: str
    """Container as the source names it, without the dot: ``m4a``, ``webm`` …"""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of speech no longer than the model's window, unbroken on the video's clock, so that
    a moment of its PCM is a moment of the video at a fixed distance."""

    start_s: float
    end_s: float
    offset_s: float
    """Where the clip begins inside its slice's PCM."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Slice:
    """At most ten windows of speech of one video, silence left out: the unit of GPU work
    (prepare → transcribe)."""

    video_id: VideoId
    fence: int
    ordinal: int
    clips: tuple[Clip, ...]
    pcm: bytes = field(repr=False)
    """int16 little-endian mono at ``SAMPLE_RATE_HZ``: the clips one after another."""
    language: str | None = None
    """Language fixed by setting or metadata; ``None``: to be detected once for the video."""
    n_slices: int | None = None
    """On the video's last slice the number of its slices, else ``None`` (not known yet)."""
    decoded_s: float | None = None
    """On the last slice: seconds of audio decoded from the whole file."""
    windows: tuple[int, ...] = ()
    """How many consecutive clips each window holds. A window is at most as long as the model's (30 s)
    and is one element of the Whisper batch: short clips share one, else the GPU works on padding.
    Empty: every clip is a window of its own."""

    @property
    def speech_s(self) -> float:
        return sum(clip.duration_s for clip in self.clips)


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    """Without surrounding white space, punctuation attached."""
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the ASR model returned for a stretch of one clip."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    temperature: float = 0.0
    flags: tuple[str, ...] = ()
    """Quality rules that the clip still breaks after its second decoding."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a text: enough to say later which rows a better model should redo."""

    model: str
    """Last part of its name, as in the recipe: its directory is another one on another machine."""
    compute_type: str
    device: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class SpokenSlice:
    """A slice's text, with the sound that its voices are told by (transcribe → identify)."""

    video_id: VideoId
    fence: int
    ordinal: int
    n_slices: int | None
    decoded_s: float | None
    speech_s: float
    language: str
    utterances: tuple[Utterance, ...]
    provenance: Provenance
    clips: tuple[Clip, ...] = ()
    pcm: bytes = field(default=b"", repr=False)
    """As in ``Slice``."""
    wordless_s: float = 0.0
    """Speech in whose windows the recogniser heard no word, in its second decoding neither."""


DAMAGED_VOICES = "its voice vectors are damaged; reprocess --from prepare --where unheard=yes makes them anew"
"""Why nothing can be told from a slice's voices as they were kept."""


@dataclass(frozen=True, slots=True)
class SliceVoices:
    """What was heard of the voices in a slice: a vector for each window, or the reason why there is none."""

    model: str
    """Name of the voice model; vectors of two models can't be compared."""
    start_s: float
    end_s: float
    """The stretch of the video that the slice covers, silences between its clips included."""
    windows: tuple[tuple[float, float], ...]
    """Start and end of each window on the video's clock, starts ascending."""
    vectors: npt.NDArray[np.float32] = field(repr=False)
    """Shape ``(n_windows, dim)``, float32, rows of unit length."""
    dense: bool = True
    """Windows lie ``hop_s`` apart all through the speech. False: the fast path; they are probes spread over
    the slice, and all of them were one enrolled voice."""
    reason: str | None = None
    """Why there is no vector, as it will stand behind ``unknown:``."""


@dataclass(frozen=True, slots=True)
class VoicedSlice:
    """A slice's text and voices (identify → assemble)."""

    spoken: SpokenSlice
    """Without clips and sound."""
    voices: SliceVoices

    @property
    def video_id(self) -> VideoId:
        return self.spoken.video_id

    @property
    def fence(self) -> int:
        return self.spoken.fence

    @property
    def ordinal(self) -> int:
        return self.spoken.ordinal


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who said something, and how that was decided. Never a guess: without evidence it is unknown."""

    speaker: str | None
    """Name of an enrolled voice, ``Speaker 1`` … for a person whom nobody enrolled, or None."""
    method: str
    """``profile``, ``cluster``, ``fast path`` or ``unknown: reason``."""
    score: float | None = None
    """Cosine to the voice's profile (or, for a cluster, to its centre)."""
    margin: float | None = None
    """Distance of the score to that of the next nearest enrolled voice, where there is one."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A video whose slices are all in the ledger: only assembling and what follows are left."""

    video_id: VideoId
    fence: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole video's text in order (assemble → segment)."""

    video_id: VideoId
    fence: int
    meta: VideoMeta
    language: str
    utterances: tuple[Utterance, ...]
    voices: tuple[SliceVoices, ...] = ()
    """Of each slice in order; from them ``actors/voices`` decides."""
    attributions: tuple[Attribution, ...] = ()
    """Who said each utterance; empty until that has been decided."""
    provenance: Provenance | None = None
    wordless_s: float = 0.0
    """As in ``SpokenSlice``, of all slices."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The unit of retrieval: one row of the corpus."""

    ordinal: int
    text: str
    start_s: float
    end_s: float
    n_words: int
    speaker: str | None = None
    speaker_score: float | None = None
    speaker_margin: float | None = None
    speaker_method: str | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentedVideo:
    """A video cut into segments (segment → embed)."""

    video_id: VideoId
    fence: int
    meta: VideoMeta
    language: str
    segments: tuple[Segment, ...]
    provenance: Provenance | None = None
    n_words_collapsed: int = 0
    """Words of the transcript in no segment: repetitions of a loop."""


@dataclass(frozen=True, slots=True)
class EmbeddedVideo:
    """A segmented video with its vectors (embed → store)."""

    video: SegmentedVideo
    model: str
    vectors: npt.NDArray[np.float32] = field(repr=False)
    """Shape ``(n_segments, dim)``, float32, rows of unit length."""

    @property
    def video_id(self) -> VideoId:
        return self.video.video_id

    @property
    def fence(self) -> int:
        return self.video.fence


@dataclass(frozen=True, slots=True)
class Stored:
    """A video that is in the corpus, whole (store → the run's count)."""

    video_id: VideoId
    fence: int
    n_segments: int
    outcome: str
    """``written``, or ``already``: an earlier attempt had committed and only its answer was lost."""
