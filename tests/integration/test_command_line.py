"""The command line as a user meets it: a run cut short by Ctrl-C, the same command again, one by force, and
what is asked before and after them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from command import ROOT, WITH_DASHBOARD, Answer, earmark, environment
from psycopg.rows import dict_row

from actors.store.embedded import ensure_server
from pipelines.demo_feed import load_podcast
from tests.corpus import speech_item
from tests.encoding import Encoding
from tests.media_server import Fault, MediaServer

pytestmark = pytest.mark.timeout(600)

SPEECH_DIR = ROOT / "configs" / "demo" / "speech"
FEED = ("strings-and-keys", "match-in-ninety-seconds", "rockets-and-moons")
LIMIT_S = 240.0
DEMO = ("--profile", "demo", "--set", "identify.enabled=0")  # voices are others' tests' affair
SEVERAL = """
import json, sys
from click.testing import CliRunner
from run import main
answers = [CliRunner().invoke(main, command, catch_exceptions=False) for command in json.loads(sys.argv[1])]
print(json.dumps([answer.stdout for answer in answers]))
"""
"""Commands in one process, so that what they import is imported once."""


@dataclass(frozen=True)
class Story:
    """Three runs over one file of this machine and a feed of three talks, two videos a run."""

    home: Path
    unlimited: tuple[str, ...]
    """Their command without its limit."""
    file: Path
    rehearsed: Answer
    """The command as a dry run, before anything else."""
    was_made: bool
    """Whether that left a database."""
    cut_short: Answer
    left: tuple[str, ...]
    """Processes that outlived it."""
    ledger: dict[str, str]
    """Status by id, after it."""
    again: Answer
    rehearsed_again: dict[str, Answer]
    stored: dict[str, dict[str, Any]]
    forced: Answer
    stored_after: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """The second talk of the first run never arrives, so that Ctrl-C meets a run in the middle of its work."""
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    file = speech_item(home / "plain.m4a", Encoding("aac", 44_100, 64_000), seed=3, duration_s=20).path
    podcast = load_podcast(SPEECH_DIR)
    talks = {talk.slug: talk for talk in podcast.talks}
    podcast = replace(podcast, talks=tuple(talks[slug] for slug in FEED))
    with MediaServer() as server:
        feed = server.add("/feed.xml", podcast.feed(server.url("")).content)
        for talk in podcast.talks:
            server.add(talk.path, talk.media.content, content_type=talk.media.content_type)
        first = podcast.talks[0]
        server.add(first.path, first.media.content, Fault(stall_at=100_000), first.media.content_type)
        unlimited = ("ingest", str(file), feed, *DEMO)
        command = (*unlimited, "--limit", "2")
        try:
            rehearsed = earmark(home, *command, "--dry-run", "--json")
            was_made = (home / "postgres").exists()
            cut_short, left = _interrupted(home, command, _is_under_way)
            ledger = {row["video_id"]: row["status"] for row in _rows(home, "ingest_state")}
            server.add(first.path, first.media.content, content_type=first.media.content_type)
            again = earmark(home, *command, "--json")
            stored = _sources(home)
            rehearsed_again = {
                name: earmark(home, *unlimited, *more, "--dry-run", "--json")
                for name, more in (("plain", ()), ("forced", ("--force",)), ("limited", ("--limit", "1")))
            }
            forced = earmark(home, "ingest", str(file), "--force", *DEMO, "--json")
            yield Story(
                home, unlimited, file, rehearsed, was_made, cut_short, left, ledger, again, rehearsed_again,
                stored, forced, _sources(home),
            )  # fmt: skip
        finally:
            earmark(home, "db", "stop")
            shutil.rmtree(home)


def _interrupted(
    home: Path, command: tuple[str, ...], is_time: Callable[[Path], bool]
) -> tuple[Answer, tuple[str, ...]]:
    """Ctrl-C as a terminal gives it, to every process of the group, when it is time; standard input stays
    open and says nothing."""
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *command], cwd=home, env=environment(home) | WITH_DASHBOARD,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + LIMIT_S
        while not is_time(home):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline, "the run doesn't get on"
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGINT)
        running.wait(timeout=LIMIT_S)
        out, err = running.communicate()
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(_processes_of(home), timeout=20)
    return Answer(running.returncode, out, err), tuple(str(process) for process in alive)


def _is_asking(home: Path) -> bool:
    return bool(list((home / "logs").glob("ingest-*.log"))) and len(_rows(home, "runs")) == 1


def _is_under_way(home: Path) -> bool:
    if not list((home / "logs").glob("ingest-*.log")):  # begun once the database is there and migrated
        return False
    states = _rows(home, "ingest_state")
    stages = [(row["status"], row["stage"]) for row in states]
    return any(status == "stored" for status, _ in stages) and ("running", "download") in stages


def _processes_of(home: Path) -> list[psutil.Process]:
    """Every process that was started with this home on its command line, but the database's."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if str(home) in " ".join(process.info["cmdline"] or ())
        and not process.info["name"].startswith("postgres")
    ]


def _rows(home: Path, table: str) -> list[dict[str, Any]]:
    with psycopg.connect(ensure_server(home / "postgres"), row_factory=dict_row) as connection:
        return connection.execute(f"select * from {table}").fetchall()


def _sources(home: Path) -> dict[str, dict[str, Any]]:
    return {row["title"]: row for row in _rows(home, "sources")}


def _titles(hits: list[dict[str, Any]]) -> set[str]:
    return {hit["title"] for hit in hits}


STRINGS, MATCH = "Strings and keys: a night at the concert", "The match in ninety seconds"
ROCKETS = "Evening talk: rockets and moons"


# Ctrl-C


def test_ctrl_c_ends_a_run_and_says_how_to_go_on(story: Story) -> None:
    """Exit code 130, what was stored, and the way on; no traceback."""
    assert story.cut_short.code == 130, story.cut_short.err
    assert "Run 1: 1 stored, 0 skipped, 0 failed" in story.cut_short.out
    assert "the same command goes on from here" in story.cut_short.out
    assert "Traceback" not in story.cut_short.out + story.cut_short.err
    assert "Stopping" in story.cut_short.err


def test_a_run_says_where_to_look_and_how_it_gets_on(story: Story) -> None:
    """Ray's dashboard on loopback, and without a terminal plain lines of progress, all on standard error."""
    assert "Ray dashboard: http://127.0.0.1:" in story.cut_short.err
    assert "/2 videos stored" in story.cut_short.err and "in hand: " in story.cut_short.err
    assert "\x1b" not in story.cut_short.err


def test_ctrl_c_leaves_no_process_and_nothing_running(story: Story) -> None:
    """Nothing of Ray or of ours lives on, and what was in hand is back on the queue, not failed."""
    assert story.left == ()
    assert sorted(story.ledger.values()) == ["pending", "skipped", "stored"]  # the skipped one is the feed
    (run,) = (row for row in _rows(story.home, "runs") if row["run_id"] == 1)
    assert run["outcome"] == "interrupted"


def test_the_same_command_does_the_rest_once(story: Story) -> None:
    """The talk that was in hand and one more, up to the limit; what was stored isn't touched, and the
    interruption isn't held against anybody."""
    assert story.again.code == 0, story.again.err
    document = story.again.json
    assert (document["counts"]["stored"], document["unaccounted"], document["interrupted"]) == (2, 0, False)
    assert document["asked"]["stored"] == 1
    assert set(story.stored) == {"plain", STRINGS, MATCH}
    assert all(row["created_at"] == row["updated_at"] for row in story.stored.values())
    states = {row["video_id"]: row for row in _rows(story.home, "ingest_state")}
    assert states[story.stored[STRINGS]["source_id"]]["attempts"] == 1


def test_ctrl_c_while_sources_are_still_read_is_no_failure() -> None:
    """Before Ray is up the same holds: exit code 130, the way on, and the run stands as interrupted."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        answer, left = _interrupted(home, ("ingest", "--from", "-", *DEMO), _is_asking)
        assert answer.code == 130, answer.err
        assert "the same command goes on from here" in answer.out
        assert "Traceback" not in answer.err
        assert left == ()
        assert [row["outcome"] for row in _rows(home, "runs")] == ["interrupted"]
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)


# --limit, --dry-run and --force


def test_a_limit_counts_videos_wherever_they_come_from(story: Story) -> None:
    """Two in the first run, of which the feed gave one; two more in the second. The third talk of the feed
    was never asked for."""
    assert len([status for status in story.ledger.values() if status != "skipped"]) == 2
    assert ROCKETS not in {row["title"] for row in _rows(story.home, "ingest_state")}


def test_a_dry_run_names_what_would_be_taken_and_makes_nothing(story: Story) -> None:
    """Lists are read flat; not even a database appears."""
    assert story.rehearsed.code == 0, story.rehearsed.err
    rows = story.rehearsed.json["would_ingest"]
    assert [(row["title"], row["standing"]) for row in rows] == [(None, "new"), (STRINGS, "new")]
    assert rows[1]["duration_s"] == pytest.approx(121, abs=1)
    assert story.rehearsed.json["passed_over"] == story.rehearsed.json["refused"] == []
    assert not story.was_made


@pytest.mark.parametrize(
    ("how", "taken", "passed_over"),
    [
        ("plain", {(ROCKETS, "new")}, {("plain", "stored"), (STRINGS, "stored"), (MATCH, "stored")}),
        ("limited", {(ROCKETS, "new")}, {("plain", "stored"), (STRINGS, "stored"), (MATCH, "stored")}),
        ("forced", {("plain", "again"), (STRINGS, "again"), (MATCH, "again"), (ROCKETS, "new")}, set()),
    ],
)
def test_a_dry_run_foresees_what_ingest_would_do(
    story: Story, how: str, taken: set[tuple[str, str]], passed_over: set[tuple[str, str]]
) -> None:
    """By the ledger's own rules: what is stored is passed over and doesn't count towards the limit, unless
    it would be redone."""
    document = story.rehearsed_again[how].json

    def named(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(row["title"] or "plain", row["standing"]) for row in rows}

    assert named(document["would_ingest"]) == taken
    assert named(document["passed_over"]) == passed_over


def test_dry_runs_leave_no_trace(story: Story) -> None:
    """Three real runs, and no more, stand in the database."""
    assert sorted(row["run_id"] for row in _rows(story.home, "runs")) == [1, 2, 3]


def test_force_redoes_what_is_named_and_nothing_else(story: Story) -> None:
    """The file is transcribed and stored anew in place of what it had; the talks stay as they were."""
    assert story.forced.code == 0, story.forced.err
    document = story.forced.json
    assert (document["counts"]["stored"], document["asked"]["again"]) == (1, 1)
    assert document["stages"]["Transcribe"]["items"] == 1
    before, after = story.stored, story.stored_after
    assert {title: before[title] for title in (STRINGS, MATCH)} == {
        title: after[title] for title in (STRINGS, MATCH)
    }
    assert after["plain"]["created_at"] == before["plain"]["created_at"] < after["plain"]["updated_at"]
    status = earmark(story.home, "status", "--json").json
    assert status["corpus"]["videos"] == 3
    assert [model["vectors"] for model in status["models"]] == [status["corpus"]["segments"]]


# What the others rely on


def test_search_filters_by_channel_day_and_video(story: Story) -> None:
    """Days count whole, a channel's name is found in any case, and a file without either passes no such
    filter."""
    expected = {
        ("--channel", "SMALL talks"): {STRINGS, MATCH},
        ("--since", "2026-03-10"): {MATCH},
        ("--since", "2026-03-09", "--until", "2026-03-09"): {STRINGS},
        ("--video", story.stored["plain"]["source_id"]): {"plain"},
    }
    commands = [["search", "the violin and the goal", *filters, "--json"] for filters in expected]
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL, json.dumps(commands)], cwd=story.home, env=environment(story.home),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [_titles(json.loads(answer)["hits"]) for answer in json.loads(done.stdout)]
    assert found == list(expected.values())


def test_documents_have_the_names_that_others_rely_on(story: Story) -> None:
    """The shapes of status, show and search; one JSON document each and nothing else on standard output."""
    videos = earmark(story.home, "status", "--videos", "--json").json["videos"]
    assert {"id", "url", "title", "status", "reason"} <= set(videos[0])
    assert {video["status"] for video in videos} == {"stored"}  # the feed is no video
    shown = earmark(story.home, "show", story.stored[MATCH]["source_id"], "--json").json
    assert {"id", "url", "title", "duration_s", "segments"} <= set(shown)
    assert {"start_s", "end_s", "text", "speaker"} <= set(shown["segments"][0])
    (hit,) = earmark(story.home, "search", "goal", "--limit", "1", "--json").json["hits"]
    assert {"video_id", "title", "start_s", "end_s", "speaker", "text", "url", "score"} <= set(hit)


def test_what_a_person_reads_names_the_same(story: Story) -> None:
    """The text forms of the same commands."""
    status = earmark(story.home, "status", "--videos").out
    assert "Corpus: 3 videos" in status and MATCH in status
    shown = earmark(story.home, "show", story.stored[MATCH]["source_id"]).out
    assert shown.startswith(f"{MATCH} · 1:31 · http")
    assert f"1. {MATCH}" in earmark(story.home, "search", "goal", "--limit", "1").out
    rehearsed = earmark(story.home, *story.unlimited, "--dry-run").out
    assert "1 videos would be ingested, 3 passed over" in rehearsed


def test_an_unknown_video_is_an_error_and_a_list_that_cannot_be_read_is_left_out(story: Story) -> None:
    """Exit code 1, with what to do."""
    unknown = earmark(story.home, "show", "nobody-knows-it", "--json")
    assert (unknown.code, unknown.out) == (1, "")
    assert "no such id" in unknown.err and "status --videos" in unknown.err
    gone = earmark(story.home, "ingest", "http://127.0.0.1:9/feed.xml", *DEMO, "--dry-run", "--json")
    assert gone.code == 1
    assert [each["source"] for each in gone.json["refused"]] == ["http://127.0.0.1:9/feed.xml"]


def test_migrating_twice_and_stopping_twice_is_harmless() -> None:
    """Each says what it did, and that there was nothing left to do; in a home of its own an empty corpus is
    said to be empty."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        assert len(earmark(home, "db", "migrate", "--json").json["applied"]) >= 2
        assert earmark(home, "db", "migrate", "--json").json == {"applied": []}
        empty = earmark(home, "search", "anything")
        assert empty.code == 2 and "the corpus is empty" in empty.err
        assert earmark(home, "db", "stop", "--json").json == {"stopped": True}
        assert earmark(home, "db", "stop", "--json").json == {"stopped": False}
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)
