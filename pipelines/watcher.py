"""Keeps an eye on a run while the line works: shows it, and sees that the run is still ours."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import ray
from ray.actor import ActorHandle

from actors.errors import EarmarkError, LeaseLost
from actors.rows import RunId
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from pipelines.notices import Notices
from pipelines.progress import Display, Progress
from pipelines.scoreboard import Board

logger = logging.getLogger(__name__)

POLL_S = 1.0
RECOVER_EVERY_S = 30.0
"""How often to look for runs whose driver died, so that theirs is done too."""


class Watcher:
    """Looks once a second, in a thread of its own, while ``watching``."""

    def __init__(
        self,
        run_id: RunId,
        ledger: Ledger,
        registry: RunRegistry,
        scoreboard: ActorHandle[Any],
        display: Display,
        notices: Notices,
    ) -> None:
        self._notices = notices
        self._run_id, self._ledger, self._registry = run_id, ledger, registry
        self._scoreboard, self._display = scoreboard, display
        self._recovered_at = time.monotonic()
        self.board = Board()
        self.lost: LeaseLost | None = None
        """Set when another run has taken over; the main thread is interrupted then."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(done,), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self._read()

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(POLL_S):
            try:
                self._look()
            except LeaseLost as error:
                self.lost = error
                # A real signal: _thread.interrupt_main() wakes nobody who waits for a lock, as the line does.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return
            except EarmarkError as error:  # the database is away; the stages wait for it too
                logger.warning("no state to show: %s", error)

    def _look(self) -> None:
        self._registry.hold()
        if time.monotonic() - self._recovered_at > RECOVER_EVERY_S:
            self._recovered_at = time.monotonic()
            self._registry.recover_lost()
        self._notices.look()
        self._read()
        if self.board.began_at is not None:
            elapsed_s = time.time() - self.board.began_at
            self._display.show(Progress(elapsed_s, self._ledger.counts(self._run_id), self.board.stages()))

    def _read(self) -> None:
        try:
            self.board = cast("Board", ray.get(self._scoreboard.read.remote()))
        except ray.exceptions.RayError as error:  # being restarted, or the cluster goes down
            logger.warning("no scoreboard: %s", error)
