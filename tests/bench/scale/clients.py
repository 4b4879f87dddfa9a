"""What one connection of the ledger's bench does, over and over. Each client is a process of its own (``crew.py``)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from actors.rows import (
    Clip,
    EmbeddedVideo,
    Segment,
    SegmentedVideo,
    Slice,
    SliceVoices,
    VideoId,
    VideoMeta,
    VoicedSlice,
)
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits
from actors.store.vectors import EmbeddingTable
from actors.store.writer import Writer
from configs.patience import GovernorSettings
from tests.bench.standin import PROVENANCE, StandIn

Held = tuple[VideoId, int]
"""A video in hand, and the fence of its claim."""

CLAIM_OF = 16
N_SLICES = 3
"""Of a video of a quarter of an hour."""
CLIPS, CLIP_S = 10, 30.0
HOP_S, WINDOW_S, VOICE_DIM = 1.5, 3.0, 192
SEGMENT_S, SEGMENT_CHARS = 90.0, 1250
PERMITS_AT_ONCE = 20
META = VideoMeta("A talk", "https://example.org/page", duration_s=N_SLICES * CLIPS * CLIP_S)
SITE = "example.org"
"""It has no limit of its own: what is measured is the row that counts, not a source's patience."""


@dataclass(frozen=True, slots=True)
class Client:
    """Opens one connection and all that is written over it."""

    url: str
    run_id: Any
    table: EmbeddingTable

    def open(self) -> Callable[[tuple[str, Any]], Any]:
        """A task is what to do and with which video; gives what came of it."""
        database = Database(self.url, pool_size=1)
        ledger, writer = Ledger(database), Writer(database, self.table)
        pieces = [piece(ordinal) for ordinal in range(N_SLICES)]
        text = segmented(self.table)

        def claim(_: None) -> list[Held]:
            return [(request.video_id, request.fence) for request in ledger.claim(self.run_id, CLAIM_OF, {})]

        def describe(held: Held) -> None:
            ledger.describe(*held, META)

        def small(held: Held) -> None:
            ledger.enter(*held, "transcribe")
            ledger.begin_work(held[0], "transcribe", 0)
            ledger.end_work(held[0], "transcribe", 0)

        def commit(held: Held) -> bool:
            made = [ledger.commit_slice(of(each, *held)) for each in pieces]
            return made[-1] is not None

        def store(held: Held) -> str:
            video = replace(text.video, video_id=held[0], fence=held[1])
            return writer.write(replace(text, video=video)).outcome

        def permits(exit_: str) -> None:
            asker = Permits(database, GovernorSettings(), exit_, "bench")
            for _ in range(PERMITS_AT_ONCE):
                asker.take(SITE)
                asker.let_through(SITE)

        kinds: dict[str, Callable[[Any], Any]] = {
            "claim": claim, "describe": describe, "small": small, "commit": commit, "store": store, "permits": permits,
        }  # fmt: skip

        def work(task: tuple[str, Any]) -> Any:
            kind, argument = task
            return kinds[kind](argument)

        return work


def of(piece_: VoicedSlice, video_id: VideoId, fence: int) -> VoicedSlice:
    """The same slice, of this video."""
    return replace(piece_, spoken=replace(piece_.spoken, video_id=video_id, fence=fence))


def piece(ordinal: int) -> VoicedSlice:
    """A full slice as the ledger gets it: five minutes of words, and a voice vector for each hop."""
    start_s = ordinal * CLIPS * CLIP_S
    clips = tuple(Clip(start_s + n * CLIP_S, start_s + (n + 1) * CLIP_S, n * CLIP_S) for n in range(CLIPS))
    is_last = ordinal == N_SLICES - 1
    cut = Slice(
        VideoId(""), 0, ordinal, clips, b"", "en", N_SLICES if is_last else None,
        N_SLICES * CLIPS * CLIP_S if is_last else None,
    )  # fmt: skip
    spoken = replace(StandIn(speed_h_per_h=1e9).transcribe(cut), clips=())
    n_windows = int(CLIPS * (CLIP_S - WINDOW_S) / HOP_S) + CLIPS
    starts = np.linspace(start_s, start_s + CLIPS * CLIP_S - WINDOW_S, n_windows)
    windows = tuple((float(at_s), float(at_s) + WINDOW_S) for at_s in starts)
    voices = SliceVoices(
        "bench", start_s, start_s + CLIPS * CLIP_S, windows, units(n_windows, VOICE_DIM, ordinal)
    )
    return VoicedSlice(spoken, voices)


def segmented(table: EmbeddingTable) -> EmbeddedVideo:
    """A video's text with its vectors, as Store gets it."""
    n_segments = int(N_SLICES * CLIPS * CLIP_S / SEGMENT_S)
    text = ("what was said in this minute and a half " * SEGMENT_CHARS)[:SEGMENT_CHARS]
    segments = tuple(
        Segment(n, f"{n} {text}", n * SEGMENT_S, (n + 1) * SEGMENT_S, len(text.split()), avg_logprob=-0.2)
        for n in range(n_segments)
    )
    video = SegmentedVideo(VideoId(""), 0, META, "en", segments, PROVENANCE)
    return EmbeddedVideo(video, table.name, units(n_segments, table.dim, seed=0))


def units(n: int, dim: int, seed: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Random vectors of unit length, shape ``(n, dim)``."""
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
