"""What passes is tried again, what doesn't is named: two real runs against servers that fail in every way."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import Answer, earmark

from tests.corpus import speech_item
from tests.encoding import Encoding
from tests.media_server import Fault, MediaServer

pytestmark = pytest.mark.timeout(600)

SETTINGS = {
    "retry.first_s": 0.5, "retry.patience_s": 5, "retry.cap_s": 60,
    "governor.first_pause_s": 20, "governor.other_videos_per_h": 36_000, "identify.enabled": 0,
}  # fmt: skip
"""A pause of 20 s is seen by whoever looks once a second, also on a machine so busy that a look takes a second and ten times
as long lies before the next; the one that a run ends by must outlast the run's end, and is longer."""
CHALLENGE = {"cf-mitigated": "challenge"}
"""What Cloudflare sends with a 403 to whom it takes for a robot; yt-dlp says so, and that is a soft block."""
FAULTS = {
    "fine": Fault(),
    "flaky": Fault(times=1, status=503, headers={"Retry-After": "2"}),
    "throttled": Fault(times=1, status=429, headers={"Retry-After": "1"}),
    "missing": Fault(status=404),
    "suspect": Fault(times=1, status=403, headers=CHALLENGE),
    "neighbour": Fault(),
    "later": Fault(status=429, headers={"Retry-After": "600"}),
    "gone": Fault(),
}
OTHER_SITE = ("suspect", "neighbour", "later")
"""Served under another name: a source of its own."""


@dataclass(frozen=True)
class Runs:
    """Two runs: ``ingest`` of all, then ``retry`` of what was left, with the ledger after each."""

    first: Answer
    rows: dict[str, dict[str, Any]]
    failed: Answer
    failed_told: str
    nothing_due: Answer
    second: Answer
    rows_after: dict[str, dict[str, Any]]
    n_requests: dict[str, int]
    """Requests for each file during the first run."""
    n_missing: int
    """Requests for the missing file in both."""


def with_settings(**more: float) -> list[str]:
    values = {**SETTINGS, **{name.replace("__", "."): value for name, value in more.items()}}
    assignments = [f"{name}={value}" for name, value in values.items()]
    return ["--profile", "demo", *(part for each in assignments for part in ("--set", each))]


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Real servers, yt-dlp, recogniser, database and Ray."""
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    paths = {name: home / f"{name}.wav" for name in FAULTS}
    for seed, path in enumerate(paths.values(), start=300):
        speech_item(path, Encoding("pcm_s16le"), seed=seed, duration_s=5)
    with MediaServer() as passing:
        gone_port = passing.port
    try:
        with MediaServer() as server:
            urls = {name: server.add(f"/{name}.wav", paths[name], fault) for name, fault in FAULTS.items()}
            urls |= {name: urls[name].replace("127.0.0.1", "localhost") for name in OTHER_SITE}
            urls["gone"] = f"http://127.0.0.1:{gone_port}/gone.wav"

            def rows() -> dict[str, dict[str, Any]]:
                found = earmark(home, "status", "--videos", "--json").json["videos"]
                by_url = {row["url"]: row for row in found}
                return {name: by_url[url] for name, url in urls.items()}

            first = earmark(home, "ingest", *urls.values(), *with_settings(), "--json")
            after_first = rows()
            n_requests = {name: server.count(f"/{name}.wav") for name in urls}
            failed = earmark(home, "status", "--failed", "--json")
            failed_told = earmark(home, "status", "--failed").out
            nothing_due = earmark(home, "retry", "--code", "throttled", *with_settings(), "--json")

            server.add("/later.wav", paths["later"], Fault(status=403, headers=CHALLENGE))
            with MediaServer(port=gone_port) as back:
                back.add("/gone.wav", paths["gone"])
                second = earmark(
                    home,
                    "retry",
                    "--all",
                    *with_settings(governor__patience_s=0, governor__first_pause_s=600),
                    "--json",
                )
            yield Runs(
                first, after_first, failed, failed_told, nothing_due, second, rows(), n_requests,
                server.count("/missing.wav"),
            )  # fmt: skip
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)


def test_what_passes_is_stored_in_the_same_run(runs: Runs) -> None:
    """503 and 429 with Retry-After: two attempts each, and no more requests than it takes."""
    ends = {name: (row["status"], row["attempts"]) for name, row in runs.rows.items()}
    assert (ends["fine"], ends["flaky"], ends["throttled"]) == (("stored", 1), ("stored", 2), ("stored", 2))
    assert [runs.n_requests[name] for name in ("fine", "flaky", "throttled")] == [2, 3, 3]


def test_a_soft_block_pauses_its_source_and_counts_against_nobody(runs: Runs) -> None:
    """All of that source are stored after the pause, with one attempt each; the pause was said."""
    for name in ("suspect", "neighbour"):
        assert (runs.rows[name]["status"], runs.rows[name]["attempts"]) == ("stored", 1), name
    assert runs.n_requests["suspect"] == 3
    assert "localhost pauses until" in runs.first.err
    assert "127.0.0.1 pauses" not in runs.first.err


def test_what_is_permanent_is_tried_once(runs: Runs) -> None:
    """One request, one attempt, in both runs; and it is never due."""
    row = runs.rows["missing"]
    assert (row["status"], row["code"], row["permanent"], row["attempts"]) == ("failed", "not_found", True, 1)
    assert row["not_before"] is None
    assert (runs.n_requests["missing"], runs.n_missing) == (1, 1)


def test_what_doesnt_pass_is_tried_within_the_runs_patience_and_named_with_its_time(runs: Runs) -> None:
    """A server that is gone: several attempts, then failed for now, due later than the patience; exit 1."""
    assert runs.first.code == 1
    by_id = {row["id"]: row for row in runs.first.json["failed"]}
    assert by_id.keys() == {runs.rows[name]["id"] for name in ("missing", "gone", "later")}
    row = by_id[runs.rows["gone"]["id"]]
    assert (row["code"], row["permanent"]) == ("network", False)
    assert row["attempts"] >= 4
    ended = datetime.fromisoformat(row["finished_at"])
    assert (datetime.fromisoformat(row["not_before"]) - ended).total_seconds() > 4
    later = by_id[runs.rows["later"]["id"]]
    assert (later["code"], later["attempts"]) == ("throttled", 1)
    assert (datetime.fromisoformat(later["not_before"]) - ended).total_seconds() > 500
    assert (
        runs.first.json["counts"] | {"pending": 0, "running": 0, "failed": 3, "stored": 5}
        == runs.first.json["counts"]
    )


def test_status_lists_failures_with_reason_remedy_and_when_they_are_due(runs: Runs) -> None:
    """As data and as text."""
    rows = {row["id"]: row for row in runs.failed.json["failed"]}
    assert len(rows) == 3
    assert all(row["reason"] and row["remedy"] and row["attempts"] for row in rows.values())
    at = datetime.fromisoformat(rows[runs.rows["later"]["id"]]["not_before"]).astimezone()
    (told,) = [line for line in runs.failed_told.splitlines() if runs.rows["later"]["id"] in line]
    assert f"Due {at:%Y-%m-%d %H:%M:%S} (attempt 2)" in told
    (told,) = [line for line in runs.failed_told.splitlines() if runs.rows["missing"]["id"] in line]
    assert "Due" not in told


def test_retry_with_nothing_due_says_when_something_will_be(runs: Runs) -> None:
    """No run is started, exit 0."""
    document = runs.nothing_due.json
    assert runs.nothing_due.code == 0
    assert (document["run"], document["due"], document["later"]) == (None, 0, 1)
    assert datetime.fromisoformat(document["next_due"]) > datetime.now(UTC)


def test_retry_feeds_what_failed_for_now_out_of_the_ledger(runs: Runs) -> None:
    """The server is back: stored. Nothing else was asked for again."""
    asked = runs.second.json["asked"]
    assert (asked["again"], sum(asked.values())) == (2, 2)
    assert runs.rows_after["gone"]["status"] == "stored"
    assert runs.rows_after["gone"]["attempts"] == runs.rows["gone"]["attempts"] + 1


def test_a_source_that_lets_nothing_through_ends_the_run_and_leaves_its_videos_on_the_queue(
    runs: Runs,
) -> None:
    """Without patience the first block is enough: exit 1, no verdict, no attempt counted."""
    document = runs.second.json
    assert runs.second.code == 1
    (source,) = document["turned_away"]
    assert (source["site"], source["videos"]) == ("localhost", 1)
    assert (document["counts"]["pending"], document["counts"]["failed"], document["counts"]["stored"]) == (
        1,
        0,
        1,
    )
    row = runs.rows_after["later"]
    assert (row["status"], row["attempts"], row["code"]) == ("pending", 1, None)
