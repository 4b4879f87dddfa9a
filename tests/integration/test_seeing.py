"""``watch`` and ``report`` on real runs: one that goes on, one that is over, one whose driver was killed."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from command import ROOT, Answer, earmark, environment
from gates import go_on
from small_run import small_line

from actors.store.embedded import ensure_server, stop_server
from actors.store.migrations import migrate
from actors.store.runs import RunRegistry

pytestmark = pytest.mark.timeout(400)

LIMIT_S = 150.0
VIDEOS = [f"fine-{number}" for number in range(50)]
"""Half a second each in the slowest stage: more than the 20 s below which a run tells nothing …"""
VIDEOS.insert(8, "embed-waits-0")
"""… but for one, at which the line stands until everybody has looked."""
DYING = [*(f"more-{number}" for number in range(4)), "embed-hangs-0", "more-4"]
"""Those of a run that is killed: it can't end before."""
STAGES = ("Prefilter", "Prepare", "Embed", "Store")


@dataclass(frozen=True)
class Story:
    """A run to its end, watched in three ways at once, and what was asked meanwhile and afterwards."""

    run: int
    exit_code: int
    by_home: Answer
    """``watch --plain`` with this home."""
    by_url: Answer
    """``watch --plain RUN`` with another home and the database's address."""
    on_terminal: Answer
    left: int
    """Exit code of a ``watch`` that was left by Ctrl-C."""
    went_on: bool
    """Whether the run lived after that."""
    once: Answer
    """``watch --json`` meanwhile."""
    meanwhile: Answer
    """``report --json`` meanwhile."""
    after: Answer
    after_as_json: Answer
    none: Answer
    """``report 999``."""
    killed: Answer
    """``report`` of the second run, whose driver was killed."""
    killed_as_json: Answer
    watched_dead: Answer
    lost: Answer
    """The same after the next run had declared it lost."""


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    elsewhere = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        url = ensure_server(home / "postgres")
        migrate(url)
        with small_line(home, url, VIDEOS, variant="one at a time") as running:
            run = _until(lambda: _noted(url, after=0), running)
            with (
                _command(home, "watch", "--plain") as by_home,
                _command(elsewhere, "watch", str(run), "--plain", DATABASE_URL=url) as by_url,
                _on_terminal(home, "watch") as (terminal, drawn),
                _command(home, "watch", "--plain") as left,
            ):
                _until(lambda: "Embed" in by_url.so_far(), running)
                once, meanwhile = earmark(home, "watch", "--json"), earmark(home, "report", "--json")
                _until(lambda: "Embed" in left.so_far(), running)
                left.process.send_signal(signal.SIGINT)
                left_code = left.process.wait(timeout=LIMIT_S)
                went_on = running.poll() is None and terminal.poll() is None
                go_on(home).touch()
                exit_code = running.wait(timeout=LIMIT_S)
                answers = by_home.end(), by_url.end()
                on_terminal = Answer(terminal.wait(timeout=LIMIT_S), drawn.text(), "")
        after, after_as_json = earmark(home, "report"), earmark(home, "report", str(run), "--json")
        none = earmark(home, "report", "999")
        with small_line(home, url, DYING, variant="one at a time") as running:
            dead = _until(lambda: _noted(url, after=run), running)
        killed, killed_as_json = earmark(home, "report"), earmark(home, "report", "--json")
        watched_dead = earmark(home, "watch", "--plain")
        with RunRegistry(url) as next_run:  # as its driver does before it asks for anything
            next_run.open_run({})
            next_run.close_run("finished", {})
        lost = earmark(home, "report", str(dead))
        yield Story(
            run, exit_code, *answers, on_terminal, left_code, went_on, once, meanwhile, after, after_as_json, none,
            killed, killed_as_json, watched_dead, lost,
        )  # fmt: skip
    finally:
        stop_server(home / "postgres")
        shutil.rmtree(home)
        shutil.rmtree(elsewhere)


def _noted(url: str, *, after: int) -> int | None:
    """The run behind this one, once it has noted where it stands with some videos done."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select run_id from runs where run_id > %s and (figures->>'stored')::int > 2", (after,)
        ).fetchone()
    return row[0] if row else None


def _until(true: Callable[[], Any], running: "subprocess.Popen[Any]") -> Any:
    deadline = time.monotonic() + LIMIT_S
    while not (found := true()):
        assert running.poll() is None, "the run ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


class _Command:
    """A command that goes on, and what it has said so far."""

    def __init__(self, process: "subprocess.Popen[Any]", out: IO[Any]) -> None:
        self.process, self._said = process, b""
        self._reading = threading.Thread(target=self._read, args=(out,), daemon=True)
        self._reading.start()

    def _read(self, out: IO[Any]) -> None:
        try:
            while part := os.read(out.fileno(), 65_536):
                self._said += part
        except OSError:  # a terminal whose last user is gone
            return

    def so_far(self) -> str:
        return self._said.decode()

    def text(self) -> str:
        self._reading.join(timeout=LIMIT_S)
        return self.so_far()

    def end(self) -> Answer:
        code = self.process.wait(timeout=LIMIT_S)
        return Answer(code, self.text(), "")


@contextmanager
def _command(home: Path, *arguments: str, **variables: str) -> Iterator[_Command]:
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *arguments], cwd=home, env=environment(home) | variables,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert running.stdout is not None
    with running, running.stdout as out:
        try:
            yield _Command(running, out)
        finally:
            running.kill()


@contextmanager
def _on_terminal(home: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[Any]", _Command]]:
    """A command whose standard output is a terminal."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *arguments], cwd=home,
        env=environment(home) | {"TERM": "xterm", "LINES": "50"}, stdin=subprocess.DEVNULL, stdout=theirs,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    with running, os.fdopen(ours, "rb", buffering=0) as out:
        try:
            yield running, _Command(running, out)
        finally:
            running.kill()


def test_a_run_is_watched_from_another_process_until_it_ends(story: Story) -> None:
    """Found by its home or by its database's address alone; what each stage does now, then the report."""
    for watched in (story.by_home, story.by_url):
        assert watched.code == 0, watched.out
        said = watched.out.splitlines()
        heads = [line for line in said if line.startswith(f"Run {story.run} [")]
        assert len(heads) > 2 and len(set(heads)) == len(heads), "a block each time that the run moved on"
        for stage in STAGES:
            assert any(line.startswith(f"  {stage}: ") for line in said), stage
        assert f"Run {story.run}, finished" in said
        assert any(line.startswith("Bottleneck: Embed") for line in said)
    assert story.exit_code == 0


def test_on_a_terminal_it_is_a_table_that_gives_way_to_the_report(story: Story) -> None:
    """Drawn anew in place; the report stays."""
    assert story.on_terminal.code == 0
    drawn, _, report = story.on_terminal.out.rpartition(f"Run {story.run}, finished")
    assert "\x1b[?25l" in drawn and "\x1b[2K" in drawn, "the cursor is hidden, lines are drawn over"
    for said in ("in hand", "starved", "latest", "Bottleneck so far", *STAGES):
        assert said in drawn, said
    assert "Bottleneck: Embed" in report and "\x1b[2K" not in report


def test_leaving_the_watch_leaves_the_run(story: Story) -> None:
    """Ctrl-C ends the one that watched."""
    assert story.left == 130 and story.went_on


def test_once_as_json(story: Story) -> None:
    """The run as it stands, for a program."""
    assert story.once.code == 0
    found = story.once.json
    assert (found["run"], found["outcome"], found["goes_on"]) == (story.run, None, True)
    assert 0 < found["left"] < len(VIDEOS) and found["started_at"]
    assert {"bottleneck", "speed_h_per_h", "tail_s"} <= set(found)
    assert tuple(found["stages"]) == STAGES, "in the order of the line"


def test_a_report_while_the_run_goes_on(story: Story) -> None:
    """As far as it has come."""
    found = story.meanwhile.json
    assert (found["run"], found["outcome"]) == (story.run, None)
    assert 0 < found["stages"]["Embed"]["items"] < len(VIDEOS)


def test_a_report_of_a_run_that_is_over(story: Story) -> None:
    """The newest one by itself, any by its number."""
    assert story.after.code == 0 and f"Run {story.run}, finished" in story.after.out
    assert "To change it: a smaller embed.model" in story.after.out
    found = story.after_as_json.json
    assert (found["outcome"], found["bottleneck"], found["cause"]) == ("finished", "Embed", "work")
    assert found["stages"]["Embed"]["items"] == len(VIDEOS)
    assert found["stages"]["Embed"]["busy"] > 0.7 and found["stages"]["Store"]["starved"] > 0.5
    assert found["tail_s"] is not None


def test_a_report_of_a_run_that_was_never_made(story: Story) -> None:
    """Said in a line, exit code 2."""
    assert story.none.code == 2 and story.none.out == ""
    assert "there is no run 999" in story.none.err


def test_a_killed_run_shows_what_it_noted_last(story: Story) -> None:
    """Whoever watches it isn't kept for ever; the next run declares it lost and leaves its figures."""
    assert "whose driver is gone: this is what it noted last" in story.killed.out
    assert "Embed" in story.killed.out
    found = story.killed_as_json.json
    assert (found["outcome"], found["goes_on"]) == (None, False)
    assert found["stages"]["Embed"]["items"] > 0
    assert story.watched_dead.code == 1 and "whose driver is gone" in story.watched_dead.out
    assert story.lost.code == 0 and "lost: its driver died; this is what it noted last" in story.lost.out
    assert "Embed" in story.lost.out
