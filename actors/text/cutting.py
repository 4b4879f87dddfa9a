"""Cutting a stretch of words into pieces of the wished length, at the best places there are.

Owns: the one decision where a stretch is cut. Knows words only as positions, times and costs.

Splitting what is too long and then mending what is too short undo one another when done in turn (a
mended piece is too long again, a split one leaves a short tail), so both are done at once: of all
ways to cut the stretch within the bounds, take one with the fewest pieces that are too short, and
among these the one whose cuts cost least. That is a shortest path over the places between words; as
both bounds only move forward, two sliding-window minima find it in linear time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

SHORT = 1 << 40
"""Cost of a piece that is too short: more than all cuts of the longest video together."""

SHORTFALL = 3000
"""Cost of how much of ``min_chars`` is missing: rather one piece of 1,000 and one of 400 than 1,300
and 100."""


@dataclass(frozen=True, slots=True)
class Limits:
    min_chars: int
    max_chars: int
    max_duration_s: float


@dataclass(frozen=True, slots=True)
class Places:
    """A stretch of n words: every list has n elements; starts and ends never decrease."""

    char_starts: Sequence[int]
    char_ends: Sequence[int]
    starts_s: Sequence[float]
    ends_s: Sequence[float]
    cut_costs: Sequence[int]
    """Cost of a cut before the word, not negative."""


def cut(places: Places, limits: Limits) -> list[tuple[int, int]]:
    """Pieces ``(first, after_last)`` that cover the stretch in order.

    No piece of more than one word has more than ``max_chars`` characters or lasts longer than
    ``max_duration_s``. No other way to cut within these bounds has fewer pieces shorter than
    ``min_chars``.
    """
    return _Cutter(places, limits).pieces()


class _Cutter:
    """``total[i]`` is the least cost of cutting the first i words, ``back[i]`` where their last piece
    begins. Pieces that end at word j begin in ``long`` (long enough) or ``short`` (too short)."""

    def __init__(self, places: Places, limits: Limits) -> None:
        self._places = places
        self._limits = limits
        self._total = [0]
        self._back = [0]
        self._long: deque[int] = deque()
        self._short: deque[int] = deque()

    def pieces(self) -> list[tuple[int, int]]:
        lowest = first_short = 0
        for last in range(len(self._places.char_ends)):
            self._push(self._short, last)
            while lowest < last and not self._allowed(lowest, last):
                lowest += 1
            while first_short <= last and self._missing(first_short, last) <= 0:
                self._push(self._long, first_short)
                first_short += 1
            self._drop(self._long, lowest)
            self._drop(self._short, max(lowest, first_short))
            self._settle(max(lowest, first_short), last)
        return self._walk_back()

    def _settle(self, first_short: int, last: int) -> None:
        """Choose where the piece that ends with word ``last`` begins."""
        best, start = None, 0
        if self._long:
            start = self._long[0]
            best = self._begin_cost(start)
        if self._short and (best is None or self._begin_cost(self._short[0]) + SHORT < best):
            for first in range(first_short, last + 1):
                cost = self._begin_cost(first) + SHORT + self._shortfall(first, last)
                if best is None or cost < best:
                    best, start = cost, first
        assert best is not None, "a single word is always allowed"
        self._total.append(best)
        self._back.append(start)

    def _walk_back(self) -> list[tuple[int, int]]:
        pieces: list[tuple[int, int]] = []
        after = len(self._back) - 1
        while after > 0:
            pieces.append((self._back[after], after))
            after = self._back[after]
        return pieces[::-1]

    def _allowed(self, first: int, last: int) -> bool:
        places, limits = self._places, self._limits
        return (
            places.char_ends[last] - places.char_starts[first] <= limits.max_chars
            and places.ends_s[last] - places.starts_s[first] <= limits.max_duration_s
        )

    def _missing(self, first: int, last: int) -> int:
        return self._limits.min_chars - (self._places.char_ends[last] - self._places.char_starts[first])

    def _shortfall(self, first: int, last: int) -> int:
        return SHORTFALL * self._missing(first, last) // self._limits.min_chars

    def _begin_cost(self, first: int) -> int:
        return self._total[first] + self._places.cut_costs[first]

    def _push(self, window: deque[int], first: int) -> None:
        while window and self._begin_cost(window[-1]) >= self._begin_cost(first):
            window.pop()
        window.append(first)

    def _drop(self, window: deque[int], before: int) -> None:
        while window and window[0] < before:
            window.popleft()
