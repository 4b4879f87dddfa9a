"""When to look again at what takes the longer the more there is, so that looking never takes more than its share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """For one thread.

    Args:
        rest: times the length of a look that lie between it and the next.
        clock: seconds that only grow.
    """

    def __init__(self, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest, self._clock = rest, clock
        self._again_at = 0.0

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._again_at

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Around a look; after one that fails the next is due at once."""
        began_at = self._clock()
        yield
        ended_at = self._clock()
        self._again_at = ended_at + self._rest * (ended_at - began_at)
