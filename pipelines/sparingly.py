"""Asks for what takes the longer the more there is, without taking ever more of a machine for it."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 0.05
"""Of the time at most that goes by with asking."""


class Sparingly(Generic[T]):
    """Calls ``ask``; until that has paid off its last answer serves. For one thread.

    Args:
        share: of the time, between 0 and 1: after an answer that took one second nobody asks for ``1 / share`` seconds.
        clock: seconds that only grow.
    """

    def __init__(
        self, ask: Callable[[], T], share: float = SHARE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._share, self._clock = ask, share, clock
        self._answer: tuple[T] | None = None
        self._again_at = 0.0

    def __call__(self) -> T:
        """Whatever ``ask`` raises is raised, and held against nobody: the next call asks."""
        began_at = self._clock()
        if self._answer is not None and began_at < self._again_at:
            return self._answer[0]
        self._answer = None
        answer = self._ask()
        self._again_at = began_at + (self._clock() - began_at) / self._share
        self._answer = (answer,)
        return answer
