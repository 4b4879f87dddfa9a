"""From the times of words in a window's samples to the video's clock.

Owns what makes times usable: every word gets one, inside its clip, later than the word before. Pure.
"""

import math
from collections.abc import Sequence

from actors.rows import Clip, Word
from actors.speech.heard import HeardWord

MIN_WORD_S = 0.02
"""Shortest word: one step of Whisper's own time grid."""

JOINT_S = 0.15
"""How far Whisper's times may be off at a joint of two clips. No word is so short, and with the default
padding there is silence on both sides of a joint for longer."""


def on_video_clock(heard: Sequence[HeardWord], clips: Sequence[Clip]) -> list[Word]:
    """The words with the video's times.

    A word belongs to the clip that holds its middle; but one that begins just before a clip's end is the
    next one's first, and one that ends just behind a clip's start the last of the one before: a tenth of
    a second in the samples may be a minute of silence on the video's clock. Words without times (NaN)
    are spread between their neighbours'. The result has as many words as ``heard``, in the same order; starts increase
    strictly, no word has zero length or ends after the next one's start, and each lies inside one clip.

    Args:
        heard: words of one window, times in seconds of the slice's PCM.
        clips: the window's clips, in order, each longer than zero.
    """
    starts, ends = _filled(heard, clips)
    placed: list[list[int]] = [[] for _ in clips]
    at_clip = 0
    for index in range(len(heard)):
        at_clip = max(at_clip, _clip_of(starts[index], ends[index], clips))
        placed[at_clip].append(index)
    words: list[Word] = []
    for clip, indices in zip(clips, placed, strict=True):
        shift_s = clip.start_s - clip.offset_s
        times = _in_order([(starts[i] + shift_s, ends[i] + shift_s) for i in indices], clip)
        words += [
            Word(heard[i].text.strip(), start_s, end_s, heard[i].probability)
            for i, (start_s, end_s) in zip(indices, times, strict=True)
        ]
    return words


def _filled(heard: Sequence[HeardWord], clips: Sequence[Clip]) -> tuple[list[float], list[float]]:
    """Starts and ends without NaN: a run of words without times shares the time between its neighbours."""
    first_s, last_s = clips[0].offset_s, clips[-1].offset_s + clips[-1].duration_s
    starts = [word.start_s for word in heard]
    ends = [word.end_s for word in heard]
    index = 0
    while index < len(heard):
        if math.isfinite(starts[index]) and math.isfinite(ends[index]):
            index += 1
            continue
        stop = index
        while stop < len(heard) and not (math.isfinite(starts[stop]) and math.isfinite(ends[stop])):
            stop += 1
        left_s = ends[index - 1] if index else first_s
        right_s = max(starts[stop], left_s) if stop < len(heard) else max(last_s, left_s)
        step_s = (right_s - left_s) / (stop - index)
        for step in range(stop - index):
            starts[index + step] = left_s + step * step_s
            ends[index + step] = left_s + (step + 1) * step_s
        index = stop
    return starts, ends


def _clip_of(start_s: float, end_s: float, clips: Sequence[Clip]) -> int:
    """Index of the clip that a word belongs to."""
    index = _clip_at((start_s + end_s) / 2, clips)
    clip = clips[index]
    if index + 1 < len(clips) and start_s >= clip.offset_s + clip.duration_s - JOINT_S:
        return index + 1
    if index and end_s <= clip.offset_s + JOINT_S:
        return index - 1
    return index


def _clip_at(time_s: float, clips: Sequence[Clip]) -> int:
    """Index of the clip that holds a moment of the slice's PCM; the nearest one outside of all."""
    for index, clip in enumerate(clips):
        if time_s < clip.offset_s + clip.duration_s:
            return index
    return len(clips) - 1


def _in_order(times: list[tuple[float, float]], clip: Clip) -> list[tuple[float, float]]:
    """The same (start, end) pairs inside the clip, starts increasing by at least a word's least length.

    In a clip with too many words for that they share it evenly.
    """
    n_words = len(times)
    if not n_words:
        return []
    least_s = min(MIN_WORD_S, clip.duration_s / (n_words + 1))
    starts: list[float] = []
    earliest_s = clip.start_s
    for index, (start_s, _) in enumerate(times):
        latest_s = clip.end_s - (n_words - index) * least_s
        starts.append(max(earliest_s, min(start_s, latest_s)))
        earliest_s = starts[-1] + least_s
    limits = [*starts[1:], clip.end_s]
    return [
        (start_s, min(max(end_s, start_s + least_s), limit_s))
        for start_s, (_, end_s), limit_s in zip(starts, times, limits, strict=True)
    ]
