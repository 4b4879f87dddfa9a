"""The time of a row: what counts as its own, what it may take, and how a process ends that takes longer."""

import subprocess
import sys
from pathlib import Path

import pytest

from configs.patience import WatchdogSettings
from pipelines.in_hand import UNKNOWN_LENGTH_S, RowClock, getting_on, paused, row_limit_s

ROOT = Path(__file__).parents[3]
SETTINGS = WatchdogSettings(row_s=100.0, row_s_per_audio_s=4.0)


@pytest.mark.parametrize(
    ("kind", "audio_s", "limit_s"),
    [
        ("Slice", 300.0, 1300.0),
        ("Audio", 36_000.0, 144_100.0),
        ("Request", 0.0, 100.0),
        ("Video", 0.0, 100.0 + 4 * UNKNOWN_LENGTH_S),
    ],
)
def test_a_row_may_take_as_long_as_its_audio_asks_for(kind: str, audio_s: float, limit_s: float) -> None:
    """In proportion to the audio; of unknown length it counts as two hours, untouched it counts as none."""
    assert row_limit_s(SETTINGS, kind, audio_s) == limit_s


def test_only_work_counts_against_the_limit() -> None:
    """Waiting for a permit and waiting for the next stage are others' time."""
    row = RowClock("a", 0, limit_s=30.0, taken_at=100.0, since=100.0)
    assert (row.at(110.0).worked_s, row.at(110.0).left_s) == (10.0, 20.0)
    row.enter("paused", 110.0)
    assert (row.at(5_000.0).worked_s, row.at(5_000.0).age_s) == (10.0, 4_900.0)
    row.enter("working", 5_000.0)
    row.enter("blocked", 5_005.0)
    assert row.at(9_000.0).worked_s == 15.0
    row.enter("working", 9_000.0)
    assert row.at(9_016.0).left_s == -1.0


def test_a_sign_of_life_starts_the_time_anew() -> None:
    """What was worked until then is forgotten; the age is not."""
    row = RowClock("a", 0, limit_s=30.0, taken_at=0.0, since=0.0)
    row.start_anew(29.0)
    assert (row.at(31.0).worked_s, row.at(31.0).age_s) == (2.0, 31.0)


def test_outside_a_stage_a_pause_does_nothing() -> None:
    """The workers' code also runs where no row is in hand."""
    with paused():
        assert list(getting_on(iter([1, 2]))) == [1, 2]


def end_of(body: str) -> subprocess.CompletedProcess[str]:
    """Runs ``body`` with a row in hand whose limit is 0.5 s, and a thread that enforces it."""
    program = f"""
import os, re, sys, threading, time
from pipelines import in_hand
in_hand.BACKSTOP_S = 1.0
def give_up(row):
    print(f"over {{row.label}} {{row.worked_s >= 0.5}}", flush=True)
    os._exit(7)
hands = in_hand.Hands(give_up, lambda worked_s: None)
def enforce():
    while True:
        hands.enforce()
        time.sleep(0.05)
threading.Thread(target=enforce, daemon=True).start()
with hands.take("video-a", 3, 0.5):
    {body}
print("whole", flush=True)
"""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_call_that_does_not_return_ends_the_process() -> None:
    """The row is named to whoever ends it."""
    done = end_of("time.sleep(100)")
    assert (done.returncode, done.stdout) == (7, "over video-a True\n")


def test_a_call_that_keeps_the_interpreter_to_itself_ends_the_process_too() -> None:
    """No Python thread runs during a regular expression; the second clock needs none, and shows the place."""
    done = end_of(r're.match(r"(a+)+$", "a" * 64 + "b")')
    assert (done.returncode, done.stdout) == (1, "")
    assert "Timeout" in done.stderr and "re/__init__.py" in done.stderr


def test_waiting_for_a_permit_may_take_longer_than_the_limit() -> None:
    """Three times the limit passes in a pause, and the row goes on."""
    done = end_of("\n    with in_hand.paused():\n        time.sleep(1.8)")
    assert (done.returncode, done.stdout) == (0, "whole\n")
