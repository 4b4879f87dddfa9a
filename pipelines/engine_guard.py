"""The end of a run whose engine has died under it.

Ray's driver doesn't survive the node that it started: its calls wait for ever, or its C++ parts end the
process wherever it stands. So a thread watches the node's own processes and has the last resort end the run
at once. A worker that dies is Ray's to replace, and no concern of this.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cluster.connect import Engine
from pipelines.last_resort import LastResort

logger = logging.getLogger(__name__)

POLL_S = 0.1


class EngineGuard:
    """Watches while ``watching``, in a thread of its own.

    Args:
        say: tells the user.
    """

    def __init__(self, engine: Engine, last_resort: LastResort, say: Callable[[str], object]) -> None:
        self._engine, self._last_resort, self._say = engine, last_resort, say
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
                self._end(" and ".join(dead))
                return

    def _end(self, dead: str) -> None:
        logger.error("Ray's %s died: ending the run", dead)
        told = (
            f"earmark: Ray's {dead} died, so this run ends. Nothing is lost, the same command goes on from here."
            f" Ray's logs are in {self._engine.logs_dir}; a machine out of memory is the usual cause"
        )
        self._last_resort.arm(lambda: self._say(told), within_s=0.0, forgive=True)
