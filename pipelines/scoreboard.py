"""Who is busy: each stage's actor counts what it does, one small actor keeps the latest counts.

Ray Data's own actor gauges stand still while a long row is worked on, so the counts come from inside
the stages and are sent by a thread of theirs, whatever the row takes.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import ray
from ray.actor import ActorHandle

from actors.errors import EarmarkError

logger = logging.getLogger(__name__)

T = TypeVar("T")
INTERVAL_S = 1.0


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

    def figures(self) -> dict[str, float]:
        """What is kept of it."""
        return {
            "items": self.items, "failed": self.failed, "actors": self.actors,
            "busy_s": round(self.busy_s, 2), "blocked_s": round(self.blocked_s, 2),
            "age_s": round(self.age_s, 2), "audio_s": round(self.audio_s, 2),
        }  # fmt: skip

    def __add__(self, other: "Tally") -> "Tally":
        mine, theirs = asdict(self), asdict(other)
        return Tally(**{key: mine[key] + theirs[key] for key in mine if key != "latest"}, latest=other.latest)


@dataclass
class Board:
    """What the scoreboard knows: tallies by stage and actor."""

    by_actor: dict[str, dict[str, Tally]] = field(default_factory=dict)
    began_at: float | None = None
    """When the first row was taken in hand, seconds since the epoch."""

    def stages(self) -> dict[str, Tally]:
        """The sum of each stage's actors, dead ones too: what they did still counts."""
        return {
            stage: sum(tallies.values(), Tally(actors=0))
            for stage, tallies in self.by_actor.items()
            if tallies
        }


# Two calls a row, which nobody looks up in the dashboard: no events of them. (Ray's types don't know that option.)
@ray.remote(num_cpus=0, max_restarts=-1, enable_task_events=False)  # type: ignore[call-overload]
class Scoreboard:
    """Keeps the latest tally of every actor of a run."""

    def __init__(self) -> None:
        self._board = Board()
        self._refusal: EarmarkError | None = None

    def refuse(self, error: EarmarkError) -> None:
        """An actor says why it can't join the line; Ray would tell it as text in a traceback."""
        self._refusal = error

    def refusal(self) -> EarmarkError | None:
        return self._refusal

    def report(self, stage: str, actor: str, tally: Tally) -> None:
        self._board.by_actor.setdefault(stage, {})[actor] = tally
        if self._board.began_at is None and (tally.in_hand or tally.items):
            self._board.began_at = time.time()

    def read(self) -> Board:
        return self._board


class Meter:
    """One actor's tally, sent to the scoreboard once a second. Safe to use from several threads."""

    def __init__(self, stage: str, scoreboard: ActorHandle[Any]) -> None:
        self._stage = stage
        self._scoreboard = scoreboard
        self._actor = ray.get_runtime_context().get_actor_id() or "task"
        self._lock = threading.Lock()
        self._tally = Tally()
        self._ready_at = time.monotonic()
        self._busy_since: float | None = None
        self._working = 0
        threading.Thread(target=self._send_forever, name="meter", daemon=True).start()

    @contextmanager
    def item(self, label: str, audio_s: float) -> Iterator[None]:
        """One row, from the moment it is taken in hand to the moment it is done with."""
        with self._lock:
            self._tally.in_hand += 1
            self._tally.latest = label
        self._send()
        try:
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
        with self._lock:
            now = time.monotonic()
            running_s = now - self._busy_since if self._busy_since is not None else 0.0
            return replace(self._tally, busy_s=self._tally.busy_s + running_s, age_s=now - self._ready_at)

    def _send_forever(self) -> None:
        while self._send():
            time.sleep(INTERVAL_S)

    def _send(self, *, wait: bool = False) -> bool:
        try:
            sent: Any = self._scoreboard.report.remote(self._stage, self._actor, self.snapshot())
            if wait:
                ray.get(sent)
        except (ray.exceptions.RayError, RuntimeError) as error:  # the cluster is going down
            logger.debug("no scoreboard to report to: %s", error)
            return False
        return True
