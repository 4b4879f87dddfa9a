"""Who is busy: each stage's actor counts what it does, one small actor keeps the latest counts.

Ray Data's own actor gauges stand still while a long row is worked on, so the counts come from inside
the stages and are sent by a thread of theirs, whatever the row takes.
"""

import faulthandler
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import ray
from ray.actor import ActorHandle

from actors.errors import EarmarkError
from pipelines.in_hand import STDERR, Hands, Held

logger = logging.getLogger(__name__)

T = TypeVar("T")
INTERVAL_S = 1.0
ANSWER_S = 10.0
"""Longest wait of a stage for the scoreboard: no row is held up by one that hangs."""
LAST_WORDS_S = 3.0
MAX_NOTICES = 20
TIMED_OUT = 1
"""Exit status of an actor that ends itself over a row."""


@dataclass(slots=True)
class Tally:
    """Counts of one actor, or of a whole stage."""

    items: int = 0
    """Rows finished, failed ones too."""
    failed: int = 0
    in_hand: int = 0
    audio_s: float = 0.0
    busy_s: float = 0.0
    """Seconds in which at least one row was worked on."""
    blocked_s: float = 0.0
    """Seconds in which a finished row waited for the line to take it."""
    age_s: float = 0.0
    """Seconds since the actor was ready."""
    actors: int = 1
    latest: str = ""
    """The video worked on last."""
    held: tuple[Held, ...] = ()
    """The rows in hand, the oldest first; of one actor at most as many as it has threads."""
    silent_s: float = 0.0
    """Seconds since the actor was last heard of; in the sum of a stage the longest."""

    def figures(self) -> dict[str, float]:
        """What is kept of it."""
        return {
            "items": self.items, "failed": self.failed, "actors": self.actors,
            "busy_s": round(self.busy_s, 2), "blocked_s": round(self.blocked_s, 2),
            "age_s": round(self.age_s, 2), "audio_s": round(self.audio_s, 2),
        }  # fmt: skip

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            items=self.items + other.items, failed=self.failed + other.failed, in_hand=self.in_hand + other.in_hand,
            audio_s=self.audio_s + other.audio_s, busy_s=self.busy_s + other.busy_s,
            blocked_s=self.blocked_s + other.blocked_s, age_s=self.age_s + other.age_s,
            actors=self.actors + other.actors, latest=other.latest or self.latest,
            held=tuple(sorted(self.held + other.held, key=lambda row: -row.age_s)),
            silent_s=max(self.silent_s, other.silent_s),
        )  # fmt: skip

    def ended(self) -> "Tally":
        """What stays of an actor that is no more."""
        return replace(self, in_hand=0, held=(), actors=0, silent_s=0.0)


@dataclass
class Board:
    """What the scoreboard knows: tallies by stage and actor."""

    by_actor: dict[str, dict[str, Tally]] = field(default_factory=dict)
    began_at: float | None = None
    """When the first row was taken in hand, seconds since the epoch."""
    notices: tuple[str, ...] = ()
    """What the user is to be told of the run as a whole, in the order in which it was noticed."""

    def stages(self) -> dict[str, Tally]:
        """The sum of each stage's actors, dead ones too: what they did still counts."""
        return {
            stage: sum(tallies.values(), Tally(actors=0))
            for stage, tallies in self.by_actor.items()
            if tallies
        }


class RowKey(NamedTuple):
    """A row of a stage."""

    stage: str
    video_id: str
    ordinal: int


@dataclass(slots=True)
class _Heard:
    """What is known of one actor."""

    life: str
    """Its process: Ray starts an actor that died again under the same id."""
    past: Tally
    """Of its former lives."""
    now: Tally
    at: float

    def tally(self, now: float) -> Tally:
        return replace(self.past + self.now, silent_s=now - self.at)


# Two calls a row, which nobody looks up in the dashboard: no events of them. (Ray's types don't know that option.)
@ray.remote(num_cpus=0, max_restarts=-1, enable_task_events=False)  # type: ignore[call-overload]
class Scoreboard:
    """Keeps the latest tally of every actor of a run."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._began_at: float | None = None
        self._refusal: EarmarkError | None = None
        self._timed_out: dict[RowKey, int] = {}
        self._past: dict[str, Tally] = {}
        self._gone: set[tuple[str, str]] = set()
        self._sources: set[str] = set()
        self._notices: dict[str, None] = {}

    def enter_source(self, token: str) -> bool:
        """Whether the source of a pass begins for the first time (see ``feed.py``)."""
        is_first = token not in self._sources
        self._sources.add(token)
        return is_first

    def refuse(self, error: EarmarkError) -> None:
        """An actor says why it can't join the line; Ray would tell it as text in a traceback."""
        self._refusal = error

    def refusal(self) -> EarmarkError | None:
        return self._refusal

    def notice(self, text: str) -> None:
        """Something that the user is to be told, however many actors come across it."""
        if len(self._notices) < MAX_NOTICES:
            self._notices.setdefault(text)

    def report(self, stage: str, actor: str, life: str, tally: Tally) -> None:
        if (stage, actor) in self._gone:
            return  # sent before its pass ended
        before = self._heard.get((stage, actor))
        past = Tally(actors=0)
        if before is not None:
            past = before.past if before.life == life else (before.past + before.now).ended()
        self._heard[stage, actor] = _Heard(life, past, tally, time.monotonic())
        if self._began_at is None and (tally.in_hand or tally.items):
            self._began_at = time.time()

    def timed_out(self, row: RowKey) -> None:
        """An actor ends itself: this row was over its limit."""
        self._timed_out[row] = self._timed_out.get(row, 0) + 1

    def times_timed_out(self, row: RowKey) -> int:
        """How often that happened in this run."""
        return self._timed_out.get(row, 0)

    def begin_pass(self) -> None:
        """The line is driven anew: the actors of the last pass are gone, what they did counts on."""
        self._refusal = None
        for (stage, actor), heard in self._heard.items():
            self._past[stage] = self._past.get(stage, Tally(actors=0)) + (heard.past + heard.now).ended()
            self._gone.add((stage, actor))
        self._heard.clear()

    def read(self) -> Board:
        board, now = Board(began_at=self._began_at, notices=tuple(self._notices)), time.monotonic()
        for stage, past in self._past.items():
            board.by_actor[stage] = {"of former passes": past}
        for (stage, actor), heard in self._heard.items():
            board.by_actor.setdefault(stage, {})[actor] = heard.tally(now)
        return board


class Meter:
    """One actor's tally, sent to the scoreboard once a second; ends the actor over a row that takes too long.
    Safe to use from several threads."""

    def __init__(self, stage: str, scoreboard: ActorHandle[Any]) -> None:
        self._stage = stage
        self._scoreboard = scoreboard
        self._actor = ray.get_runtime_context().get_actor_id() or "task"
        self._life = ray.get_runtime_context().get_worker_id()
        self._lock = threading.Lock()
        self._tally = Tally()
        self._hands = Hands(self._give_up)
        self._ready_at = time.monotonic()
        self._busy_since: float | None = None
        self._working = 0
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
            self._send(wait=True)  # before the row counts as done, so that the run's last figures are whole

    def failed(self) -> None:
        with self._lock:
            self._tally.failed += 1

    def timed(self, results: Iterable[T]) -> Iterator[T]:
        """Pass results through; the time to make each is busy, the time until the next is asked for is blocked."""
        iterator = iter(results)
        while True:
            self._start()
            try:
                result = next(iterator)
            except StopIteration:
                return
            finally:
                self._stop()
            handed_over_at = time.monotonic()
            with self._hands.state("blocked"):
                yield result
            with self._lock:
                self._tally.blocked_s += time.monotonic() - handed_over_at

    def _start(self) -> None:
        with self._lock:
            self._working += 1
            if self._busy_since is None:
                self._busy_since = time.monotonic()

    def _stop(self) -> None:
        with self._lock:
            self._working -= 1
            if self._working == 0 and self._busy_since is not None:
                self._tally.busy_s += time.monotonic() - self._busy_since
                self._busy_since = None

    def snapshot(self) -> Tally:
        held = self._hands.held()
        with self._lock:
            now = time.monotonic()
            running_s = now - self._busy_since if self._busy_since is not None else 0.0
            return replace(
                self._tally, busy_s=self._tally.busy_s + running_s, age_s=now - self._ready_at, held=held
            )

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
