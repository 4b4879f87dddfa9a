"""The file by which Prometheus finds a run: there while the run goes on, and whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.scrape_target import scrape_target


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


def test_what_a_killed_run_left_goes_and_a_users_own_file_stays(tmp_path: Path) -> None:
    """By the process id in its name."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale = tmp_path / f"earmark-run-8_{gone.pid}.json"
    others = tmp_path / f"earmark-run-9_{os.getppid()}.json"
    own = tmp_path / "my-exporter.json"
    for path in (stale, others, own):
        path.write_text("[]")
    with scrape_target(tmp_path, "earmark-run-1", "127.0.0.1:4000"):
        assert not stale.exists() and others.exists() and own.exists()
