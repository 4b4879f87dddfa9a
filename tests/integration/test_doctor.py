"""The doctor as a user calls it: a process of its own, a home of its own, everything looked at."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import ROOT, earmark, environment
from small_disk import on_small_disk

from pipelines.doctor.checks import CHECKS

ALSO = {"schema", "vectors"}
"""What the check of the database finds beside itself."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="em-"))
    yield place
    earmark(place, "db", "stop")
    shutil.rmtree(place)


def test_the_demo_s_settings_are_well_here(home: Path) -> None:
    """Every check is told, models with their real text and vectors; nothing is wrong, exit code 0."""
    answer = earmark(home, "doctor", "--profile", "demo", "--json")
    document = answer.json
    wrong = [each for each in document["findings"] if each["level"] == "wrong"]
    assert wrong == [] and answer.code == 0 and document["ok"] is True
    names = {each["check"] for each in document["findings"]}
    assert names >= {check.name for check in CHECKS} and names - {check.name for check in CHECKS} <= ALSO
    said = {each["check"]: each["said"] for each in document["findings"]}
    assert "heard" in said["recogniser"] and "cosine" in said["embedding model"]
    assert "Postgres 18" in said["database"]
    assert all(each["remedy"] for each in document["findings"] if each["level"] != "ok")


def test_what_is_wrong_is_told_in_lines_and_ends_with_one(home: Path) -> None:
    """The default profile wants a card, and this machine has none."""
    answer = earmark(home, "doctor", "--only", "GPU", "--only", "pools", "--only", "Python")
    assert answer.code == 1, answer.err
    lines = answer.out.splitlines()
    assert any(line.startswith("WRONG") and "GPU" in line for line in lines)
    assert any(line.startswith("ok") and "Python" in line for line in lines)
    assert any("--device cpu" in line for line in lines)
    assert lines[-1] == "2 wrong, 0 warnings, 3 looked at"


def test_a_check_that_does_not_exist_is_refused(home: Path) -> None:
    """With the one that was meant."""
    answer = earmark(home, "doctor", "--only", "databse")
    assert answer.code == 2 and "did you mean database" in answer.err and answer.out == ""


def test_a_password_is_shown_nowhere(home: Path) -> None:
    """Not of the database, not of the proxy."""
    answer = earmark(
        home, "doctor", "--profile", "demo", "--only", "database", "--only", "cookies", "--json",
        DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/d", EARMARK_DOWNLOAD__PROXY="http://u:hunter2@127.0.0.1:1",
    )  # fmt: skip
    assert answer.code == 1 and "127.0.0.1:1" in answer.out
    assert "hunter2" not in answer.out + answer.err


@pytest.mark.parametrize("ballast", ["", "cat /dev/zero > $EARMARK_HOME/ballast 2>/dev/null; "])
def test_a_small_or_full_disk_is_named(home: Path, ballast: str) -> None:
    """A file system of eight megabytes, empty or without a free byte, under EARMARK_HOME."""
    place = home / "small"
    doctor = f"{sys.executable} {ROOT / 'run.py'} doctor --profile demo --only disk"
    done = on_small_disk(place, "8m", ["bash", "-c", f"cd /; {ballast}{doctor}"], environment(place))
    assert done.returncode == 1, done.stderr
    assert (
        done.stdout.startswith("WRONG") and "0.0 GiB free" in done.stdout and "Free some space" in done.stdout
    )


def test_a_home_that_cannot_be_made_is_named(home: Path) -> None:
    """Below a file."""
    (home / "file").write_text("")
    answer = earmark(
        home, "doctor", "--profile", "demo", "--only", "disk", EARMARK_HOME=str(home / "file" / "home")
    )
    assert answer.code == 1 and "can't be made" in answer.out


def test_a_cluster_that_cannot_be_joined_is_named(home: Path) -> None:
    """Nobody listens there, and it is said at once: Ray itself tries for minutes."""
    answer = earmark(
        home, "doctor", "--profile", "demo", "--only", "cluster", "--set", "ray.address=127.0.0.1:1", "--json"
    )
    (found,) = answer.json["findings"]
    assert answer.code == 1 and found["level"] == "wrong" and "127.0.0.1:1" in found["said"]
