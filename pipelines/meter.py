"""One actor's counts, taken from inside while it works and sent to the scoreboard once a second.

Ray Data's own actor gauges stand still while a long row is worked on, so a thread of the actor sends them,
whatever the row takes. The same thread ends the actor over a row that takes too long.
"""

import faulthandler
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import ray
from ray.actor import ActorHandle

from actors.store.waited import for_database
from pipelines.in_hand import STDERR, Hands, Held
from pipelines.scoreboard import RowKey
from pipelines.tally import Spread, Tally

logger = logging.getLogger(__name__)

T = TypeVar("T")
INTERVAL_S = 1.0
ANSWER_S = 10.0
"""Longest wait of a stage for the scoreboard: no row is held up by one that hangs."""
LAST_WORDS_S = 3.0
TIMED_OUT = 1
"""Exit status of an actor that ends itself over a row."""


class Batches:
    """How many batches this process's models worked through, and what these held together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.n, self.n_members = 0, 0

    def add(self, n_members: int) -> None:
        with self._lock:
            self.n, self.n_members = self.n + 1, self.n_members + n_members


batches = Batches()
"""For a stage's worker; one for the process, which is one actor of one stage."""


class Meter:
    """One actor's tally. Safe to use from several threads.

    Args:
        load_s: what it took the actor to get ready, in seconds.
    """

    def __init__(self, stage: str, scoreboard: ActorHandle[Any], load_s: float) -> None:
        self._stage = stage
        self._scoreboard = scoreboard
        self._actor = ray.get_runtime_context().get_actor_id() or "task"
        self._life = ray.get_runtime_context().get_worker_id()
        self._lock = threading.Lock()
        self._tally = Tally(load_s=load_s)
        self._codes: Counter[str] = Counter()
        self._made: Counter[str] = Counter()
        self._spread = Spread()
        self._ready_at = time.monotonic()
        self._database_s = for_database.seconds  # what getting ready took of it is in load_s
        self._hands = Hands(self._give_up, self._done_with)
        threading.Thread(target=self._watch, name="meter", daemon=True).start()

    @contextmanager
    def item(self, label: str, ordinal: int, audio_s: float, limit_s: float) -> Iterator[None]:
        """One row, from the moment it is taken in hand to the moment it is done with."""
        with self._lock:
            self._tally.in_hand += 1
            self._tally.latest = label
        try:
            with self._hands.take(label, ordinal, limit_s):
                self._send()
                yield
        finally:
            with self._lock:
                self._tally.in_hand -= 1
                self._tally.items += 1
                self._tally.audio_s += audio_s
            # Before the row counts as done, so that the run's last figures are whole. Its worker waits for that, so
            # it is part of what a row costs the stage, though no work on the row.
            with self._hands.busy():
                self._send(wait=True)

    def failed(self, code: str) -> None:
        with self._lock:
            self._tally.failed += 1
            self._codes[code] += 1

    @contextmanager
    def handing_over(self, n_bytes: int, made: Mapping[str, int]) -> Iterator[None]:
        """A result of the row waits inside for the line to take it.

        Args:
            made: what the result holds, by kind.
        """
        with self._lock:
            self._made.update(made)
        with self._hands.state("blocked"):
            yield
        with self._lock:
            self._tally.bytes_out += n_bytes

    def snapshot(self) -> Tally:
        held, times = self._hands.held(), self._hands.times()
        with self._lock:
            return replace(
                self._tally, busy_s=times.working, blocked_s=times.blocked, paused_s=times.paused,
                database_s=for_database.seconds - self._database_s, age_s=time.monotonic() - self._ready_at,
                held=held, codes=dict(self._codes), batches=batches.n, batched=batches.n_members,
                made=dict(self._made), spread=self._spread.copy(),
            )  # fmt: skip

    def _done_with(self, worked_s: float) -> None:
        with self._lock:
            self._spread.sketch.add(worked_s)

    def _watch(self) -> None:
        while True:
            self._send()
            left_s = self._hands.enforce()
            time.sleep(INTERVAL_S if left_s is None else max(0.05, min(INTERVAL_S, left_s)))

    def _give_up(self, row: Held) -> None:
        """Leave this process: nothing else ends a call that doesn't return. Ray starts the actor again and
        hands it its rows, which the ledger has counted."""
        logger.error(
            "%s: leaving over %s (part %d): %.0f s of work on it, the limit is %.0f s; the stacks stand in this "
            "process's .err file in Ray's logs", self._stage, row.label, row.ordinal, row.worked_s, row.limit_s,
        )  # fmt: skip
        faulthandler.dump_traceback(STDERR)
        key = RowKey(self._stage, row.label, row.ordinal)
        self._tell(self._scoreboard.timed_out, key, patience_s=LAST_WORDS_S)
        os._exit(TIMED_OUT)

    def _send(self, *, wait: bool = False) -> None:
        sent = (self._stage, self._actor, self._life, self.snapshot())
        self._tell(self._scoreboard.report, *sent, patience_s=ANSWER_S if wait else None)

    def _tell(self, method: Any, *what: object, patience_s: float | None) -> None:
        try:
            sent = method.remote(*what)
            if patience_s is not None:
                ray.get(sent, timeout=patience_s)
        except (ray.exceptions.RayError, RuntimeError) as error:  # being restarted, or the cluster goes down
            logger.debug("the scoreboard doesn't answer: %s", error)
