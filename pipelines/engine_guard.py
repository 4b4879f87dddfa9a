"""The end of a run whose engine has died under it.

Ray's driver doesn't survive the node that it started: its calls wait for ever, or its C++ parts end the
process wherever it stands. So a thread watches the node's own processes and ends the run itself: what the
run holds goes back to the queue, the user is told, exit code 1. A worker that dies is Ray's to replace, and
no concern of this.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cluster.connect import Engine

logger = logging.getLogger(__name__)

POLL_S = 0.1
SETTLE_S = 15.0
EXIT_CODE = 1


class EngineGuard:
    """Watches while ``watching``, in a thread of its own.

    Args:
        give_back: puts what the run holds back on the queue and ends it in the ledger. If it hangs it is
            left behind: the next run takes over what a dead one held.
        say: tells the user.
    """

    def __init__(self, engine: Engine, give_back: Callable[[], object], say: Callable[[str], object]) -> None:
        self._engine, self._give_back, self._say = engine, give_back, say
        self._off = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        threading.Thread(target=self._watch, name="engine-guard", daemon=True).start()
        try:
            yield
        finally:
            self._off.set()

    def _watch(self) -> None:
        while not self._off.wait(POLL_S):
            dead = self._engine.dead()
            if dead:
                self._end(dead)

    def _end(self, dead: list[str]) -> None:
        try:
            logger.error("Ray's %s died: ending the run", " and ".join(dead))
            self._say(
                f"earmark: Ray's {' and '.join(dead)} died, so this run ends. Nothing is lost, the same command goes "
                f"on from here. Ray's logs are in {self._engine.logs_dir}; a machine out of memory is the usual cause"
            )
            settling = threading.Thread(target=self._give_back, daemon=True)
            settling.start()
            settling.join(SETTLE_S)
            self._engine.kill()
        finally:
            os._exit(EXIT_CODE)
