"""How long this process has waited for the database: what a stage takes is not always its own work.

One count for the process, since one process is one actor of one stage, and its parts hold databases of their own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Waited:
    """Seconds, summed over threads; safe to use from several."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        return self._seconds

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What passes inside counts, whether it ends well or not."""
        began_at = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._seconds += time.monotonic() - began_at


for_database = Waited()
