"""What a person is told while a run goes on."""

import io

import pytest
from rich.console import Console

from pipelines.progress import Display, Progress, busy_share, describe, describe_stages, eta_s
from pipelines.tally import Tally
from tests.unit.pipelines.counts import run_counts


def test_the_line_says_how_far_how_fast_and_until_when():
    """Half of the audio in a minute: a minute is left."""
    counts = run_counts(
        to_do=4, stored=2, failed=1, stored_audio_s=1800.0, known_audio_s=3600.0, n_known_audio=4
    )
    line = describe(Progress(60.0, counts, {}))
    assert "2/4 videos stored" in line and "1 failed" in line
    assert "30 h/h" in line and "done in 0:01:00" in line


def test_videos_of_unknown_length_count_with_the_mean():
    """Two known of 600 s, two unknown: 2,400 s in all."""
    counts = run_counts(to_do=4, stored_audio_s=600.0, known_audio_s=1200.0, n_known_audio=2)
    assert eta_s(Progress(10.0, counts, {})) == pytest.approx(30.0)


def test_a_video_that_is_longer_than_the_others_leads_to_no_promise_of_an_end():
    """Three short ones are stored, and more was heard than four of the kind have: how long the fourth is nobody knows."""
    counts = run_counts(to_do=4, stored=3, stored_audio_s=300.0, known_audio_s=300.0, n_known_audio=3)
    heard = {"Transcribe": Tally(audio_s=900.0)}
    assert eta_s(Progress(10.0, counts, heard)) is None
    assert "time left not known yet" in describe(Progress(10.0, counts, heard))


@pytest.mark.parametrize("elapsed_s", [0.0, 2.0])
def test_nothing_is_promised_before_there_is_a_speed(elapsed_s):
    """The first seconds say nothing about the rest."""
    counts = run_counts(to_do=4, stored_audio_s=1.0, known_audio_s=1200.0, n_known_audio=2)
    assert eta_s(Progress(elapsed_s, counts, {})) is None


def test_each_stage_that_has_something_in_hand_is_named():
    """And no other."""
    said = describe_stages({"Download": Tally(in_hand=2), "Transcribe": Tally(in_hand=1), "Embed": Tally()})
    assert said == "in hand: Download 2, Transcribe 1"


def test_the_busy_share_is_over_all_actors():
    """Two actors, one busy throughout: half."""
    assert busy_share(Tally(busy_s=10, age_s=10) + Tally(busy_s=0, age_s=10)) == 0.5


HALF_WAY = Progress(
    60.0,
    run_counts(to_do=4, stored=2, stored_audio_s=1800.0, known_audio_s=3600.0, n_known_audio=4),
    {"Transcribe": Tally(items=3, in_hand=1, audio_s=1800.0, busy_s=30.0, age_s=60.0, latest="a-video")},
)


def shown(console: Console, *states: Progress) -> str:
    display = Display(console)
    with display.running():
        display.say("Starting")
        for state in states:
            display.show(state)
    return console.file.getvalue()


def test_without_a_terminal_there_are_plain_lines_and_not_too_many():
    """One a while, none before a stage has reported, and no control characters: a log stays legible."""
    plain = Console(file=io.StringIO(), force_terminal=False, width=40)
    nothing_yet = Progress(1.0, run_counts(to_do=4), {})
    said, line = shown(plain, nothing_yet, HALF_WAY, HALF_WAY).splitlines()
    assert said == "Starting"
    assert line.startswith("[0:01:00] 2/4 videos stored · 0.50 h transcribed · 30 h/h · done in 0:01:00")
    assert line.endswith("in hand: Transcribe 1")


def test_on_a_terminal_every_stage_has_a_row():
    """What it has in hand, its busy share and its latest video; a stage without an actor is starting."""
    screen = shown(Console(file=io.StringIO(), force_terminal=True, width=120), HALF_WAY)
    assert "2/4 videos stored" in screen
    (row,) = {line for line in screen.splitlines() if "Transcribe" in line and "a-video" in line}
    assert "50%" in row and "0.50" in row
    assert any("Embed" in line and "starting" in line for line in screen.splitlines())
