"""The file by which Prometheus finds a run: there while the run goes on, and whole."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.scrape_target import scrape_target

HOLD = """\
import sys, time
from pathlib import Path
from cluster.scrape_target import scrape_target

with scrape_target(Path(sys.argv[1]), "earmark-run-8", "127.0.0.1:4008") as target:
    print(target, flush=True)
    time.sleep(600)
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def other_run(tmp_path: Path):
    """A run in a process of its own, and the file that it wrote."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait()
    process.stdout.close()


def test_prometheus_is_told_and_untold(tmp_path: Path) -> None:
    """Two runs beside each other don't touch each other's."""
    folder = tmp_path / "metrics"
    with scrape_target(folder, "earmark-run-1", "127.0.0.1:4000") as first:
        with scrape_target(folder, "earmark-run-2", "127.0.0.1:4001"):
            assert len(list(folder.iterdir())) == 2
        assert list(folder.iterdir()) == [first]
        assert json.loads(first.read_text()) == [{"targets": ["127.0.0.1:4000"], "labels": {"job": "ray"}}]
    assert list(folder.iterdir()) == []


def test_a_run_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """Whatever ends the block."""
    with pytest.raises(KeyboardInterrupt), scrape_target(tmp_path, "earmark-run-1", "127.0.0.1:4000"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_and_a_living_one_stays(
    tmp_path: Path, other_run: tuple[subprocess.Popen[str], Path]
) -> None:
    """By the lock that dies with its process."""
    process, target = other_run
    with scrape_target(tmp_path, "earmark-run-1", "127.0.0.1:4000"):
        assert target.exists()
    process.kill()
    process.wait()
    assert target.exists()
    with scrape_target(tmp_path, "earmark-run-1", "127.0.0.1:4000") as own:
        assert list(tmp_path.iterdir()) == [own]


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    """A bug: whatever ended in a number that was no process here went, a user's exporter by its port and the living
    runs of other hosts. And what a killed run left stayed, where its number was given to another process."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = socket.gethostname().replace("_", "-")
    stale = tmp_path / f"earmark-run-8_{here}_{os.getppid()}.json"
    others = [
        tmp_path / name
        for name in (
            "my-exporter.json",
            f"node_exporter_{gone.pid}.json",
            f"earmark-{here}_{gone.pid}.json",
            f"earmark-run-9_another{here}_{gone.pid}.json",
            f"earmark-run-9_another_{here}_{gone.pid}.json",
            f"earmark-run-9_{here}.json",
        )
    ]
    for path in (stale, *others):
        path.write_text("[]")
    with scrape_target(tmp_path, "earmark-run-1", "127.0.0.1:4000"):
        assert not stale.exists()
        assert all(path.exists() for path in others)
