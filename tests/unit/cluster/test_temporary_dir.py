"""The temporary directory that a run gives to Ray's processes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cluster.connect import TEMPORARY, temporary_dir
from cluster.switches import set_switches


def test_whoever_starts_inside_writes_into_the_runs_own_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private, and this process's own choice stays what it was."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = tempfile.gettempdir()
    with temporary_dir(tmp_path) as folder:
        code = "import tempfile; print(tempfile.gettempdir())"
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == str(folder)
        assert folder.stat().st_mode & 0o077 == 0
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (before, str(tmp_path))


def test_what_a_killed_run_left_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    """Told apart by the process id in the name."""
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    killed, living = tmp_path / f"{TEMPORARY}{gone.pid}", tmp_path / f"{TEMPORARY}{os.getppid()}"
    for folder in (killed, living):
        folder.mkdir()
        (folder / "left").touch()
    with temporary_dir(tmp_path):
        assert not killed.exists()
        assert (living / "left").exists()


def test_nothing_below_a_run_reports_to_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray, ONNX Runtime and the model hub are told so before they are loaded; workers inherit it."""
    names = ("RAY_USAGE_STATS_ENABLED", "ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    set_switches()
    found = {name: os.environ[name] for name in names}
    for name in names:
        monkeypatch.delenv(name)
    assert found == dict(zip(names, ("0", "1", "1"), strict=True))
