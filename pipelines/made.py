"""What a stage's result holds, counted: words, segments, and what should be there and isn't. Pure.

A recogniser that gives no text raises no error; the counts show it while the run goes on, whatever engine stands in
the stage. An embedder without usable vectors does: its videos fail as ``bad_vector``, which is counted as every failure.
"""

from collections.abc import Mapping
from typing import Any

from actors.rows import EmbeddedVideo, SpokenSlice

SLICES = "slices"
WORDLESS = "slices_without_words"
WORDS = "words"
SEGMENTS = "segments"
KINDS = (SLICES, WORDLESS, WORDS, SEGMENTS)


def made_of(result: Any) -> Mapping[str, int]:
    """Counts by kind; empty for results of which nothing is counted. A slice holds speech by what was heard in
    it before recognition, so one without a word is at least noteworthy, and many are a fault."""
    if isinstance(result, SpokenSlice):
        n_words = sum(len(utterance.words) for utterance in result.utterances)
        return {SLICES: 1, WORDLESS: int(n_words == 0), WORDS: n_words}
    if isinstance(result, EmbeddedVideo):
        return {SEGMENTS: len(result.video.segments)}
    return {}
