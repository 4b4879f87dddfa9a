"""What a stage's result holds, counted: words, segments, and what should be there and isn't. Pure.

A recogniser that gives no text and an embedder that gives no vectors raise no error; the counts show it while
the run goes on, whatever engine stands in the stage.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from actors.rows import EmbeddedVideo, SpokenSlice

SLICES = "slices"
WORDLESS = "slices_without_words"
WORDS = "words"
SEGMENTS = "segments"
VECTORLESS = "segments_without_vector"
KINDS = (SLICES, WORDLESS, WORDS, SEGMENTS, VECTORLESS)


def made_of(result: Any) -> Mapping[str, int]:
    """Counts by kind; empty for results of which nothing is counted. A slice holds speech by what was heard in
    it before recognition, so one without a word is at least noteworthy, and many are a fault."""
    if isinstance(result, SpokenSlice):
        n_words = sum(len(utterance.words) for utterance in result.utterances)
        return {SLICES: 1, WORDLESS: int(n_words == 0), WORDS: n_words}
    if isinstance(result, EmbeddedVideo):
        n_segments = len(result.video.segments)
        return {SEGMENTS: n_segments, VECTORLESS: n_segments - _n_usable(result, n_segments)}
    return {}


def _n_usable(video: EmbeddedVideo, n_segments: int) -> int:
    """Vectors that a search can use: finite, not zero, and not more of them than segments."""
    vectors = video.vectors
    if vectors.ndim != 2 or not vectors.shape[1]:
        return 0
    usable = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
    return min(n_segments, int(usable.sum()))
