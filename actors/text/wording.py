"""A transcript as one list of clean words with orderly times.

Owns: which characters a stored word may hold, how words are put together to a text, and the repair
of word times. Doesn't know of segments, bounds or loops.
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from actors.rows import Attribution, Transcript, Utterance, Word

TIME_SLACK_S = 1.0
"""How far outside its utterance a word time is believed. Further out it is an alignment gone wrong,
and one such word would push every later one to its own time."""

NOT_IDENTIFIED = "unknown: who spoke was not asked"
"""Why a transcript that nothing was decided on has no speakers."""

UNSPACED_SCRIPTS = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "FULLWIDTH",
    "IDEOGRAPHIC",
)
"""First words of the Unicode names of letters that are written without spaces between words."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word on its way into a segment; never empty."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None
    utterance: int
    """Index of its utterance in the transcript."""
    known: bool = False
    """Who spoke was decided, not left unknown."""
    looped: bool = False
    """Repetitions of it were collapsed."""


def read_words(transcript: Transcript) -> list[Token]:
    """Every word of the transcript in order, cleaned; times are orderly (see ``orderly``).

    Raises:
        ValueError: ``attributions`` is neither empty nor as long as ``utterances``.
    """
    spoken = list(zip(transcript.utterances, attributions_of(transcript), strict=True))
    tokens = []
    spans = []
    for index, (utterance, said_by) in enumerate(spoken):
        for word in spoken_words(utterance):
            text = clean(word.text)
            if text:
                spans.append(believable(word, utterance))
                tokens.append(Token(text, *spans[-1], said_by.speaker, index, is_known(said_by)))
    return [
        replace(token, start_s=start_s, end_s=end_s)
        for token, (start_s, end_s) in zip(tokens, orderly(spans), strict=True)
    ]


def attributions_of(transcript: Transcript) -> tuple[Attribution, ...]:
    """Who said each utterance; where nothing was decided that is unknown, and the reason says so.

    Raises:
        ValueError: they are neither none nor as many as the utterances.
    """
    given, n_utterances = transcript.attributions, len(transcript.utterances)
    if given and len(given) != n_utterances:
        raise ValueError(f"{len(given)} attributions for {n_utterances} utterances")
    return given or (Attribution(None, NOT_IDENTIFIED),) * n_utterances


def is_known(attribution: Attribution) -> bool:
    """Whether who spoke was decided: a method of ``unknown: reason`` says that it was not."""
    return not attribution.method.startswith("unknown")


def count_words(transcript: Transcript) -> int:
    """Words that go into segmenting: what segments' words and collapsed ones must add up to."""
    return sum(
        1 for utterance in transcript.utterances for word in spoken_words(utterance) if clean(word.text)
    )


def spoken_words(utterance: Utterance) -> Iterator[Word]:
    """The utterance's words; where alignment gave none, its text spread evenly over its time."""
    if utterance.words:
        yield from utterance.words
        return
    pieces = utterance.text.split()
    n_chars = sum(map(len, pieces))
    seen = 0
    for piece in pieces:
        start = utterance.start_s + (utterance.end_s - utterance.start_s) * seen / n_chars
        seen += len(piece)
        end = utterance.start_s + (utterance.end_s - utterance.start_s) * seen / n_chars
        yield Word(piece, start, end, 0.0)


def clean(text: str) -> str:
    """Text that Postgres and tokenizers take: NFC, without control characters and lone surrogates,
    each run of white space one space, none at the ends."""
    kept = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs")
    )
    return " ".join(unicodedata.normalize("NFC", kept).split())


def spaces_before(words: Sequence[str]) -> list[int]:
    """1 where a space stands before a word, else 0: before the first, and between two letters of a
    script that is written without spaces (Whisper's words there are single characters or two)."""
    return [
        0 if left is None or (_unspaced(left[-1]) and _unspaced(right[0])) else 1
        for left, right in zip([None, *words], words, strict=False)
    ]


def join(words: Sequence[str]) -> str:
    """The words as one text, see ``spaces_before``."""
    return "".join(" " * space + word for space, word in zip(spaces_before(words), words, strict=True))


def _unspaced(char: str) -> bool:
    return not char.isascii() and unicodedata.name(char, "").startswith(UNSPACED_SCRIPTS)


def believable(word: Word, utterance: Utterance) -> tuple[float, float]:
    """The word's times, held within reach of its utterance; NaN where there is nothing to go by."""
    low, high = utterance.start_s - TIME_SLACK_S, utterance.end_s + TIME_SLACK_S
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        low, high = -math.inf, math.inf
    start_s = min(max(word.start_s, low), high) if math.isfinite(word.start_s) else math.nan
    end_s = min(max(word.end_s, low), high) if math.isfinite(word.end_s) else math.nan
    return start_s, end_s


def orderly(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same words' times, finite and from 0 on: starts never decrease, and no word ends before it
    starts or after the next one starts."""
    starts: list[float] = []
    ends: list[float] = []
    for start_s, end_s in spans:
        earliest = starts[-1] if starts else 0.0
        unknown = ends[-1] if ends else 0.0
        starts.append(max(unknown if math.isnan(start_s) else start_s, earliest))
        ends.append(starts[-1] if math.isnan(end_s) else max(end_s, starts[-1]))
    limits = [*starts[1:], math.inf][: len(starts)]
    return [(start_s, min(end_s, limit)) for start_s, end_s, limit in zip(starts, ends, limits, strict=True)]
