"""``tune`` with the real recogniser and real processes: measured, kept, shown, and used by ``plan``."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from command import ROOT, Answer, earmark, environment
from small_run import processes_of

from actors.errors import ConfigError
from actors.store.embedded import stop_server
from actors.store.tunings import TuningKey, keep_tuning, kept_tunings
from cluster.hardware import find_hardware
from configs.load import load_settings
from pipelines.outcome import hardware_document
from pipelines.sample import packed, take_sample
from pipelines.tuning_crew import Job, perform
from pipelines.tuning_worker import put_down
from tests.waiting import until

pytestmark = pytest.mark.timeout(400)

DEMO = ("--profile", "demo")
TALK = ROOT / "configs/demo/speech/match-in-ninety-seconds.flac"
SHORT = ("--audio", str(TALK), "--batch", "2", "--set", "prepare.slice_max_clips=2")
"""Slices of a minute, so that three seconds hold several."""
HERE = hardware_document(find_hardware())


@dataclass(frozen=True)
class Story:
    """A plan, two combinations that can be had and one that can't, what was kept, and plans with it."""

    before: Answer
    swept: Answer
    listed: Answer
    listed_as_json: Answer
    planned: Answer
    planned_auto: Answer
    planned_alone: Answer
    """With a number of recognisers that was not measured."""
    refused: Answer


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    plan = ("plan", "--set", "prepare.slice_max_clips=2", *DEMO, "--hours", "10", "--json")
    try:
        yield Story(
            before=earmark(home, *plan),
            swept=earmark(
                home, "tune", *SHORT, "--seconds", "3", "--actors", "2", "--beam", "5", "--compute-type", "int8,float16",
                *DEMO, "--json",
            ),
            listed=earmark(home, "tune", "--list", *DEMO),
            listed_as_json=earmark(home, "tune", "--list", *DEMO, "--json"),
            planned=earmark(home, *plan, "--set", "transcribe.actors=2"),
            planned_auto=earmark(home, *plan, "--set", "transcribe.actors=auto"),
            planned_alone=earmark(home, *plan),
            refused=earmark(home, "tune", *DEMO, "--mps"),
        )  # fmt: skip
    finally:
        stop_server(home / "postgres")
        shutil.rmtree(home)


def test_each_combination_has_a_speed_or_a_reason(story: Story) -> None:
    """float16 is no arithmetic of this CPU: a row among the others, not the end."""
    assert story.swept.code == 0, story.swept.err
    found = story.swept.json
    able, unable = found["results"]
    assert (able["compute_type"], able["actors"], able["in_effect"]) == ("int8", 2, "int8_float32")
    assert able["speed_h_per_h"] > 10 and able["slices"] >= 2 and able["seconds"] > 0.5
    assert able["card_bytes"] is None and able["load_s"] > 0
    assert unable["compute_type"] == "float16" and unable["speed_h_per_h"] is None
    assert "transcribe.compute_type float16 can't be had on this cpu" in unable["reason"]
    assert found["best"]["set"] == ["transcribe.actors=2"] and found["faster_with_other_text"] is None
    assert (found["interrupted"], found["left_out"]) == (False, [])
    assert "2 actors, 2 clips a slice, beam 5, int8: " in story.swept.err


def test_what_was_measured_is_kept_by_machine_and_model(story: Story) -> None:
    """And shown again, with its day."""
    rows = story.listed_as_json.json["tunings"]
    assert [(row["model"], row["device"], row["hardware"]) for row in rows] == [
        ("whisper-tiny-espeak", "cpu", HERE)
    ] * 2
    assert rows[0]["speed_h_per_h"] == story.swept.json["results"][0]["speed_h_per_h"]
    assert (
        "whisper-tiny-espeak on cpu;" in story.listed.out and "can't be had on this cpu" in story.listed.out
    )


def test_a_plan_takes_the_speed_that_was_measured_for_its_number_of_recognisers(story: Story) -> None:
    """With the tuning's day as its source; for another number the tables stay."""
    assert story.before.json["stages"]["Transcribe"]["origin"] != "measured here"
    found = story.planned.json["stages"]["Transcribe"]
    speed = story.swept.json["results"][0]["speed_h_per_h"]
    assert found["origin"] == "measured here" and found["source"].startswith("tuned on 20")
    assert found["speed_h_per_h"] == pytest.approx(speed, rel=0.01)
    assert story.planned_alone.json["stages"]["Transcribe"] == story.before.json["stages"]["Transcribe"]


def test_auto_takes_the_number_that_was_best(story: Story) -> None:
    """And the plan says so; where another number is set it says which one was best."""
    found = story.planned_auto.json
    assert found["pools"]["Transcribe"]["at_most"] == 2
    assert any("transcribe.actors auto: 2, the best when tuned on" in note for note in found["notes"])
    assert any(
        "transcribe.actors=2 was the best when tuned" in note for note in story.planned_alone.json["notes"]
    )


def test_what_can_not_be_had_at_all_is_refused_before_anything_starts(story: Story) -> None:
    """MPS without a card."""
    assert story.refused.code == 2 and "MPS can't be had here" in story.refused.err


def test_a_second_measurement_replaces_the_first(database) -> None:
    """One row a combination, whichever machine it is of."""
    key = TuningKey(HERE, "tiny", "cpu", "int8", 5, 10, 1, 1, False)
    first = keep_tuning(database, key, 90.0, None, {"slices": 3})
    second = keep_tuning(database, key, None, "no memory", {})
    other = keep_tuning(database, TuningKey({"cpus": 64, "gpus": []}, "tiny", "cpu", "int8", 5, 10, 1, 1, False), 1.0, None, {})  # fmt: skip
    assert sorted(kept_tunings(database), key=lambda each: each.measured_at) == [second, other]
    assert second.measured_at > first.measured_at


def test_ctrl_c_keeps_what_was_measured_and_leaves_nothing_behind() -> None:
    """In the middle of the second combination: exit code 130, the first one is kept, every worker is gone."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    arguments = ("tune", *SHORT, "--seconds", "2", "--actors", "1", "--beam", "5,1,2,3,4", *DEMO)
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *arguments], cwd=home, env=environment(home), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        assert running.stderr is not None
        measured = next(line for line in running.stderr if "beam 5" in line)
        assert until(lambda: len(_workers(home)) >= 1, 60, 0.05)
        os.killpg(running.pid, signal.SIGINT)
        out, _ = running.communicate(timeout=90)
        assert running.returncode == 130
        assert "Stopped; what was measured is kept." in out and "Best: " in out
        assert measured.split(": ")[-1].removesuffix(" h/h\n") in out
        _, alive = psutil.wait_procs(_workers(home), timeout=20)
        assert alive == []
        assert len(earmark(home, "tune", "--list", *DEMO, "--json").json["tunings"]) == 1
    finally:
        running.kill()
        running.wait()
        stop_server(home / "postgres")
        shutil.rmtree(home)


def test_a_worker_that_dies_is_a_reason_and_takes_the_others_with_it(tmp_path: Path) -> None:
    """As where the kernel ends one for its memory: what the row says, and nobody goes on in vain."""
    settings = load_settings("demo", env_file=None)
    windows = take_sample([TALK], settings, tmp_path).windows
    put_down(packed(windows, 1), windows[0], tmp_path)

    def kill_one() -> None:
        while not (found := _tuning(psutil.Process().children())):
            time.sleep(0.05)
        found[-1].kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(ConfigError, match="its process was ended by SIGKILL"):
        perform(Job(settings.transcribe, 2, tmp_path, tmp_path, seconds=600.0))
    killer.join()
    assert _tuning(psutil.Process().children()) == []


def _workers(home: Path) -> list[psutil.Process]:
    return _tuning(processes_of(home))


def _tuning(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for each in processes:
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "pipelines.tuning_worker" in each.cmdline():
                found.append(each)
    return found
