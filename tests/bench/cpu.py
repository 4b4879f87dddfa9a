"""How busy this machine's cores were between two moments."""

import threading
import time
from types import TracebackType
from typing import Self

import psutil

EVERY_S = 0.5


class CpuLog:
    """Notes the machine's CPU times while its ``with`` block runs."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float, float]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cpu-log", daemon=True)

    def __enter__(self) -> Self:
        self._note()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def share(self, start: float, end: float) -> float:
        """Share of all cores' time that was used from ``start`` to ``end`` (Unix seconds), 0 to 1."""
        self._note()
        first = min(self._seen, key=lambda seen: abs(seen[0] - start))
        last = min(self._seen, key=lambda seen: abs(seen[0] - end))
        whole = last[2] - first[2]
        return (last[1] - first[1]) / whole if whole > 0 else 0.0

    def _watch(self) -> None:
        while not self._done.wait(EVERY_S):
            self._note()

    def _note(self) -> None:
        times = psutil.cpu_times()
        # guest times are contained in user times, on Linux
        whole = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        self._seen.append((time.time(), whole - idle, whole))
