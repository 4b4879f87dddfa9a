"""How far a transcript is from what was spoken: word errors, and errors of time.

Owns the comparison. Knows nothing of who transcribed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jiwer


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word of the truth, in seconds on its recording's clock."""

    text: str
    start_s: float
    end_s: float


def plain_words(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def word_error_rate(reference_words: Sequence[str], text: str) -> float:
    """Substituted, missing and added words as a share of the reference's words (0 is perfect).

    An empty reference has no rate: 0.0 where the text is empty as well, else 1.0.
    """
    hypothesis = plain_words(text)
    if not reference_words:
        return 1.0 if hypothesis else 0.0
    return float(jiwer.wer(" ".join(reference_words), " ".join(hypothesis)))


def start_time_errors(reference: Sequence[SpokenWord], pieces: Iterable[tuple[str, float]]) -> list[float]:
    """How far off each piece's start is, in seconds, where its first word was understood.

    Args:
        reference: what was spoken, in order.
        pieces: (text, start in seconds) in order: segments, utterances or single words.

    Returns:
        One figure, 0 or more, for each piece whose first word is aligned with the same word of the
        reference (minimum edit distance over the whole text); pieces that begin with a wrong or an
        added word have none. Compare the length with the number of pieces.
    """
    hypothesis: list[str] = []
    start_of_word: dict[int, float] = {}
    for text, start_s in pieces:
        words = plain_words(text)
        if words:
            start_of_word[len(hypothesis)] = start_s
            hypothesis += words
    if not hypothesis or not reference:
        return []
    aligned = jiwer.process_words(" ".join(word.text for word in reference), " ".join(hypothesis))
    return [
        abs(start_of_word[chunk.hyp_start_idx + step] - reference[chunk.ref_start_idx + step].start_s)
        for chunk in aligned.alignments[0]
        if chunk.type == "equal"
        for step in range(chunk.hyp_end_idx - chunk.hyp_start_idx)
        if chunk.hyp_start_idx + step in start_of_word
    ]
