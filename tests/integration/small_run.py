"""Runs the small line in a process of its own, and tells how that ended."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from command import ROOT, environment

from actors.store.database import Database
from actors.store.status import videos

ENDED = "ended.json"
GONE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Ended:
    """How a run of the small line ended."""

    exit_code: int
    code: str | None
    reason: str
    remedy: str
    said: str
    by_id: dict[str, Any]
    """Rows of the ledger."""
    left: list[str]
    """Processes that the run left behind."""


def drive_small_line(home: Path, database_url: str, names: list[str], **asked: object) -> Ended:
    """
    Args:
        home: an empty directory, its path short.
        names: ids of the videos; they say what each does (``small_stages.py``).
        asked: ``settings`` and ``variant``, as ``small_line.py`` takes them.
    """
    ended = home / ENDED
    done = subprocess.run(
        command(home, database_url, names, **asked), cwd=ROOT, env=environment(home), capture_output=True, text=True,
        timeout=280, check=False,
    )  # fmt: skip
    left = lingering(home)
    told = json.loads(ended.read_text()) if ended.exists() else {"code": "", "reason": "", "remedy": ""}
    with Database(database_url) as database:
        by_id = {video.id: video for video in videos(database)}
    return Ended(
        done.returncode, told["code"], told["reason"], told["remedy"], done.stderr, by_id,
        left,
    )  # fmt: skip


@contextmanager
def small_line(
    home: Path, database_url: str, names: list[str], **asked: object
) -> Iterator[subprocess.Popen[bytes]]:
    """The same while something else goes on; whatever is left of it is killed on leaving."""
    running = subprocess.Popen(
        command(home, database_url, names, **asked), cwd=ROOT, env=environment(home), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        end_all(home)


def command(home: Path, database_url: str, names: list[str], **asked: object) -> list[str]:
    document = {"url": database_url, "videos": names, "ended": str(home / ENDED), **asked}
    return [sys.executable, "-m", "tests.integration.small_line", json.dumps(document)]


def lingering(home: Path) -> list[str]:
    """Command lines of what a run left behind, which is ended: Ray's processes are given a moment to see that
    their node is gone."""
    _, alive = psutil.wait_procs(processes_of(home), timeout=GONE_WITHIN_S)
    told = []
    for process in alive:
        with suppress(psutil.NoSuchProcess):  # gone after all
            told.append(" ".join(process.cmdline()))
            process.kill()
    return told


def end_all(home: Path) -> None:
    """Kill what has this home, but the database, whose processes know nothing of it. One that was starting another may be
    gone before that is there, so it is looked for again."""
    while family := processes_of(home):
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _, alive = psutil.wait_procs(family, timeout=2 * GONE_WITHIN_S)
        assert not alive, alive


def processes_of(home: Path) -> list[psutil.Process]:
    """Ray's workers rename themselves, but everything that a run starts inherits its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("EARMARK_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found
