"""The end of a run whose main thread doesn't end it: blocked in C, or in a Ray that hangs or has died."""

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
        give_back: puts what the run holds back on the queue and ends it in the ledger; told whether the attempts
            are forgiven. May hang, and is left behind then: the next run takes over what a dead one held.
        kill: ends Ray's processes.
    """

    def __init__(self, give_back: Callable[[bool], object], kill: Callable[[], object]) -> None:
        self._give_back, self._kill = give_back, kill
        self._off = threading.Event()

    def arm(self, say: Callable[[], object], *, within_s: float | None = None, forgive: bool = False) -> None:
        """
        Args:
            say: tells the user why, in the last moment.
            within_s: how long the main thread has, ``WITHIN_S`` unless given.
            forgive: no video in hand is to blame for this end.
        """
        wait_s = WITHIN_S if within_s is None else within_s
        threading.Thread(
            target=self._wait, args=(say, wait_s, forgive), name="last-resort", daemon=True
        ).start()

    def call_off(self) -> None:
        self._off.set()

    def _wait(self, say: Callable[[], object], wait_s: float, forgive: bool) -> None:
        if self._off.wait(wait_s):
            return
        logger.error("the main thread doesn't end the run: ending the process")
        try:
            for step in (say, lambda: self._give_back(forgive)):
                thread = threading.Thread(target=step, daemon=True)
                thread.start()
                thread.join(SETTLE_S)
            self._kill()
        finally:
            os._exit(EXIT_CODE)
