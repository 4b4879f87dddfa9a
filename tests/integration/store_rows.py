"""Rows for the tests of the store: small, and different wherever a mix-up would show."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from actors.rows import (
    EmbeddedVideo,
    Provenance,
    Segment,
    SegmentedVideo,
    SliceVoices,
    SpokenSlice,
    Utterance,
    VideoId,
    VideoMeta,
    VoicedSlice,
    Word,
)

RECIPE = "recipe-1"
MODEL, DIM = "test/model", 16
"""The first embedding model of a test's corpus, and the length of its vectors."""
MADE_BY = Provenance("tiny", "int8", "cpu", {"faster-whisper": "1.2.1"})


def with_database(url: str, name: str) -> str:
    """``url`` leading to another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@dataclass(frozen=True)
class Wanted:
    video_id: str
    url: str = "https://example.org/v"
    kind: str = "video"
    hint: VideoMeta | None = None


def wanted(*names: str) -> list[Wanted]:
    return [Wanted(name, f"https://example.org/{name}") for name in names]


def meta(title: str = "A talk", **more: object) -> VideoMeta:
    return VideoMeta(**{"title": title, "url": "https://example.org/page", "duration_s": 60.0, **more})


def spoken(
    video_id: str,
    fence: int,
    ordinal: int,
    n_slices: int | None = None,
    text: str = "",
    voices: SliceVoices | None = None,
    wordless_s: float = 0.0,
) -> VoicedSlice:
    """A slice as it is committed: its text, and its voices."""
    start_s = 30.0 * ordinal
    said = text or f"slice {ordinal} of {video_id}"
    words = tuple(Word(each, start_s + n, start_s + n + 0.5, 0.9) for n, each in enumerate(said.split()))
    heard = Utterance(
        said, start_s, start_s + 20.0, words, -0.2, 1.1, 0.01, flags=("loop",) if ordinal == 1 else ()
    )
    piece = SpokenSlice(
        VideoId(video_id),
        fence,
        ordinal,
        n_slices,
        30.0 * n_slices if n_slices else None,
        20.0,
        "en",
        (heard,),
        MADE_BY,
        wordless_s=wordless_s,
    )
    return VoicedSlice(piece, voices or voices_of(ordinal))


def voices_of(ordinal: int, n_windows: int = 3, dim: int = 8) -> SliceVoices:
    """Voices of a slice of ``spoken``, other ones in each slice."""
    start_s = 30.0 * ordinal
    windows = tuple((start_s + 1.5 * n, start_s + 1.5 * n + 3.0) for n in range(n_windows))
    return SliceVoices("tiny", start_s, start_s + 20.0, windows, unit_vectors(n_windows, dim, seed=ordinal))


def unit_vectors(n: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def embedded(
    video_id: str,
    fence: int,
    texts: list[str],
    vectors: np.ndarray,
    model: str = "test/model",
    **about: object,
) -> EmbeddedVideo:
    segments = tuple(
        Segment(n, text, 10.0 * n, 10.0 * n + 9.0, len(text.split()), avg_logprob=-0.1)
        for n, text in enumerate(texts)
    )
    return EmbeddedVideo(
        SegmentedVideo(VideoId(video_id), fence, meta(**about), "en", segments, MADE_BY), model, vectors
    )
