"""A command that is told to end before its work has begun: it says so, and holds nothing."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from actors.store.embedded import ensure_server, stop_server
from tests.faults.processes import ROOT
from tests.waiting import until

START_LIMIT_S = 120.0


@pytest.fixture
def home() -> Iterator[Path]:
    """A home whose database runs."""
    with tempfile.TemporaryDirectory(prefix="em-") as name:
        try:
            yield Path(name)
        finally:
            stop_server(Path(name) / "postgres")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_sources_are_still_read_ends_it_as_interrupted(home: Path, number: int) -> None:
    """Sources come from a pipe that stays open; the run is entered, and is closed again. Exit code 130."""
    url = ensure_server(home / "postgres")
    command = [sys.executable, str(ROOT / "run.py"), "ingest", "--from", "-", "--profile", "demo"]
    env = {**os.environ, "EARMARK_HOME": str(home)}
    with subprocess.Popen(
        command, cwd=home, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert until(lambda: _n_runs(url, "outcome is null") == 1, START_LIMIT_S), "it never began"
        process.send_signal(number)
        process.wait(60)  # before the pipe is closed: the end of the sources would end it too
        said, _ = process.communicate()
    assert process.returncode == 130
    assert "Stopped. What was finished is kept; the same command goes on from here." in said.decode()
    assert _n_runs(url, "outcome is null") == 0


def _n_runs(url: str, which: str) -> int:
    with suppress(psycopg.errors.UndefinedTable), psycopg.connect(url) as connection:
        row = connection.execute(f"select count(*) from runs where {which}").fetchone()
        return int(row[0]) if row else 0
    return 0
