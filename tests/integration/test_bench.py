"""The benchmark runs: three arrangements of the same work, which come to the same result."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a short simulated run prints, and its document."""
    out = tmp_path_factory.mktemp("bench") / "figures.json"
    command = [
        sys.executable,
        "-m",
        "tests.bench",
        "--form",
        "simulated",
        "--speeds",
        "2000",
        "--hours",
        "0.1",
    ]
    done = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("EARMARK_")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (document,) = json.loads(out.read_text())
    return done.stdout, document


@pytest.mark.long
def test_all_sides_handle_the_same_audio(told: tuple[str, dict[str, Any]]) -> None:
    """Engine alone, line and phases end with the same videos and, within a percent, the same speech."""
    _, document = told
    sides = {side["side"]: side for side in document["sides"]}
    assert set(sides) == {"a", "b", "c"}
    assert {side["n_videos"] for side in sides.values()} == {document["n_videos"]}
    assert document["n_videos"] >= 5
    for side in sides.values():
        assert side["speech_s"] == pytest.approx(sides["a"]["speech_s"], rel=0.01)
        assert 0.7 < side["speech_s"] / side["audio_s"] < 0.95
        assert side["work_s"] > 0
        assert side["start_up_s"] > 0
    assert document["faults"] == []


@pytest.mark.long
def test_ratios_stages_and_the_word_simulation_are_printed(told: tuple[str, dict[str, Any]]) -> None:
    """What a person looks for stands there; the figures themselves are not judged here."""
    printed, document = told
    assert "SIMULATION" in printed
    assert f"b/a  {document['line_efficiency']:.3f}" in printed
    assert f"b/c  {document['advantage_over_phases']:.2f}" in printed
    stages = {stage["name"]: stage for side in document["sides"] for stage in side["stages"]}
    assert stages["Store"]["items"] == document["n_videos"]
    assert all(stage["failed"] == 0 for stage in stages.values())
    assert f"binds: {document['binds']}" in printed


def test_stored_ids_are_passed_over() -> None:
    """The program that times it comes to its end, with all of them passed over; the time isn't judged here."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.passing", "--ids", "2500"],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert "2500 ids passed over" in done.stdout, done.stderr
    assert "(2500 stored already, exit 0)" in done.stdout
