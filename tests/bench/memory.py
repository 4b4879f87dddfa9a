"""What a run holds at one moment: memory by kind of process, rows in flight, connections, files.

Owns finding the run's processes and reading the kernel's figures of them. Judges nothing. Memory is
counted as USS: what would be free if the process ended. Resident memory counts Ray's object store and
Postgres's buffers once for each process that looked at them.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_ACTOR = re.compile(r"ray::\w*MapWorker\((?:FlatMap\()?(\w*)")
_PINNED = re.compile(r"^- pinned objects size: (\d+)$", re.MULTILINE)
_SERVED_TITLE = re.compile(r"^ray::(\w+)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Bytes unless a name says otherwise."""

    at_s: float
    """Since the watch began."""
    n_settled: int
    """Videos that had come to an end."""
    memory: dict[str, int]
    """USS by group: ``driver``, ``actors``, ``database``, ``ray``."""
    parts: dict[str, int] = field(default_factory=dict)
    """USS by what the processes host: ``actors/Download``, ``ray/raylet`` …"""
    processes: dict[str, int] = field(default_factory=dict)
    object_store: int = 0
    """Rows in Ray's shared memory, as its raylet reports them every ten seconds."""
    connections: int = 0
    temporary_files: int = 0


def group_of(title: str) -> tuple[str, str]:
    """Group and name of a process below the driver, by its command line.

    Ray names a worker after what it hosts: ``ray::MapWorker(FlatMap(Prefilter)).submit``; one without work is
    ``ray::IDLE``.
    """
    worker = _ACTOR.match(title)
    if worker:
        return "actors", worker[1] or "unnamed"
    other = _SERVED_TITLE.match(title)
    return ("ray", f"worker {other[1]}") if other else ("ray", _program(title))


def _program(title: str) -> str:
    for known in ("gcs_server", "raylet", "dashboard/dashboard.py", "runtime_env", "agent", "log_monitor"):
        if known in title:
            return known
    return "other"


class Watch:
    """Looks at one run.

    Args:
        driver: process id of ``run.py``.
        postmaster: process id of its embedded database.
        folders: where temporary files of the run may lie.
        ray_dir: where Ray has its sessions.
    """

    def __init__(self, driver: int, postmaster: int, folders: Sequence[Path], ray_dir: Path) -> None:
        self._driver, self._postmaster = psutil.Process(driver), psutil.Process(postmaster)
        self._folders, self._ray_dir = folders, ray_dir
        self._began_at = time.monotonic()

    def look(self, n_settled: int, connections: int) -> Sample:
        memory: Counter[str] = Counter({"driver": 0, "actors": 0, "database": 0, "ray": 0})
        parts: Counter[str] = Counter()
        processes: Counter[str] = Counter()
        for group, name, process in self._processes():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it ends as we look, or is a zombie
                used = process.memory_full_info().uss
                memory[group] += used
                processes[group] += 1
                parts[f"{group}/{name}"] += used
        return Sample(
            time.monotonic() - self._began_at, n_settled, dict(memory), dict(parts), dict(processes),
            rows_in_store(self._ray_dir), connections, len(list(files_below(self._folders))),
        )  # fmt: skip

    def _processes(self) -> Iterator[tuple[str, str, psutil.Process]]:
        with suppress(psutil.NoSuchProcess):
            yield "driver", "driver", self._driver
            for process in self._driver.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    yield *group_of(" ".join(process.cmdline())), process
        yield "database", "database", self._postmaster
        for process in self._postmaster.children(recursive=True):
            yield "database", "database", process


def rows_in_store(ray_dir: Path) -> int:
    """Bytes of objects that the raylet of the newest session holds; 0 before its first report."""
    reports = sorted(ray_dir.glob("session_2*/logs/debug_state.txt"))
    found = _PINNED.search(reports[-1].read_text(encoding="utf-8", errors="replace")) if reports else None
    return int(found[1]) if found else 0


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """Files in these folders and below; a folder that isn't there holds none."""
    for folder in folders:
        with suppress(FileNotFoundError):  # they come and go as we look
            yield from (path for path in folder.rglob("*") if not path.is_dir())
