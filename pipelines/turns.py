"""Who may work beside whom in one actor: rows that were in hand when it died work alone.

An actor that works on several rows at once can't say which of them killed it: all of them were in hand,
and all are counted. Tried again side by side they would share the next death too, and innocent rows would
be set aside with the guilty one. So a row with a death to its name works alone: from then on a death is its
own, and its neighbours of that time, alone in their turn, are cleared by getting through.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets threads work side by side, or one alone. A thread that wants to be alone goes first: the
    others would never leave it a gap."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._n_working = 0
        self.n_wanting_alone = 0
        """Threads that wait until everybody else has left."""
        self._alone = False

    @contextmanager
    def side_by_side(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self.n_wanting_alone)
            self._n_working += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_working -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self.n_wanting_alone += 1
            try:
                self._changed.wait_for(lambda: not self._alone and not self._n_working)
                self._alone = True
            finally:
                self.n_wanting_alone -= 1
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
