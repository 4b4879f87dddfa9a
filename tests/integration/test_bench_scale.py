"""The benchmark of scale runs: each part comes to its end on a small scale. Its figures are not judged here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.scale.arithmetic import KINDS

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]


def measured(tmp_path: Path, part: str, *options: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, what was printed, and the part's document."""
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.scale", "--part", part, *options, "--out", str(out)],
        cwd=ROOT, capture_output=True, text=True, timeout=450, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("EARMARK_")},
    )  # fmt: skip
    assert out.exists(), done.stdout + done.stderr
    return done.returncode, done.stdout, json.loads(out.read_text())[part]


def test_recognisers_each_book_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    """The line stores all with two of them, and what one does alone stands beside it."""
    code, printed, document = measured(
        tmp_path, "workers", "--workers", "2", "--speed", "400", "--seconds", "2"
    )
    assert code == 0 and document["faults"] == [], printed
    (two,) = document["workers"]
    transcribe = next(stage for stage in two["line"]["stages"] if stage["name"] == "Transcribe")
    assert (two["n"], transcribe["actors"]) == (2, 2)
    assert 0 < two["alone_h_per_h"] <= 401 and 0 < two["efficiency"] < 1
    assert "2 workers" in printed


def test_a_long_video_among_short_ones_has_an_ideal(tmp_path: Path) -> None:
    """All are stored, and the parts of the long one's chain are known."""
    _, printed, document = measured(tmp_path, "tail", "--long", "0.2", "--short", "10", "--tail-speed", "500")
    assert (document["n_stored"], document["n_videos"]) == (11, 11), printed
    assert min(document["chain"].values()) > 0 and document["ratio"] > 1
    assert "which is" in printed


def test_ids_stream_through(tmp_path: Path) -> None:
    """Those with media are stored, all others skipped, and the moments come in their order."""
    _, printed, document = measured(tmp_path, "ids", "--ids", "400")
    assert document["ended"] == {"stored": 20, "skipped": 380}, printed
    assert 0 < document["asked_s"] < document["ready_s"] < document["first_slice_s"] <= document["last_s"]
    assert document["exit_code"] == 0 and document["samples"]


def test_every_rate_is_measured_and_reckoned_with(tmp_path: Path) -> None:
    """With two connections; what a thousand GPUs would need stands beside it."""
    code, printed, document = measured(tmp_path, "rates", "--connections", "2")
    assert code == 0, printed
    assert {rate["kind"] for rate in document["rates"]} == set(KINDS)
    assert all(rate["per_s"] > 0 for rate in document["rates"])
    assert min(document["best"].values()) > 0
    assert "breaks first: " in printed and len(document["loads"]) == 9
