"""A clip whose words are known, which a recogniser must get right before it works on anybody's video.

Owns the clip and the criterion. Some pairs of driver and CUDA wheel load every model without an error
and return empty text; a night of empty transcripts is what this is against.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actors.errors import ConfigError, EarmarkError
from actors.rows import SAMPLE_RATE_HZ, Audio, VideoId, VideoMeta
from actors.speech.decode import AudioDecoder
from actors.speech.resample import Samples

OURS = Path(__file__).parent / "canary" / "canary.ogg"
"""Twelve seconds of synthetic English, spoken by espeak-ng, in words that the demo's small model knows."""

MAX_WORD_ERROR_RATE = 0.5
"""Any working model is far below, and a broken one far above or silent; a synthetic voice costs the big
models a word or two."""

MAX_CANARY_S = 30.0


@dataclass(frozen=True, slots=True)
class Canary:
    samples: Samples
    text: str


def load_canary(path: Path | None) -> Canary:
    """The clip at ``path`` with the text beside it (same name, ``.txt``); ``None``: ours.

    Raises:
        ConfigError: one of the two can't be read, or there is no text, or more than 30 s of sound.
    """
    path = path or OURS
    remedy = "transcribe.canary_audio names an audio clip of at most 30 s with its text beside it, as .txt"
    try:
        content, text = path.read_bytes(), path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        meta = VideoMeta(
            title="canary", url=path.as_uri() if path.is_absolute() else str(path), extractor="file"
        )
        samples = np.concatenate(
            list(AudioDecoder(Audio(VideoId("canary"), 0, meta, content, path.suffix[1:])))
        )
    except (OSError, UnicodeDecodeError, EarmarkError) as error:
        raise ConfigError(f"The canary clip can't be read: {error}", remedy=remedy) from error
    if not words_of(text) or len(samples) > MAX_CANARY_S * SAMPLE_RATE_HZ:
        raise ConfigError(f"The canary clip {path} has no text, or more than 30 s", remedy=remedy)
    return Canary(samples, text)


def canary_fault(expected: str, heard: str) -> str | None:
    """What is wrong with a recogniser that heard this, in words; ``None``: it may work."""
    if not words_of(heard):
        return "it returned no text at all"
    rate = word_error_rate(words_of(expected), words_of(heard))
    if rate > MAX_WORD_ERROR_RATE:
        return f'it got {rate:.0%} of the words wrong: "{heard[:200]}" instead of "{expected[:200]}"'
    return None


def words_of(text: str) -> list[str]:
    """Words without case and punctuation."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.casefold())


def word_error_rate(expected: Sequence[str], heard: Sequence[str]) -> float:
    """Least number of words to change, add or leave out, over the number expected (Levenshtein).

    ``expected`` must not be empty. 0 is perfect; above 1 for long wrong texts.
    """
    row = list(range(len(heard) + 1))
    for n_expected, word in enumerate(expected, start=1):
        diagonal, row[0] = row[0], n_expected
        for n_heard, other in enumerate(heard, start=1):
            cheapest = min(row[n_heard] + 1, row[n_heard - 1] + 1, diagonal + (word != other))
            diagonal, row[n_heard] = row[n_heard], cheapest
    return row[-1] / len(expected)
