"""Where in a slice voices are listened to: windows that hold speech of one clip, and nothing else.

Owns: the grid of windows, the windows that an utterance gets for itself, and the probes of the fast path.
Pure: knows neither models nor samples' values.

A window lies inside of one clip, so that its vector is of one stretch of the video. All windows of one length
have exactly the same number of samples: the model's vectors are exact only where nothing is padded.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from actors.rows import SAMPLE_RATE_HZ, Clip, Utterance

SHORTER_S = (2.5, 2.0, 1.5, 1.0)
"""Lengths for what is shorter than a whole window: few, so that equal ones share a forward pass."""
LEAST_S = SHORTER_S[-1]
"""Shorter speech has no vector: one of half a second tells more of a vowel than of a voice."""

OTHERS_S = 0.15
"""So much of a neighbour's time may an utterance's own window hold: word times are that exact."""

PROBE_EVERY_S = 8.0
"""From the start of a probe of the fast path to the start of the next one, at most, in seconds of speech. A guest of
20 s who is silent for less than nine of them says 11 s, and that always holds a whole probe of 3 s: by spacing
alone none is missed (``miss_probability``). Twelve seconds would save a third of the probes and miss such a
guest in a third of the places; ``tests/bench/voices.py`` measures it."""
LEAST_PROBES = 4
"""A slice with fewer is heard whole: it costs little, and so few windows prove nothing."""

_HALF_A_SAMPLE_S = 0.5 / SAMPLE_RATE_HZ
_CRUMB_S = 0.05
"""What may stay unheard at a clip's end: nobody says anything in it."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A stretch of a slice to make one vector of."""

    start_s: float
    """On the video's clock."""
    end_s: float
    first: int
    """Its first sample in the slice's PCM."""
    n_samples: int


def dense_windows(
    clips: Sequence[Clip], utterances: Sequence[Utterance], window_s: float, hop_s: float
) -> list[Window]:
    """Windows all through the speech, starts ascending: the grid of ``grid_windows``, and one more for each
    utterance of a second or longer that no window of the grid has for itself.

    Args:
        clips: of one slice.
        utterances: said in them, on the video's clock.
        window_s: length of a window.
        hop_s: from the start of one to the start of the next.
    """
    if not clips:
        return []
    found = [window for clip in clips for window in grid_windows(clip, window_s, hop_s)]
    found += [
        own
        for index, utterance in enumerate(utterances)
        if utterance.end_s - utterance.start_s >= LEAST_S
        and not any(_is_own(window, index, utterances) for window in found)
        and (own := _own_window(utterance, clips, window_s)) is not None
    ]
    return sorted(set(found))


def grid_windows(clip: Clip, window_s: float, hop_s: float) -> Iterator[Window]:
    """Windows ``hop_s`` apart; the last one ends with the clip. A clip shorter than a window has one, of the
    longest length of ``SHORTER_S`` that fits, in its middle: what is left over at its ends is the silence that
    Prepare left around speech. One shorter than ``LEAST_S`` has none."""
    length_s = window_s if clip.duration_s + _HALF_A_SAMPLE_S >= window_s else shorter_s(clip.duration_s)
    if length_s is None:
        return
    last_s = max(0.0, clip.duration_s - length_s)
    if length_s < window_s:
        yield _window(clip, last_s / 2, length_s)
        return
    n_hops = int((last_s + _HALF_A_SAMPLE_S) / hop_s)
    for hop in range(n_hops + 1):
        yield _window(clip, hop * hop_s, length_s)
    if last_s - n_hops * hop_s > _CRUMB_S:
        yield _window(clip, last_s, length_s)


def probe_windows(
    clips: Sequence[Clip], window_s: float, hop_s: float, every_s: float = PROBE_EVERY_S
) -> list[Window]:
    """As few windows of the grid as leave no more than ``every_s`` of the slice's sound from the start of one to the
    start of the next; the first and the last of the slice are among them. Starts ascending.

    They are windows of the grid, so that nothing was in vain where the dense pass follows.
    """
    grid = [window for clip in clips for window in grid_windows(clip, window_s, hop_s)]
    probes = grid[:1]
    for window, following in pairwise(grid):
        if following.first - probes[-1].first > every_s * SAMPLE_RATE_HZ and window != probes[-1]:
            probes.append(window)
    return probes + grid[-1:] if len(grid) > 1 else probes


def miss_probability(guest_s: float, every_s: float, window_s: float) -> float:
    """Share of the places in a monologue at which a guest's speech of ``guest_s`` holds no whole probe, and so
    may go unheard: probes begin every ``every_s``, and one lies inside if it begins in the first
    ``guest_s - window_s`` of it. 0 from ``every_s + window_s`` on.

    It is an upper bound: a probe that the guest has only a part of is mostly unlike the host, too.
    """
    return min(1.0, max(0.0, 1 - max(0.0, guest_s - window_s) / every_s))


def batches(windows: Iterable[Window], batch_size: int) -> list[list[Window]]:
    """Windows in batches of at most ``batch_size``, each of one length, the longest first: a batch too large
    for the memory says so at once."""
    by_length: dict[int, list[Window]] = defaultdict(list)
    for window in windows:
        by_length[window.n_samples].append(window)
    return [
        same[first : first + batch_size]
        for _, same in sorted(by_length.items(), reverse=True)
        for first in range(0, len(same), batch_size)
    ]


def shorter_s(duration_s: float) -> float | None:
    """The longest length of ``SHORTER_S`` that fits into a stretch; ``None``: not even the shortest."""
    return next((length for length in SHORTER_S if length <= duration_s + _HALF_A_SAMPLE_S), None)


def _window(clip: Clip, at_s: float, length_s: float) -> Window:
    """The window that begins ``at_s`` into a clip."""
    first = round((clip.offset_s + at_s) * SAMPLE_RATE_HZ)
    start_s = clip.start_s + at_s
    return Window(start_s, start_s + length_s, first, round(length_s * SAMPLE_RATE_HZ))


def _is_own(window: Window, index: int, utterances: Sequence[Utterance]) -> bool:
    """Whether a window hears an utterance (a second of it, or half of the window) and no other one."""
    own_s = _overlap_s(window, utterances[index])
    if own_s < max(LEAST_S, (window.end_s - window.start_s) / 2) - OTHERS_S:
        return False
    neighbours = (*utterances[max(0, index - 3) : index], *utterances[index + 1 : index + 4])
    return sum(_overlap_s(window, other) for other in neighbours) <= OTHERS_S


def _overlap_s(window: Window, utterance: Utterance) -> float:
    return max(0.0, min(window.end_s, utterance.end_s) - max(window.start_s, utterance.start_s))


def _own_window(utterance: Utterance, clips: Sequence[Clip], window_s: float) -> Window | None:
    """A window out of the middle of what an utterance says in the clip that holds most of it."""

    def said(clip: Clip) -> float:
        return min(clip.end_s, utterance.end_s) - max(clip.start_s, utterance.start_s)

    clip = max(clips, key=said)
    length_s = window_s if said(clip) >= window_s else shorter_s(said(clip))
    if length_s is None:
        return None
    middle_s = (max(clip.start_s, utterance.start_s) + min(clip.end_s, utterance.end_s)) / 2
    at_s = min(max(0.0, middle_s - length_s / 2 - clip.start_s), clip.duration_s - length_s)
    return _window(clip, max(0.0, at_s), length_s)
