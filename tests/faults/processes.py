"""A run as processes: the command, what it started, and which of Ray's actors works for which stage.

Owns starting, looking and signals. Knows nothing of what the run works on.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.waiting import until

ROOT = Path(__file__).parents[2]
LOOK_S = 0.2


class RunningCommand:
    """``run.py`` with these arguments, the leader of a session and a process group of its own.

    What it says goes to files in ``logs``: a pipe would fill up, and would be held open by orphans.
    """

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], directory: Path, logs: Path) -> None:
        logs.mkdir(parents=True)
        self.out, self.err = logs / "out.txt", logs / "err.txt"
        self.began_at = time.monotonic()
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._popen = subprocess.Popen(
                [sys.executable, str(ROOT / "run.py"), *arguments], cwd=directory, env=dict(env), stdout=out,
                stderr=err, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._driver = psutil.Process(self._popen.pid)
        self._seen: set[psutil.Process] = set()

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.began_at

    @property
    def exit_code(self) -> int | None:
        return self._popen.poll()

    def wait(self, limit_s: float) -> int | None:
        """The exit code, or ``None`` where it doesn't end."""
        deadline = time.monotonic() + limit_s
        while self.exit_code is None and time.monotonic() < deadline:
            self.family()
            time.sleep(LOOK_S)
        return self.exit_code

    def family(self) -> list[psutil.Process]:
        """Everything below the driver now; what was once seen is remembered for ``orphans``."""
        with suppress(psutil.NoSuchProcess):
            found = self._driver.children(recursive=True)
            self._seen.update(found)
            return found
        return []

    def actors(self, stage: str) -> list[tuple[psutil.Process, bool]]:
        """A stage's processes, and whether each has a row in hand: Ray says so in their titles."""
        title_of = "ray::ReadClaim" if stage == "Claim" else f"ray::MapWorker(FlatMap({stage}))"
        return [
            (process, title in ("ray::ReadClaim", f"{title_of}.submit"))
            for process, title in self._titles()
            if title.startswith(title_of)
        ]

    def raylet(self) -> psutil.Process | None:
        return next((process for process in self.family() if _name(process) == "raylet"), None)

    def _titles(self) -> Iterator[tuple[psutil.Process, str]]:
        for process in self.family():
            with suppress(psutil.Error):
                yield process, " ".join(process.cmdline()).strip()

    def signal(self, number: int) -> None:
        """To the driver alone."""
        with suppress(ProcessLookupError):
            os.kill(self._popen.pid, number)

    def ctrl_c(self) -> None:
        """To the whole process group, as a terminal does."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGINT)

    def kill_everything(self) -> None:
        """The driver and all that it started, at once: the driver first, or it would see the others die."""
        for process in [self._driver, *self.family()]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def orphans(self, limit_s: float) -> list[str]:
        """Titles of what still lives of the run's processes after a while to end in; they are ended then."""
        alive = self._seen
        until(lambda: not [p for p in alive if _lives(p)], limit_s)
        left = [process for process in alive if _lives(process)]
        titles = []
        for process in left:
            with suppress(psutil.Error):
                titles.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
                process.kill()
        return titles


def _name(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return process.name()
    return ""


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
