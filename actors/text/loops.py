"""What a recogniser says over and over when it is stuck, said once.

Owns: which repetitions count as a loop, and their removal. A loop is immediate: the same words back
to back, by one speaker, without a pause that would end a segment. Whatever recurs later is speech,
and is left alone. Doesn't know of segments.

Whisper's decoder falls into such loops on music, noise and cut-off audio; thresholds lie above what
people say ("no no no no", a telephone number with four equal digits).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import eq

from actors.text.wording import Token

Said = tuple[str, Token]
"""A word as it is compared, and as it stands."""

MIN_REPEATS = 4
"""A phrase of two words or more said this many times back to back is a loop; a single word needs
twice as many."""

MAX_PHRASE_WORDS = 40
"""Longest phrase looked for: four of them are more than a 30 s clip can hold."""

SHORT_UTTERANCE_WORDS = 2
"""An utterance of at most this many words is a loop when it comes three times in a row, a longer one
when it comes twice."""


def collapse_loops(stretch: Sequence[Token]) -> list[Token]:
    """The stretch with each loop reduced to its first occurrence, whose words are marked ``looped``.

    Args:
        stretch: words of one speaker without a pause that ends a segment.

    Returns:
        What is left, in order: applying it again changes nothing.
    """
    said = [(_key(token.text), token) for token in stretch]
    while True:
        before = len(said)
        said = _collapse_utterances(said)
        for n_words in range(1, MAX_PHRASE_WORDS + 1):
            said = _collapse_phrases(said, n_words, MIN_REPEATS * (2 if n_words == 1 else 1))
        if len(said) == before:  # collapsing one loop can bring another's parts side by side
            return [token for _, token in said]


def _collapse_utterances(said: list[Said]) -> list[Said]:
    """Drop an utterance that says exactly what the one before it said."""
    kept: list[Said] = []
    utterances = (list(group) for _, group in groupby(said, key=lambda word: word[1].utterance))
    for words, group in groupby(utterances, key=lambda utterance: [key for key, _ in utterance]):
        same = list(group)
        if len(same) >= (3 if len(words) <= SHORT_UTTERANCE_WORDS else 2):
            kept.extend(_marked(same[0]))
        else:
            kept.extend(word for utterance in same for word in utterance)
    return kept


def _collapse_phrases(said: list[Said], n_words: int, min_repeats: int) -> list[Said]:
    """Drop the repetitions of every phrase of ``n_words`` that stands ``min_repeats`` times in a row."""
    keys = [key for key, _ in said]
    n_equal = sum(map(eq, keys, islice(keys, n_words, None)))
    if n_equal < n_words * (min_repeats - 1):  # the usual case, told without looking at each place
        return said
    kept: list[Said] = []
    at = 0
    while at < len(said):
        repeats = _repeats(keys, at, n_words)
        if repeats >= min_repeats:
            kept.extend(_marked(said[at : at + n_words]))
            at += repeats * n_words
        else:
            kept.append(said[at])
            at += 1
    return kept


def _repeats(keys: list[str], at: int, n_words: int) -> int:
    """How often the phrase of ``n_words`` that begins at ``at`` stands there back to back."""
    after = at + n_words
    if after >= len(keys) or keys[after] != keys[at]:
        return 1
    phrase = keys[at:after]
    while keys[after : after + n_words] == phrase:
        after += n_words
    return (after - at) // n_words


def _marked(said: list[Said]) -> list[Said]:
    return [(key, replace(token, looped=True)) for key, token in said]


def _key(word: str) -> str:
    """The word without case and punctuation; what is all punctuation (♪, …) stands for itself."""
    letters = "".join(char for char in word if unicodedata.category(char)[0] in "LNM")
    return letters.casefold() or word
