"""The end of a run whose main thread doesn't end it: blocked in C, or in a Ray that hangs itself."""

import logging
import os
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

WITHIN_S = 30.0
"""Time for the orderly way, Ray's own shutdown included."""
SETTLE_S = 15.0
EXIT_CODE = 1


class LastResort:
    """Ends the process, once armed, unless it is called off in time.

    Args:
        settle: gives back what the run holds. May hang, and is left behind then: the next run takes over
            what a dead one held.
        kill: ends Ray's processes.
    """

    def __init__(self, settle: Callable[[], object], kill: Callable[[], object]) -> None:
        self._settle, self._kill = settle, kill
        self._off = threading.Event()

    def arm(self, say: Callable[[], object]) -> None:
        """
        Args:
            say: tells the user why, in the last moment.
        """
        threading.Thread(target=self._wait, args=(say,), name="last-resort", daemon=True).start()

    def call_off(self) -> None:
        self._off.set()

    def _wait(self, say: Callable[[], object]) -> None:
        if self._off.wait(WITHIN_S):
            return
        logger.error("the main thread doesn't end the run: ending the process")
        try:
            for step in (say, self._settle):
                thread = threading.Thread(target=step, daemon=True)
                thread.start()
                thread.join(SETTLE_S)
            self._kill()
        finally:
            os._exit(EXIT_CODE)
