"""MPS by its programs, which are played by a script here: started, used, ended."""

import os
from pathlib import Path

import pytest

from cluster import mps

SCRIPT = """#!/bin/sh
case "$1" in
  -d) [ -z "$BROKEN" ] || { echo "MPS can't be had on this card" >&2; exit 1; }
      echo $$ > "$CUDA_MPS_PIPE_DIRECTORY/nvidia-cuda-mps-control.pid"; echo "began $CUDA_MPS_PIPE_DIRECTORY" >> "$NOTES" ;;
  *) read order; echo "$order" >> "$NOTES" ;;
esac
"""


@pytest.fixture
def notes(tmp_path, monkeypatch) -> Path:
    """The script is the control program; gives the file in which it notes what it was told."""
    program = tmp_path / mps.CONTROL
    program.write_text(SCRIPT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv(mps.PIPES, str(tmp_path / "nobody's"))
    return tmp_path / "notes"


def test_one_of_our_own_lives_as_long_as_it_is_needed(notes: Path) -> None:
    """Processes are led to it by their environment; it is told to quit, and its directory goes."""
    assert mps.can_be_had() and not mps.is_running()
    with mps.shared(True) as variables:
        folder = Path(variables[mps.PIPES])
        assert notes.read_text().splitlines() == [f"began {folder}"]
    assert notes.read_text().splitlines()[-1] == "quit" and not folder.exists()


def test_without_it_processes_are_led_past_one_that_runs(notes: Path) -> None:
    """Into a directory without a daemon; nothing is started."""
    with mps.shared(False) as variables:
        assert list(Path(variables[mps.PIPES]).iterdir()) == []
    assert not notes.exists()


def test_one_that_runs_already_is_used_and_left(notes: Path, tmp_path, monkeypatch) -> None:
    """Its process is there; one that died left its number and doesn't count."""
    pipes = tmp_path / "theirs"
    pipes.mkdir()
    monkeypatch.setenv(mps.PIPES, str(pipes))
    (pipes / f"{mps.CONTROL}.pid").write_text("999999999")
    assert not mps.is_running()
    (pipes / f"{mps.CONTROL}.pid").write_text(f"{os.getpid()}\n")
    assert mps.is_running()
    with mps.shared(True) as variables:
        assert variables == {}
    assert not notes.exists()


def test_what_it_says_when_it_fails_is_kept(notes: Path, monkeypatch) -> None:
    """Its words become the reason of the row."""
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(mps.MpsTrouble, match="can't be had on this card"), mps.shared(True):
        pass


def test_a_machine_without_its_program_has_none(monkeypatch, tmp_path) -> None:
    """And starting it is an error, not a shrug."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(mps.PIPES, str(tmp_path / "nobody's"))
    assert not mps.can_be_had()
    with pytest.raises(mps.MpsTrouble), mps.shared(True):
        pass
