"""New labels for segments that stay as they are cut, where speakers change at the same places as before. Pure.

Owns the question whether a change of who is taken to have spoken needs a new cut. Cutting depends on the words,
the bounds and the places where the speaker changes; where a voice merely gets a name, none of these differ. A new
change of speakers at a place that is a border of segments already needs no other cut either: each side of a border
was cut as well as it could be, whoever spoke beyond it.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise

from actors.rows import Segment, Transcript
from actors.text.segmenting import Label, kept_words, label_of
from actors.text.wording import Token, attributions_of, join, read_words


def relabelled(
    transcript: Transcript, served: Sequence[Segment], max_gap_s: float
) -> tuple[Segment, ...] | None:
    """The served segments with what the transcript's attributions say of their speakers.

    Args:
        transcript: of the video that the segments were cut from, its attributions decided anew.
        served: all segments of the video, in order.
        max_gap_s: longest pause that a segment spans, in seconds.

    Returns:
        The same segments but for their labels; ``None``: a speaker changes inside of a segment, or one goes on
        where there was a change, or they were not cut from this text: it must be cut anew.

    Raises:
        ValueError: the attributions are neither none nor as many as the utterances.
    """
    attributions = attributions_of(transcript)
    words = kept_words(read_words(transcript), max_gap_s)
    if sum(segment.n_words for segment in served) != len(words):
        return None
    found: list[Segment] = []
    pieces: list[Sequence[Token]] = []
    at = 0
    for segment in served:
        own = words[at : at + segment.n_words]
        at += segment.n_words
        if not own or not _is_one_speaker(own) or join([word.text for word in own]) != segment.text:
            return None
        pieces.append(own)
        found.append(replace(segment, **asdict(label_of(own, attributions))))
    if _may_join(served, found, pieces, max_gap_s):
        return None
    return tuple(found)


def changed(before: Sequence[Segment], after: Sequence[Segment]) -> list[Segment]:
    """Those of the latter whose labels differ from those of the former."""
    return [new for old, new in zip(before, after, strict=True) if _label(old) != _label(new)]


def _may_join(
    before: Sequence[Segment], after: Sequence[Segment], pieces: Sequence[Sequence[Token]], max_gap_s: float
) -> bool:
    """Whether two neighbours that a change of speakers kept apart are one speaker's now."""
    return any(
        _voice(before[index]) != _voice(before[index + 1])
        and _voice(after[index]) == _voice(after[index + 1])
        and right[0].start_s - left[-1].end_s <= max_gap_s
        for index, (left, right) in enumerate(pairwise(pieces))
    )


def _is_one_speaker(words: Sequence[Token]) -> bool:
    return all((word.speaker, word.known) == (words[0].speaker, words[0].known) for word in words)


def _voice(segment: Segment) -> tuple[str | None, bool]:
    """What keeps segments apart: the speaker, and whether he is known."""
    return segment.speaker, not (segment.speaker_method or "unknown").startswith("unknown")


def _label(segment: Segment) -> Label:
    return Label(segment.speaker, segment.speaker_score, segment.speaker_margin, segment.speaker_method)
