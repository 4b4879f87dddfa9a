"""`submit` and `jobs` against a real head: follow, stop, submit again, finish; and what the dashboard tells of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command import ROOT, Answer, earmark, environment
from local_head import PATHS, Head, local_head
from spying import holders
from tcp_postgres import tcp_postgres

from tests.faults.corpus_state import differences, read_corpus
from tests.media_server import Fault, MediaServer
from tests.waiting import until

pytestmark = pytest.mark.timeout(900)

SECRET = "Xyzzy4711planted"
SPEECH = ROOT / "configs" / "demo" / "speech"
TALKS = ("soup-for-the-rabbit.mp3", "strings-and-keys.m4a", "servers-and-robots.webm")
NOT_TRIED_AGAIN = ("retry.patience_s=0", "retry.first_s=3600", "retry.cap_s=7200", "download.timeout_s=600")
DEMO = ("--profile", "demo", *(part for setting in NOT_TRIED_AGAIN for part in ("--set", setting)))


@dataclass(frozen=True)
class Place:
    """A cluster, its database, a server of talks, and the home of somebody who submits."""

    head: Head
    database_url: str
    server: MediaServer
    home: Path

    def run(self, *arguments: str, timeout_s: float = 400) -> Answer:
        return earmark(
            self.home, *arguments, "--address", self.head.url, timeout_s=timeout_s, **self.head.client
        )

    def status(self) -> dict[str, str]:
        with psycopg.connect(self.database_url) as connection:
            return dict(connection.execute("select url, status from ingest_state").fetchall())

    def in_hand(self) -> tuple[int, int]:
        """Rows that somebody works on, and runs that haven't ended."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(
                "select (select count(*) from work_in_hand), (select count(*) from runs where finished_at is null)"
            ).fetchone()
        assert row is not None
        return row[0], row[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with tcp_postgres("earmark", SECRET) as url, local_head(url) as head, MediaServer() as server:
        yield Place(head, url, server, tmp_path_factory.mktemp("submits"))


@pytest.fixture(scope="module")
def finished(place: Place) -> Any:
    """Three talks, of which one hangs until the first job was stopped; then the same command again."""
    urls = [place.server.add(f"/{name}", SPEECH / name) for name in TALKS]
    place.server.add(f"/{TALKS[-1]}", SPEECH / TALKS[-1], Fault(stall_at=20_000))
    command = ["submit", *urls, *DEMO, "--name", "talks", "--json"]
    env = environment(place.home) | place.head.client
    with (place.home / "said").open("w") as said:
        following = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), *command, "--address", place.head.url], cwd=place.home, env=env,
            stdout=subprocess.PIPE, stderr=said, text=True,
        )  # fmt: skip
    with following:
        try:
            came = until(lambda: following.poll() is not None or _two_stored(place), 300, 1)
            said_by_then = (place.home / "said").read_text()
            assert came and following.poll() is None, said_by_then
            listed = place.run("jobs", "list", "--json").json
            stopped = place.run("jobs", "stop", "talks", "--json")
            out, _ = following.communicate(timeout=60)
        finally:
            following.kill()
    after_stop = (place.in_hand(), place.status())
    place.server.add(f"/{TALKS[-1]}", SPEECH / TALKS[-1])
    asked = [place.server.count(f"/{name}") for name in TALKS[:2]]
    again = place.run(*command)
    asked_again = [place.server.count(f"/{name}") - n for name, n in zip(TALKS[:2], asked, strict=True)]
    return {
        "urls": urls, "listed": listed, "stopped": stopped, "first": (following.returncode, json.loads(out)),
        "said_by_then": said_by_then, "after_stop": after_stop, "again": again, "asked_again": asked_again,
        "in_the_end": place.status(),
    }  # fmt: skip


def _two_stored(place: Place) -> bool:
    try:
        return list(place.status().values()).count("stored") >= 2
    except psycopg.errors.UndefinedTable:  # no schema yet
        return False


def test_a_job_is_listed_by_a_name_and_with_its_sources(place: Place, finished: Any) -> None:
    (job,) = finished["listed"]
    assert job["name"] == "talks" and job["id"].startswith("earmark-talks-")
    assert job["status"] == "RUNNING" and job["exit_code"] is None
    assert all(url in job["sources"] for url in finished["urls"])


def test_a_job_that_is_stopped_ends_cleanly_and_leaves_nothing_in_hand(finished: Any) -> None:
    """SIGTERM reaches the driver, which gives back what it held: the ledger says so, without any recovery."""
    code, job = finished["first"]
    assert finished["stopped"].code == 0 and finished["stopped"].json["status"] == "STOPPED"
    assert (code, job["status"], job["exit_code"]) == (130, "STOPPED", 130)
    in_hand, status = finished["after_stop"]
    assert in_hand == (0, 0)
    assert sorted(status.values()) == ["pending", "stored", "stored"]


def test_the_log_was_followed_while_it_ran(finished: Any) -> None:
    """Before it was stopped. With --json it goes to standard error."""
    said = finished["said_by_then"]
    assert "Ray dashboard: http://127.0.0.1" in said and "Job earmark-talks-" in said


def test_submitted_again_it_goes_on_and_finishes(place: Place, finished: Any) -> None:
    """Only the talk that was left is fetched."""
    assert finished["asked_again"] == [0, 0]
    assert finished["again"].code == 0, finished["again"].err
    assert finished["again"].json["status"] == "SUCCEEDED" and finished["again"].json["driver_exit_code"] == 0
    assert list(finished["in_the_end"].values()) == ["stored"] * len(TALKS)


def test_the_corpus_is_that_of_ingest(place: Place, finished: Any) -> None:
    with tcp_postgres("other", SECRET) as url:
        plain = earmark(place.home, "ingest", *finished["urls"], *DEMO, "--json", DATABASE_URL=url)
        assert plain.code == 0, plain.err
        assert differences(read_corpus(url), read_corpus(place.database_url)) == []


def test_the_drivers_own_exit_code_comes_back(place: Place, finished: Any) -> None:
    """1 where a source names nothing, 2 for what the run's settings can't be."""
    failed = place.run("submit", "file:///no/such/talk.mp3", *DEMO, "--json")
    assert (failed.code, failed.json["driver_exit_code"], failed.json["status"]) == (1, 1, "FAILED")
    refused = place.run("submit", finished["urls"][0], *DEMO, "--set", "embed.model=/no/such/model", "--json")
    assert (refused.code, refused.json["driver_exit_code"]) == (2, 2), refused.err
    assert "directory /no/such/model does not exist" in refused.err
    looked_at = place.run("jobs", "status", refused.json["id"])
    assert looked_at.code == 2 and "failed (exit code 2)" in looked_at.out


def test_no_secret_is_in_anything_that_the_dashboard_answers(place: Place, finished: Any) -> None:
    """Jobs, actors, tasks, workers, environments, events and every log file of it; nor in a command line or package."""
    job = finished["again"].json["id"]
    answers = place.head.everything(job)
    assert [path for path in PATHS if not answers[path]] == []
    assert sum(bool(answer) for answer in answers.values()) > 20
    assert job in answers["/api/jobs/"] and "Transcribe" in answers["/api/v0/actors?detail=1"]
    token = place.head.token_file.read_text()
    for secret in (SECRET, token):
        assert [path for path, answer in answers.items() if secret in answer] == []
        assert holders(place.head.sessions, secret) == []


def test_without_the_token_nothing_is_told(place: Place, finished: Any) -> None:
    assert place.head.status("/api/jobs/") == 200
    assert place.head.status("/api/jobs/", token="wrong") in (401, 403)
    refused = earmark(
        place.home, "jobs", "list", "--address", place.head.url, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="wrong"
    )
    assert refused.code == 2 and "RAY_AUTH_TOKEN_PATH" in refused.err and "Traceback" not in refused.err


def test_a_cluster_that_is_not_there_is_named(place: Place) -> None:
    away = earmark(place.home, "jobs", "list", "--address", "http://127.0.0.1:9", **place.head.client)
    assert (
        away.code == 1 and "nobody answers at http://127.0.0.1:9" in away.err and "Traceback" not in away.err
    )
