"""A transcript's words as they are attributed, and its utterances cut where the speaker changes.

Owns: that no word and no text is lost or altered on the way. Pure; knows no voices.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from actors.rows import Attribution, Transcript, Utterance, Word
from actors.text.wording import believable, is_known, join, orderly
from actors.voices.smoothing import Timing


@dataclass(frozen=True, slots=True)
class Unit:
    """What gets one speaker: a word, or an utterance that came without words."""

    utterance: int
    """Index of its utterance."""
    word: Word
    whole: bool = False
    """It stands for a whole utterance, which can't be cut."""


def read_units(utterances: Sequence[Utterance]) -> tuple[list[Unit], Timing]:
    """The units in order, and their times, orderly as those of segments' words."""
    units = []
    for index, utterance in enumerate(utterances):
        if utterance.words:
            units += [Unit(index, word) for word in utterance.words]
        else:
            units.append(
                Unit(index, Word(utterance.text, utterance.start_s, utterance.end_s, 0.0), whole=True)
            )
    spans = orderly([believable(unit.word, utterances[unit.utterance]) for unit in units])
    times = np.array(spans, np.float64).reshape(-1, 2)
    numbers = np.array([unit.utterance for unit in units], np.intp)
    return units, Timing(times[:, 0], times[:, 1], numbers)


def cut_at_changes(transcript: Transcript, timing: Timing, attributions: Sequence[Attribution]) -> Transcript:
    """The transcript with utterances that one person says each, and who that is.

    Args:
        transcript: as it was read into units.
        timing: of the units.
        attributions: one for each unit.
    """
    utterances: list[Utterance] = []
    said_by: list[Attribution] = []
    lengths_s = timing.lengths_s.tolist()
    first = 0
    for utterance in transcript.utterances:
        after = first + max(1, len(utterance.words))
        parts = list(_parts(attributions, first, after))
        utterances += _cut(utterance, [start - first for start, _ in parts], timing, first)
        said_by += [_summary(attributions[start:end], lengths_s[start:end]) for start, end in parts]
        first = after
    return replace(transcript, utterances=tuple(utterances), attributions=tuple(said_by))


def _parts(attributions: Sequence[Attribution], first: int, after: int) -> Iterator[tuple[int, int]]:
    """Ranges of units by one person; the reasons why several in a row are unknown may differ."""
    start = first
    for index in range(first + 1, after + 1):
        if index == after or _who(attributions[index]) != _who(attributions[start]):
            yield start, index
            start = index


def _who(attribution: Attribution) -> tuple[str | None, str]:
    return attribution.speaker, attribution.method if is_known(attribution) else "unknown"


def _cut(utterance: Utterance, starts: Sequence[int], timing: Timing, first: int) -> list[Utterance]:
    """The utterance cut before its words ``starts``, of which the first is 0."""
    if len(starts) == 1:
        return [utterance]
    texts = _texts(utterance, starts)
    parts = []
    for (start, end), text in zip(pairwise([*starts, len(utterance.words)]), texts, strict=True):
        begins_s = utterance.start_s if start == 0 else float(timing.starts_s[first + start])
        ends_s = utterance.end_s if end == len(utterance.words) else float(timing.ends_s[first + end - 1])
        words = utterance.words[start:end]
        parts.append(replace(utterance, text=text, start_s=begins_s, end_s=ends_s, words=words))
    return parts


def _texts(utterance: Utterance, starts: Sequence[int]) -> list[str]:
    """The utterance's text in parts: its own where the words are found in it, else put together from words."""
    places: list[int] = []
    at = 0
    for word in utterance.words:
        found = utterance.text.find(word.text, at)
        if found < 0:
            ends = [*starts[1:], len(utterance.words)]
            return [
                join([word.text for word in utterance.words[start:end]])
                for start, end in zip(starts, ends, strict=True)
            ]
        places.append(found)
        at = found + len(word.text)
    cuts = [0, *(places[start] for start in starts[1:]), len(utterance.text)]
    return [utterance.text[begin:end].strip() for begin, end in pairwise(cuts)]


def _summary(attributions: Sequence[Attribution], lengths_s: Sequence[float]) -> Attribution:
    """One attribution for words by one person: figures are means over time, a reason is that of most words."""
    method = Counter(one.method for one in attributions).most_common(1)[0][0]
    return Attribution(
        attributions[0].speaker,
        method,
        _mean([one.score for one in attributions], lengths_s),
        _mean([one.margin for one in attributions], lengths_s),
    )


def _mean(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None and math.isfinite(v)]
    return sum(v * w for v, w in pairs) / sum(w for _, w in pairs) if pairs else None
