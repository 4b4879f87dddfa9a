"""A run that goes on, as lines and as a table: what it does now, not what it did all along."""

from io import StringIO

from rich.console import Console

from configs.report import ReportSettings
from pipelines.report import report_document, told
from pipelines.watching import lines, table


def stage(busy_s, starved_s, **more):
    return {
        "items": 4, "failed": 0, "actors": 1, "busy_s": busy_s, "blocked_s": 0.0, "paused_s": 0.0,
        "starved_s": starved_s, "database_s": 0.0, "age_s": busy_s + starved_s, "audio_s": 7200.0, "load_s": 1.0,
        "bytes_out": 0, "batches": 0, "batched": 0, "codes": {}, "p50_s": 0.5, "p99_s": 2.5, "queue": 3,
        "queue_peak": 4, "actors_peak": 1, "held_back_s": 0.0, "in_hand": 2, "latest": "video [/7]", **more,
    }  # fmt: skip


def figures(line_s, **stages):
    return {
        "stored": 3, "skipped": 0, "failed": 1, "left": 5, "audio_s": 7200.0, "line_s": line_s, "wall_s": line_s,
        "speed_h_per_h": 72.0, "stages": stages,
    }  # fmt: skip


def document(now):
    return {"run": 7, "outcome": None, "goes_on": True} | report_document(now, ReportSettings())


BEFORE = figures(90.0, Prepare=stage(20.0, 70.0), Transcribe=stage(85.0, 5.0))
NOW = figures(100.0, Prepare=stage(30.0, 70.0), Transcribe=stage(85.0, 15.0, failed=1))


def test_shares_are_of_the_time_since_the_last_look():
    """All along Transcribe worked most; in the last ten seconds Prepare did all of the time and it nothing."""
    prepare, transcribe = list(lines(document(NOW), NOW, BEFORE))[1:3]
    assert prepare.startswith("  Prepare: 2 in hand, 4 done; busy 100%,") and "3 waiting, 1 actor" in prepare
    assert (
        transcribe.startswith("  Transcribe: 2 in hand, 4 done, 1 failed; busy 0%,")
        and "starved 100%" in transcribe
    )


def test_the_first_look_takes_the_whole_time():
    """There is nothing before it."""
    _, prepare, transcribe, _ = lines(document(NOW), NOW, {})
    assert "busy 30%" in prepare and "busy 85%" in transcribe


def test_a_stage_that_is_held_back_is_blocked():
    """As in the report: its actors have no row, and rows wait for them."""
    before = figures(90.0, Prepare=stage(40.0, 50.0, held_back_s=10.0))
    now = figures(100.0, Prepare=stage(44.0, 56.0, held_back_s=15.0, queue=12))
    prepare = list(lines(document(now), now, before))[1]
    assert "busy 40%, blocked 50%, paused 0%, starved 10%; 12 waiting" in prepare
    later = figures(110.0, Prepare=stage(44.0, 66.0, held_back_s=25.5))
    prepare = list(lines(document(later), later, now))[1]
    assert "busy 0%, blocked 100%, paused 0%, starved 0%" in prepare, "no more than there was"


def test_the_head_says_how_far_it_is_and_the_end_what_binds():
    """Of what there is none it says nothing."""
    head, *_, verdict = lines(document(NOW), NOW, BEFORE)
    assert head == "Run 7 [0:01:40]: 3 stored, 1 failed, 5 left; 2.00 h of audio stored, 72 h/h"
    assert verdict.startswith("  Bottleneck so far: Transcribe (work): Transcribe worked 85% of the time")


def test_a_run_that_has_only_begun_is_starting():
    """Ray comes up; no stage has done anything."""
    assert next(lines(document({}), {}, {})) == "Run 7: starting"


def test_a_look_at_what_another_pass_left_counts_no_time_twice():
    """An actor that died takes its seconds out of the sum: a share is never below nothing."""
    later = figures(101.0, Prepare=stage(10.0, 5.0), Transcribe=stage(86.0, 15.0))
    prepare = list(lines(document(later), later, NOW))[1]
    assert "busy 0%, blocked 0%, paused 0%, starved 0%" in prepare


def test_the_table_has_a_row_a_stage_and_the_bottleneck_stands_out():
    """As a terminal shows it; a video's name is no markup."""
    screen = Console(file=StringIO(), width=140, force_terminal=True, color_system="standard")
    screen.print(table(document(NOW), NOW, BEFORE))
    drawn = screen.file.getvalue().splitlines()
    (prepare,) = (line for line in drawn if "Prepare" in line and "100%" in line)
    (transcribe,) = (line for line in drawn if "Transcribe\x1b" in line and "video [/7]" in line)
    assert "\x1b[1m" in transcribe and "\x1b[1m" not in prepare
    assert "Run 7 [0:01:40]" in drawn[0] and "Bottleneck so far: Transcribe" in drawn[-1]


def test_a_report_says_how_its_run_stands():
    """Over, going on, killed a moment ago, or declared lost by the next run."""
    made = {
        (None, True): "still going on",
        (None, False): "whose driver is gone: this is what it noted last",
        ("lost", False): "lost: its driver died; this is what it noted last",
        ("finished", False): "finished",
    }
    for (outcome, goes_on), said in made.items():
        standing = {"run": 7, "outcome": outcome, "goes_on": goes_on}
        assert next(told(document(NOW) | standing)) == f"Run 7, {said}"
