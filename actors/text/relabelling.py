"""New labels for segments that stay as they are cut, where speakers change at the same places as before. Pure.

Owns the question whether a change of who is taken to have spoken needs a new cut. Cutting depends on the words,
the bounds and the places where the speaker changes; where a voice merely gets a name, none of these differ. A new
change of speakers at a place that is a border of segments already needs no other cut either: each side of a border
was cut as well as it could be, whoever spoke beyond it.

It looks at how many words each utterance has rather than at the words: a thousand videos have millions.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from actors.rows import Attribution, Segment, Transcript, Utterance
from actors.text.segmenting import Label, kept_words, label_of
from actors.text.wording import attributions_of, clean, is_known, read_words, spoken_words

Counts = npt.NDArray[np.intp]


def relabelled(
    transcript: Transcript, served: Sequence[Segment], max_gap_s: float, *, has_loops: bool = True
) -> tuple[Segment, ...] | None:
    """The served segments with what the transcript's attributions say of their speakers.

    Args:
        transcript: of the video that the segments were cut from, its attributions decided anew.
        served: all segments of the video, in order.
        max_gap_s: longest pause that a segment spans, in seconds.
        has_loops: words of the transcript may stand in no segment, since they repeat others. It takes ten times
            as long to find which.

    Returns:
        The same segments but for their labels; ``None``: a speaker changes inside of a segment, or one goes on
        where there was a change, or they were not cut from this text: it must be cut anew.

    Raises:
        ValueError: the attributions are neither none nor as many as the utterances.
    """
    attributions = attributions_of(transcript)
    counts = _kept_counts(transcript, max_gap_s) if has_loops else _counts(transcript)
    ends = np.cumsum(counts)
    borders = np.cumsum([0, *(segment.n_words for segment in served)])
    if not len(served) or borders[-1] != (ends[-1] if len(ends) else 0):
        return None
    found: list[Segment] = []
    for segment, (first, after) in zip(served, pairwise(borders.tolist()), strict=True):
        inside = _inside(ends, counts, first, after)
        if not _is_one_speaker([attributions[index] for index in inside]):
            return None
        found.append(replace(segment, **asdict(label_of(inside, attributions))))
    spoken = transcript.utterances
    if _may_join(served, found, max_gap_s) or not _fits(served[0], served[-1], spoken, counts):
        return None
    return tuple(found)


def changed(before: Sequence[Segment], after: Sequence[Segment]) -> list[Segment]:
    """Those of the latter whose labels differ from those of the former."""
    return [new for old, new in zip(before, after, strict=True) if _label(old) != _label(new)]


def _counts(transcript: Transcript) -> Counts:
    """Words of each utterance."""
    return np.array([sum(map(_is_word, _texts(one))) for one in transcript.utterances], np.intp)


def _kept_counts(transcript: Transcript, max_gap_s: float) -> Counts:
    """Words of each utterance that stand in segments."""
    counts = np.zeros(len(transcript.utterances), np.intp)
    for word in kept_words(read_words(transcript), max_gap_s):
        counts[word.utterance] += 1
    return counts


def _texts(utterance: Utterance) -> list[str]:
    return [word.text for word in utterance.words or spoken_words(utterance)]


def _is_word(text: str) -> bool:
    plain = text.isascii() and text.isprintable() and bool(text.strip())  # nearly always, and quick
    return plain or bool(clean(text))


def _inside(ends: Counts, counts: Counts, first: int, after: int) -> dict[int, int]:
    """The utterances that the words ``first`` to before ``after`` belong to, each with how many of them."""
    begin, stop = (
        int(np.searchsorted(ends, first, side="right")),
        int(np.searchsorted(ends, after, side="left")),
    )
    return {
        index: int(min(ends[index], after) - max(ends[index] - counts[index], first))
        for index in range(begin, stop + 1)
        if counts[index]
    }


def _may_join(before: Sequence[Segment], after: Sequence[Segment], max_gap_s: float) -> bool:
    """Whether two neighbours that a change of speakers kept apart are one speaker's now."""
    return any(
        _voice(before[index]) != _voice(before[index + 1])
        and _voice(left) == _voice(right)
        and right.start_s - left.end_s <= max_gap_s
        for index, (left, right) in enumerate(pairwise(after))
    )


def _fits(first: Segment, last: Segment, spoken: Sequence[Utterance], counts: Counts) -> bool:
    """Whether the segments begin and end with the words that the utterances begin and end with."""
    with_words = np.flatnonzero(counts)
    begins = next(text for text in map(clean, _texts(spoken[with_words[0]])) if text)
    ends = next(text for text in map(clean, reversed(_texts(spoken[with_words[-1]]))) if text)
    return first.text.startswith(begins) and (last.text.endswith(ends) or bool(last.flags))


def _is_one_speaker(said_by: Sequence[Attribution]) -> bool:
    return len({(one.speaker, is_known(one)) for one in said_by}) == 1


def _voice(segment: Segment) -> tuple[str | None, bool]:
    """What keeps segments apart: the speaker, and whether he is known."""
    return segment.speaker, not (segment.speaker_method or "unknown").startswith("unknown")


def _label(segment: Segment) -> Label:
    return Label(segment.speaker, segment.speaker_score, segment.speaker_margin, segment.speaker_method)
