"""Worker processes that are all ready before the clock starts, and gone when the block ends.

Owns processes, their start and the limit of their work. Doesn't know what they do.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier
from typing import Any, Protocol

START_LIMIT_S = 300.0

Work = Callable[[Any], Any]


class Opener(Protocol):
    """Sent to each process, where it loads what the work needs."""

    def open(self) -> Work: ...


class Crew:
    """Processes that wait for tasks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def do(self, tasks: Sequence[Any], limit_s: float) -> list[Any]:
        """Each task done by whoever is free, results in the order of the tasks.

        Raises:
            multiprocessing.TimeoutError: it takes longer than ``limit_s`` seconds; also where a process died.
        """
        return self._pool.map_async(_do, tasks, chunksize=1).get(limit_s)


@contextmanager
def crew(n_workers: int, opener: Opener) -> Iterator[Crew]:
    """Start processes and wait until each has opened its work.

    Raises:
        threading.BrokenBarrierError: one of them could not; it has written why to standard error.
    """
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(n_workers + 1)
    with context.Pool(n_workers, _begin, (opener, ready)) as pool:
        ready.wait(START_LIMIT_S)
        yield Crew(pool)


def ignore_interrupt() -> None:
    """Ctrl-C reaches every process of the terminal; the benchmark ends its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_work: list[Work] = []


def _begin(opener: Opener, ready: Barrier) -> None:
    ignore_interrupt()
    try:
        _work.append(opener.open())
    except BaseException:
        ready.abort()
        raise
    ready.wait(START_LIMIT_S)


def _do(task: Any) -> Any:
    return _work[0](task)
