"""``run.py plan`` on hardware that isn't there: what is printed is what a run would use."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cluster.figures import CARDS
from cluster.resources import GIB, Gpu, Hardware, plan_pools
from configs.load import load_settings
from pipelines.plan_words import verdict
from run import main

SPEECH = Path(__file__).parents[2] / "configs/demo/speech"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home without a database, and no .env."""
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plan", *arguments])


def document(*arguments: str):
    result = plan(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("card", CARDS)
def test_what_is_planned_is_what_a_run_does(card):
    """The pools are those of ``plan_pools``, on every card of the table."""
    found = document("--gpu", card, "--cpus", "16", "--hours", "100")
    hardware = Hardware(16, (Gpu(CARDS[card].name, round(CARDS[card].memory_gib * GIB)),))
    pools = plan_pools(load_settings("balanced", env_file=None), hardware)
    assert found["pools"]["Transcribe"]["at_most"] == pools.n_transcribers
    assert found["pools"]["Transcribe"]["gpu_share_each"] == pools.transcribe_gpu_share
    assert found["notes"] == list(pools.notes)
    assert {"limit", "speed_h_per_h", "stages", "memory"} <= set(found)
    assert found["speed_h_per_h"] == min(limit["speed_h_per_h"] for limit in found["limits"])
    assert found["memory"]["used_gib"] <= found["memory"]["card_gib"]


def test_short_videos_are_bound_by_youtube_and_long_ones_by_the_card():
    """240 videos an hour of ten minutes are 40 h/h, whatever the card; of two hours they are 480."""
    short = document(
        "--gpu", "rtx5080", "--cpus", "16", "--hours", "10", "--video-minutes", "10", "--mbit", "500"
    )
    long = document(
        "--gpu", "rtx5080", "--cpus", "16", "--hours", "10", "--video-minutes", "120", "--mbit", "500"
    )
    assert (short["limit"], short["speed_h_per_h"]) == ("youtube", 40.0)
    assert long["limit"] == "gpu" and 100 < long["speed_h_per_h"] < 150
    assert short["own"] == long["limit"]


def test_the_end_is_told_by_the_clock():
    """Start, audio and speed make the time; the sentence names limit, speed and day."""
    found = document("--gpu", "rtx5080", "--cpus", "16", "--hours", "100", "--video-minutes", "10")
    expected_s = found["starting_s"] + 100 / found["speed_h_per_h"] * 3600
    assert found["seconds"] == pytest.approx(expected_s, rel=1e-3)
    took = datetime.fromisoformat(found["done_at"]) - datetime.fromisoformat(found["planned_at"])
    assert took.total_seconds() == pytest.approx(found["seconds"], abs=2)
    said = verdict(found)
    day = datetime.fromisoformat(found["done_at"])
    assert said.startswith("The GPU could do") and "YouTube's budget allows 40" in said
    assert said.endswith(f"done {day:%A %H:%M}")


def test_text_names_pools_memory_stages_limit_and_end():
    """What a person looks for, on standard output."""
    out = plan("--gpu", "rtx5080", "--cpus", "16", "--hours", "100").stdout
    for words in (
        "16 cores, NVIDIA GeForce RTX 5080 (as given)", "Transcribe 2 × 0.375 GPU", "2 of 4 ASR workers",
        "2 × ASR worker with its CUDA context 3.4", "embedding model 3.8", "voice model (ECAPA) 2.5",
        "estimated: ", "measured elsewhere: ", "YouTube's budget", "done ",
    ):  # fmt: skip
        assert words in out, words


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--gpu", "none"), "--device cpu"),
     (("--gpu", "rtx5080", "--set", "transcribe.model=large-v3", "--set", "transcribe.gpu_share=0.9"), "exceed one GPU"),
     (("--hours", "0"), "--hours"), (("x", "--hours", "3"), "not both"), (("--gpu", "rtx9090"), "rtx9090"),
     (("--cpus", "0"), "--cpus")],
)  # fmt: skip
def test_a_plan_that_does_not_fit_is_refused_with_what_to_change(arguments, says):
    """Exit code 2, as a run with these settings would end."""
    result = plan(*arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr and result.stdout == ""


def test_files_are_measured_by_their_headers(home):
    """The talks that ship: their lengths are known without fetching, and nothing is written."""
    found = document(str(SPEECH), "--profile", "demo", "--gpu", "none")
    lengths = sum(talk["duration_s"] for talk in talks())
    assert found["amount"]["audio_h"] == pytest.approx(lengths / 3600, rel=0.02)
    assert (found["amount"]["length_unknown"], found["amount"]["youtube_share"]) == (0, 0.0)
    assert "youtube" not in {limit["limit"] for limit in found["limits"]}
    assert not home.exists()


def talks():
    return json.loads((SPEECH / "talks.json").read_text())["talks"]


def test_a_source_that_cannot_be_meant_is_named_and_the_rest_planned():
    """Exit code 1, as ``ingest --dry-run`` has it."""
    result = plan(str(SPEECH), "no-such-file.mp3", "--profile", "demo", "--gpu", "none", "--json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert [each["code"] for each in found["amount"]["refused"]] == ["no_file"]
    assert found["amount"]["videos"] == len(talks())
