"""What waits before each stage, as Ray Data sees it: the only place that looks into its executor.

Ray Data tells queues and pools once a second at best, and to Prometheus only; the executor runs in the driver's
process, so its step reads them at no cost worth naming.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # two seconds to import, and commands that print a run's figures ask for these shapes alone
    from ray.data._internal.execution.interfaces import PhysicalOperator
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

EVERY_S = 0.5
"""Steps nearer to each other than this are one look."""


@dataclass(frozen=True, slots=True)
class QueueSight:
    """A stage's queue and pool at one moment."""

    undispatched: int = 0
    """Rows that no actor was given yet. Where an actor stands idle before them it is held back."""
    in_flight: int = 0
    """Rows given to actors, the ones being worked on included."""
    actors: int = 0
    """How large Ray Data wants its pool: actors that work, that are starting, and that died and are started again."""
    members: frozenset[str] = frozenset()
    """Ids of these actors."""
    line: int = 0
    """Which execution it is of: one that is driven anew has pools of its own."""


class Queues:
    """The latest look; written by Ray Data's thread, read by the watcher's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: Mapping[str, QueueSight] = {}
        self._at = 0.0
        self._line = 0

    def look(self, executor: "StreamingExecutor") -> None:
        now = time.monotonic()
        if now - self._at < EVERY_S:
            return
        self._at = now
        seen = {}
        for operator, state in (executor._topology or {}).items():
            pool = operator.get_actor_info()
            seen[_stage(operator.name)] = QueueSight(
                state.total_enqueued_input_blocks(), pool.tasks_in_flight,
                pool.running + pool.restarting + pool.pending, _members(operator), self._line,
            )  # fmt: skip
        with self._lock:
            self._seen = seen

    def forget(self) -> None:
        """The execution is over."""
        with self._lock:
            self._seen = {}
            self._line += 1

    def seen(self) -> Mapping[str, QueueSight]:
        """By stage; empty while nothing is driven."""
        with self._lock:
            return self._seen


queues = Queues()
"""One for the process: Ray Data makes its callbacks itself (``queue_watch.py``), and a driver drives one line at a time."""


def _members(operator: "PhysicalOperator") -> frozenset[str]:
    """Ids of the actors of its pool, as an actor knows its own."""
    pools: list[Any] = operator.get_autoscaling_actor_pools()  # that has numbers alone for its public face
    handles = (each for pool in pools for each in (*pool._running_actors, *pool._pending_actors.values()))
    return frozenset(handle._actor_id.hex() for handle in handles)


def _stage(operator: str) -> str:
    """``FlatMap(Transcribe)`` is the stage ``Transcribe``."""
    return operator.partition("(")[2].rstrip(")") or operator
