"""Keeps an eye on a run while the line works: shows it, sees that it is still ours and that it gets on.

What has come to a stop is ``watchdog.py``'s to judge. A run that has to end here ends by a signal to the main
thread, and where that doesn't help by ``last_resort.py``.
"""

import logging
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

import ray
from ray.actor import ActorHandle

from actors.errors import EarmarkError, LeaseLost, TransientError
from actors.rows import RunId, VideoId
from actors.store.database import Database
from actors.store.ledger import Ledger, RunCounts
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry
from actors.store.standstill import longest_held
from cluster.connect import Engine
from configs.settings import Settings
from pipelines.course import Course
from pipelines.database_watch import DatabaseWatch
from pipelines.last_resort import LastResort
from pipelines.notices import Notices
from pipelines.pace import Pace
from pipelines.progress import Display, Progress
from pipelines.tally import Board
from pipelines.watchdog import Sight, Standstill, Watchdog, explain, in_hand

logger = logging.getLogger(__name__)

POLL_S = 1.0
ANSWER_S = 5.0
"""Longest wait for the scoreboard."""
RECOVER_EVERY_S = 30.0
"""How often to look for runs whose driver died, so that theirs is done too."""
REST = 19.0
"""Times the length of a count that lie between it and the next: a twentieth of the time goes by with counting at most."""


class Watcher:
    """Looks once a second, in a thread of its own, while ``watching``.

    Args:
        stages: names in the order of the line.
        last_resort: armed where the run has to end.
        course: is shown the run at every look.
    """

    def __init__(
        self,
        run_id: RunId,
        database: Database,
        registry: RunRegistry,
        scoreboard: ActorHandle[Any],
        display: Display,
        engine: Engine,
        settings: Settings,
        queue: RunQueue,
        stages: Sequence[str],
        last_resort: LastResort,
        course: Course,
    ) -> None:
        self._run_id, self._database, self._ledger = run_id, database, Ledger(database)
        self._registry, self._scoreboard, self._display = registry, scoreboard, display
        self._engine, self._settings = engine, settings
        self._queue, self._notices = queue, Notices(queue, display)
        self._stages = tuple(stages)
        self._recovered_at = time.monotonic()
        self._watchdog = Watchdog(settings.watchdog, self._stages, time.monotonic())
        self._last_resort, self._course = last_resort, course
        self._counts: RunCounts | None = None
        self._counting = Pace(REST)
        self.board = Board()
        self.ended: EarmarkError | None = None
        """Why the run has to end: another one has taken over, or the line stands still. The main thread
        is interrupted then."""

    def begin_pass(self) -> None:
        """The line is driven, once more or for the first time."""
        self._scoreboard.begin_pass.remote()
        self._watchdog.begin_pass(time.monotonic())

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

    def export_end(self, line_s: float, stay_s: float) -> None:
        """Metrics of the line as it ended, kept up for ``stay_s`` seconds; ``line_s``: from the first row taken in
        hand to the last one stored."""
        try:
            self._counts = self._ledger.counts(self._run_id)
        except EarmarkError as error:  # the run's own end needs the database too, and says so if it is away
            logger.warning("the last figures exported are not the ledger's: %s", error)
        if self._counts is not None:
            self._course.export_end(self.board, self._counts, line_s, stay_s)

    def _watch(self, done: threading.Event) -> None:
        with DatabaseWatch(self._ask, self._course.tell) as database:
            try:
                while self.ended is None and not done.wait(POLL_S):
                    self._look(database)
            except LeaseLost as error:
                self.ended = error
            finally:
                if self.ended is None and not done.is_set():  # a fault in here: unwatched a run could hang
                    self.ended = TransientError("the watch over the run broke off", code="unexpected")
                if self.ended is not None and not done.is_set():
                    database.waits_at_end = False  # the main thread has no time for it
                    self._end(self.ended)

    def _look(self, database: DatabaseWatch) -> None:
        answers, counts = self._read(), database.look()
        self._counts = database.counts
        if self.board.began_at is not None and self._counts is not None:
            elapsed_s = time.time() - self.board.began_at
            self._course.look(self.board, self._counts, database.away_s)
            database.tell()
            with suppress(OSError):  # a terminal that was closed is no reason to end
                self._display.show(Progress(elapsed_s, self._counts, self.board.stages()))
        sight = Sight(time.monotonic(), self.board if answers else None, counts)
        standstill = self._watchdog.judge(sight)
        if standstill is None:
            return
        if not standstill.not_started and self._only_waits():
            self._watchdog.excuse(sight.at_s)
            return
        self.ended = self._explained(standstill, sight)

    def _ask(self) -> RunCounts:
        """How the run stands, once it is seen to be ours; takes as long as the database is away."""
        self._registry.hold()
        if time.monotonic() - self._recovered_at > RECOVER_EVERY_S:
            self._recovered_at = time.monotonic()
            self._registry.recover_lost()
        outlook = self._notices.look()
        if outlook is not None and self.board.began_at is not None:
            self._course.waits.look(time.monotonic(), outlook, self._settings.ray.look_ahead_videos)
        if self._counts is not None and not self._counting.is_due:
            return self._counts
        with self._counting.looking():  # through all rows that the run asked for
            return self._ledger.counts(self._run_id)

    def _read(self) -> bool:
        try:
            found = cast("Board", ray.get(self._scoreboard.read.remote(), timeout=ANSWER_S))
        except (ray.exceptions.RayError, RuntimeError) as error:  # being restarted, or the cluster goes down
            logger.warning("no scoreboard: %s", error)
            return False
        self.board = found.after(self.board)
        with suppress(OSError):  # a terminal that was closed is no reason to end
            for notice in self.board.notices:
                self._display.say_once(notice)
        return True

    def _only_waits(self) -> bool:
        """Whether nothing is in the line, and what is left may not be taken yet."""
        try:
            return self._queue.outlook().only_waits
        except EarmarkError as error:
            logger.warning("can't ask what is due: %s", error)
            return False

    def _explained(self, standstill: Standstill, sight: Sight) -> TransientError:
        in_line = None
        try:
            in_line = longest_held(self._database, self._run_id)
            for each in in_hand(sight.board):
                if each.goes_on or each.row.state == "blocked":  # this end isn't its fault
                    self._ledger.end_work(VideoId(each.row.label), each.stage.lower(), each.row.ordinal)
        except EarmarkError as error:
            logger.warning("can't ask what is in the line: %s", error)
        room = self._room() if sight.board is not None else ""
        logs = f"Ray's log directory {self._engine.logs_dir or 'on the cluster'}"
        if any(True for _ in in_hand(self.board)):  # seen last, should Ray not answer at this moment
            sight = replace(sight, board=self.board)
        return explain(standstill, sight, self._stages, in_line, room, logs)

    def _room(self) -> str:
        """What Ray has free, in words; empty if it doesn't say so in time."""
        found: list[dict[str, float]] = []

        def ask() -> None:
            found.append(ray.available_resources())  # type: ignore[no-untyped-call]

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(ANSWER_S)
        if not found:
            return ""
        cpus, gpus = found[0].get("CPU", 0.0), found[0].get("GPU", 0.0)
        has_gpus = f" and {gpus:g} of {self._engine.n_gpus:g} GPUs" if self._engine.n_gpus else ""
        return f" (Ray has {cpus:g} of {self._engine.n_cpus:g} CPUs{has_gpus} free)"

    def _end(self, error: EarmarkError) -> None:
        """Interrupt the main thread, which cleans up; and see that it comes to an end."""
        logger.error("ending the run: %s", error)
        self._last_resort.arm(lambda: self._display.say(f"earmark: {error}"))
        # A real signal: it also wakes a main thread that waits for a lock. SIGTERM, since a run in a shell's
        # background ignores SIGINT.
        signal.pthread_kill(cast("int", threading.main_thread().ident), signal.SIGTERM)
