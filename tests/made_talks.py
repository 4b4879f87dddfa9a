"""Talks without sound: words with times, and voice vectors of whoever says them, as Identify would hear them.

For whatever needs stored videos with voices and neither audio nor a model. The same arguments give the same talk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from actors.rows import (
    EmbeddedVideo,
    Provenance,
    RunId,
    SliceVoices,
    SpokenSlice,
    Utterance,
    VideoId,
    VideoMeta,
    VoicedSlice,
    Word,
)
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.vectors import EmbeddingTable
from actors.store.voices import load_profiles
from actors.store.writer import Writer
from actors.text.segmenting import segment
from actors.voices.deciding import decide
from configs.settings import Settings
from tests.enrolled import windows

MODEL = "ecapa-test"
WORDS, WORD_S, GAP_S, PAUSE_S = 8, 0.3, 0.04, 0.5
WINDOW_S, HOP_S = 3.0, 1.5
SLICE_S = 300.0
MADE_BY = Provenance("made up", "int8", "cpu", {})


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody says a few sentences."""

    who: np.ndarray = field(repr=False)
    """Direction of the voice, unit length."""
    n_sentences: int


def slices(video_id: str, fence: int, turns: Sequence[Turn], seed: int = 0) -> list[VoicedSlice]:
    """The talk, cut where five minutes are over."""
    utterances, spans = [], []
    clock_s, n_word = 0.0, 0
    for turn in turns:
        began_s = clock_s
        for _ in range(turn.n_sentences):
            words = []
            for _ in range(WORDS):
                words.append(Word(f"word{n_word}", clock_s, clock_s + WORD_S, 0.9))
                clock_s += WORD_S + GAP_S
                n_word += 1
            text = " ".join(word.text for word in words) + "."
            utterances.append(
                Utterance(text, words[0].start_s, words[-1].end_s, tuple(words), -0.2, 1.5, 0.01)
            )
            clock_s += PAUSE_S
        spans.append((began_s, clock_s, turn.who))
    n_slices = max(1, int(np.ceil(clock_s / SLICE_S)))
    return [
        _slice(video_id, fence, ordinal, n_slices, clock_s, utterances, spans, seed)
        for ordinal in range(n_slices)
    ]


def _slice(
    video_id: str, fence: int, ordinal: int, n_slices: int, end_s: float, utterances: Sequence[Utterance],
    spans: Sequence[tuple[float, float, np.ndarray]], seed: int,
) -> VoicedSlice:  # fmt: skip
    first_s, last_s = ordinal * SLICE_S, min(end_s, (ordinal + 1) * SLICE_S)
    own = tuple(one for one in utterances if first_s <= one.start_s < last_s)
    starts = np.arange(first_s, last_s - WINDOW_S, HOP_S)
    vectors = _heard(starts, spans, seed + ordinal)
    is_last = ordinal == n_slices - 1
    spoken = SpokenSlice(
        VideoId(video_id), fence, ordinal, n_slices if is_last else None, end_s if is_last else None,
        last_s - first_s, "en", own, MADE_BY,
    )  # fmt: skip
    places = tuple((float(start_s), float(start_s) + WINDOW_S) for start_s in starts)
    return VoicedSlice(spoken, SliceVoices(MODEL, first_s, last_s, places, vectors))


def _heard(starts: np.ndarray, spans: Sequence[tuple[float, float, np.ndarray]], seed: int) -> np.ndarray:
    """A window's vector: everybody in it by his share of its time, scattered as a model scatters."""
    mixed = np.zeros((len(starts), len(spans[0][2])))
    for begins_s, ends_s, who in spans:
        share = np.clip(np.minimum(starts + WINDOW_S, ends_s) - np.maximum(starts, begins_s), 0, None)
        mixed += np.outer(share, who)
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    scattered = [windows(one.astype(np.float32), 1, seed=seed * 10_000 + n)[0] for n, one in enumerate(mixed)]
    return np.stack(scattered).astype(np.float32)


class Shelf:
    """Stores talks, as the line would by the voices that are enrolled at that moment."""

    def __init__(self, database: Database, table: EmbeddingTable, run_id: RunId, settings: Settings) -> None:
        self._database, self._table, self._run_id, self._settings = database, table, run_id, settings

    def put(self, video_id: str, turns: Sequence[Turn], *, asked_who: bool = True, seed: int = 0) -> None:
        """Store a talk.

        Args:
            asked_who: decide who says what; else it is cut as if nobody had asked.
        """
        for made in self.make(video_id, turns, asked_who=asked_who, seed=seed):
            Writer(self._database, self._table).write(made)

    def make(
        self, video_id: str, turns: Sequence[Turn], *, asked_who: bool = True, seed: int = 0
    ) -> Iterator[EmbeddedVideo]:
        """The talk in the moment before it is stored."""
        ledger, settings = Ledger(self._database), self._settings
        item = _Wanted(video_id, f"https://example.org/{video_id}")
        ledger.ask(self._run_id, [item], settings.recipe())
        (request,) = ledger.claim(self._run_id, 1)
        ledger.describe(request.video_id, request.fence, VideoMeta(f"Talk {video_id}", item.url))
        whole = None
        for piece in slices(video_id, request.fence, turns, seed):
            whole = ledger.commit_slice(piece)
        assert whole is not None
        if asked_who:
            whole = decide(whole, load_profiles(self._database), settings.identify)
        video = segment(whole, settings.segment)
        rng = np.random.default_rng(seed)
        vectors = rng.standard_normal((len(video.segments), self._table.dim)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield EmbeddedVideo(video, self._table.name, vectors)


@dataclass(frozen=True)
class _Wanted:
    """An item to ask for."""

    video_id: str
    url: str
    kind: str = "video"
    hint: VideoMeta | None = None
