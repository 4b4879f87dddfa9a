"""Which windows of sound a word is heard in, and how much of each is whose.

Owns: the arithmetic between word times and window times. Pure; knows no vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from actors.voices.clustering import Ints
from actors.voices.smoothing import Reals, Timing

SHORTEST_S = 0.02
"""Length that a word without length counts with."""


@dataclass(frozen=True, slots=True)
class Earshot:
    """Words against windows; an entry for each word that is heard in a window, in seconds of overlap."""

    overlap_s: csr_array
    """Shape ``(n_words, n_windows)``."""
    central: csr_array
    """Same shape and entries: overlap, less the nearer the word is to the window's ends. A window's vector says most of what
    is in its middle: what lies before or after a word in it may be somebody else's."""

    def shares(self, voices: Ints, n_voices: int) -> Reals:
        """How much of the speech in each window is whose.

        Args:
            voices: shape ``(n_words,)``: each word's voice, -1 for none.

        Returns:
            Shape ``(n_windows, n_voices)``: shares from 0 to 1; a window without words has zeros.
        """
        belongs = np.zeros((len(voices), n_voices))
        known = np.flatnonzero(voices >= 0)
        belongs[known, voices[known]] = 1
        seconds: Reals = self.overlap_s.T @ belongs
        total = np.asarray(self.overlap_s.sum(axis=0), np.float64).reshape(-1, 1)
        return seconds / np.maximum(total, 1e-9)


def listen(timing: Timing, windows_s: Reals) -> Earshot:
    """Lay the words over the windows.

    Args:
        timing: the words.
        windows_s: shape ``(n_windows, 2)``, start and end of each.
    """
    starts, ends = timing.starts_s, np.maximum(timing.ends_s, timing.starts_s + SHORTEST_S)
    first = np.searchsorted(ends, windows_s[:, 0], side="right")
    after = np.maximum(np.searchsorted(starts, windows_s[:, 1], side="left"), first)
    words = _ranges(first, after)
    windows = np.repeat(np.arange(len(windows_s)), after - first)
    begin, end = windows_s[windows, 0], windows_s[windows, 1]
    overlap = np.minimum(ends[words], end) - np.maximum(starts[words], begin)
    middle = (np.maximum(starts[words], begin) + np.minimum(ends[words], end)) / 2
    centrality = 1 - np.abs(2 * middle - begin - end) / np.maximum(end - begin, 1e-9)
    shape = (len(starts), len(windows_s))
    return Earshot(
        csr_array((overlap, (words, windows)), shape=shape),
        csr_array((overlap * np.maximum(centrality, 0.05) ** 2, (words, windows)), shape=shape),
    )


def slices_of(timing: Timing, spans_s: Sequence[tuple[float, float]], slack_s: float = 0.5) -> Ints:
    """The slice that each word lies in, by its middle; -1 for none.

    Args:
        timing: the words.
        spans_s: start and end of each slice, in order.
        slack_s: how far outside of its slice a word's time may be.
    """
    middles = (timing.starts_s + timing.ends_s) / 2
    if not spans_s:
        return np.full(len(middles), -1, np.intp)
    begins, ends = (np.array(side, np.float64) for side in zip(*spans_s, strict=True))
    before = np.clip(np.searchsorted(begins, middles, side="right") - 1, 0, None)
    behind = np.minimum(before + 1, len(begins) - 1)
    away = np.maximum(middles - ends[before], begins[before] - middles)
    away_behind = np.where(behind > before, np.maximum(begins[behind] - middles, 0), np.inf)
    nearest = np.where((away > 0) & (away_behind < away), behind, before)
    return np.where(np.minimum(away, away_behind) <= slack_s, nearest, -1).astype(np.intp)


def _ranges(first: Ints, after: Ints) -> Ints:
    """The numbers from ``first`` to before ``after`` of each pair, one pair after another."""
    lengths = after - first
    offsets = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.arange(int(lengths.sum())) - offsets + np.repeat(first, lengths)
