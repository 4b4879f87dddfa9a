"""What the recogniser heard in one window, before it is placed on the video's clock.

Owns the step from the engine's segments to plain data. Knows nothing of clips or videos.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HeardWord:
    text: str
    """As the model writes it, its leading space included."""
    start_s: float
    """In the samples that the engine was given. NaN: the model gave no time, as for some numerals."""
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class HeardWindow:
    """The text of one window of at most 30 s; empty where the model heard none."""

    words: tuple[HeardWord, ...]
    duration_s: float
    """Of the sound."""
    avg_logprob: float = 0.0
    """Mean log-probability of its tokens, 0 at best."""
    no_speech_prob: float = 0.0
    temperature: float = 0.0

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()

    @property
    def compression_ratio(self) -> float:
        return compression_ratio(self.text)

    def shifted(self, by_s: float) -> "HeardWindow":
        """The same with all times later by ``by_s``."""
        words = tuple(
            replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s) for word in self.words
        )
        return replace(self, words=words)


class EngineWord(Protocol):
    word: str
    start: float | None
    end: float | None
    probability: float


class EngineSegment(Protocol):
    """faster-whisper's ``Segment``, as far as it is used."""

    text: str
    start: float
    end: float
    tokens: list[int]
    words: list[EngineWord] | None
    avg_logprob: float
    no_speech_prob: float
    temperature: float | None


def compression_ratio(text: str) -> float:
    """Bytes of the text over its zlib-compressed bytes, as Whisper takes it: repetition makes it large."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded))


def hear(segments: Sequence[EngineSegment], shift_s: float, duration_s: float) -> HeardWindow:
    """One window out of its segments.

    Args:
        segments: of this window, in order.
        shift_s: added to all times.
        duration_s: of the window's sound.
    """
    words = tuple(word for segment in segments for word in _words(segment, shift_s))
    if not words:
        return HeardWindow(
            (), duration_s, no_speech_prob=max((s.no_speech_prob for s in segments), default=0.0)
        )
    n_tokens = [max(len(segment.tokens), 1) for segment in segments]
    logprobs = [segment.avg_logprob * n for segment, n in zip(segments, n_tokens, strict=True)]
    return HeardWindow(
        words=words,
        duration_s=duration_s,
        avg_logprob=sum(logprobs) / sum(n_tokens),
        no_speech_prob=max(segment.no_speech_prob for segment in segments),
        temperature=max(segment.temperature or 0.0 for segment in segments),
    )


def _words(segment: EngineSegment, shift_s: float) -> list[HeardWord]:
    if segment.words:
        return [
            HeardWord(
                word.word, _time(word.start, shift_s), _time(word.end, shift_s), float(word.probability)
            )
            for word in segment.words
            if word.word.strip()
        ]
    # No alignment for this segment: its text must not be lost for that.
    return [HeardWord(f" {text}", math.nan, math.nan, 0.0) for text in segment.text.split()]


def _time(time_s: float | None, shift_s: float) -> float:
    return math.nan if time_s is None else float(time_s) + shift_s
