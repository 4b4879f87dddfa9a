"""Where a text may be cut, and how good each place is.

Owns: sentence ends (pysbd's rules), clause ends, pauses, and their order of preference. Doesn't know
how long segments should be.
"""

import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from actors.text.wording import Token, spaces_before

CUT = 100
"""What any cut costs: of two equally good ways the one with fewer segments is taken."""
CLAUSE = 400
"""What a cut at a comma costs beyond one at a sentence end."""
WORDS = 1000
"""What a cut between any two words costs beyond one at a sentence end."""
PAUSE = 300
"""What the longest pause takes off: it decides between places of one kind, and never between kinds."""

BLOCK_CHARS = 1500
"""Text given to pysbd at once: its time grows with the square of the length."""

_CLOSERS = r"[\"'”’»」』）)\]]*$"
_SURE_END = re.compile(r"[!?…。！？｡؟۔।॥።։]+" + _CLOSERS)
_FULL_STOP = re.compile(r"\.+" + _CLOSERS)
_CLAUSE_END = re.compile(r"(?:[,;:،؛、，；：—–]|(?<=\w)-)" + _CLOSERS)

# pysbd backtracks for hours on digits after an open square bracket (its issue 79).
_HARMLESS = str.maketrans("[]", "()")


class Layout:
    """The text of a row of words, and where in it each word begins and ends (in characters)."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        words = [token.text for token in tokens]
        spaces = spaces_before(words)
        self.text = "".join(" " * space + word for space, word in zip(spaces, words, strict=True))
        self.starts: list[int] = []
        self.ends: list[int] = []
        at = 0
        for space, word in zip(spaces, words, strict=True):
            self.starts.append(at + space)
            at += space + len(word)
            self.ends.append(at)


def cut_costs(tokens: Sequence[Token], layout: Layout, language: str, max_gap_s: float) -> list[int]:
    """What a cut before each word costs, positive and lower where it is better; 0 before the first.

    A sentence end is better than the end of a clause, that is better than a place between two other
    words; among places of one kind the longer pause is better.
    """
    if not tokens:
        return []
    sentences = _sentence_ends(layout, tokens, language)
    costs = [0]
    for index, (left, right) in enumerate(pairwise(tokens)):
        kind = 0 if index in sentences else CLAUSE if _CLAUSE_END.search(left.text) else WORDS
        pause = min(1.0, (right.start_s - left.end_s) / max_gap_s) if max_gap_s > 0 else 0.0
        costs.append(CUT + kind + round(PAUSE * (1.0 - pause)))
    return costs


def _sentence_ends(layout: Layout, tokens: Sequence[Token], language: str) -> set[int]:
    """Indices of the words that end a sentence."""
    ends = {index for index, token in enumerate(tokens) if _SURE_END.search(token.text)}
    full_stops = {index for index, token in enumerate(tokens) if _FULL_STOP.search(token.text)}
    if full_stops:  # only they are ambiguous: abbreviations, initials, numbers
        ends |= full_stops & set(_ends_by_rules(layout, language, full_stops))
    return ends


def _ends_by_rules(layout: Layout, language: str, fallback: set[int]) -> Iterator[int]:
    """Indices of the words after which pysbd sees a sentence end; all of ``fallback`` in a block that
    its rules break on."""
    segmenter = _segmenter(language)
    first, n_words = 0, len(layout.ends)
    while first < n_words:
        origin = layout.starts[first]
        last = max(first, bisect_left(layout.ends, origin + BLOCK_CHARS) - 1)
        block = layout.text[origin : layout.ends[last]]
        try:
            spans = segmenter.segment(block.translate(_HARMLESS))
        except (re.error, IndexError):
            # Its regular expressions are made out of the text; a hole in them must not cost a video.
            yield from (index for index in range(first, last + 1) if index in fallback)
            first = last + 1
            continue
        found = [index for span in spans if (index := _word_ending(layout, origin, span)) is not None]
        yield from found
        # The end of the block is no sentence's: what begins before it is read again with what follows.
        inner = [index for index in found if first <= index < last]
        first = inner[-1] + 1 if inner and last + 1 < n_words else last + 1


def _segmenter(language: str) -> Any:
    """pysbd's rules for the language, English ones where it has none; not safe between threads."""
    with warnings.catch_warnings():  # its source has escapes that Python warns of when it compiles them
        warnings.simplefilter("ignore")
        import pysbd
        from pysbd.languages import LANGUAGE_CODES

    return pysbd.Segmenter(language=language if language in LANGUAGE_CODES else "en", char_span=True)


def _word_ending(layout: Layout, origin: int, span: Any) -> int | None:
    """Index of the word that ends where the span's text does; None inside a word."""
    end = origin + span.start + len(span.sent.rstrip())
    index = bisect_left(layout.ends, end)
    return index if index < len(layout.ends) and layout.ends[index] == end else None
