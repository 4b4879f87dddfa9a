"""A hundred kinds of bad input among good items, in one run that is watched for the secrets it was given.

The sources stand behind a proxy with a password, the corpus in a Postgres with a password: what a careful
user would set up, and what must not be found anywhere afterwards.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from command import ROOT, WITH_DASHBOARD, environment
from psycopg.rows import dict_row
from spying import Seen, holders, watch
from tcp_postgres import dump, tcp_postgres

from actors.fetch.identity import identify
from tests.bad_case import HIDDEN, Case
from tests.bad_input import build_cases
from tests.bad_lists import MAX_LIST_ENTRIES
from tests.media_server import MediaServer

pytestmark = pytest.mark.timeout(600)

DATABASE_PASSWORD = "planted-secret-of-the-database"
PROXY_PASSWORD = "planted-secret-of-the-proxy"
COOKIE = "planted-secret-of-a-cookie"
COOKIES = f"# Netscape HTTP Cookie File\n.media.test\tTRUE\t/\tFALSE\t0\tsession\t{COOKIE}\n"
SECRETS = (DATABASE_PASSWORD, PROXY_PASSWORD, COOKIE)
"""Given in the environment or a file of the user's, and to be found nowhere else."""


@dataclass(frozen=True)
class Ran:
    """The run, its surroundings, and what it left."""

    home: Path
    cases: tuple[Case, ...]
    code: int
    document: dict[str, Any]
    printed: str
    """Standard output and error."""
    status: str
    """What ``status --videos --failed`` prints afterwards, as text and as JSON."""
    rows: dict[str, dict[str, Any]]
    """Rows of the ledger by video id, lists too."""
    segments: dict[str, str]
    """The stored text of each video."""
    titles: dict[str, str]
    tables: dict[str, list[str]]
    seen: Seen
    requests: Counter[str]
    cookies: str
    """The user's cookie file after the run."""

    def row(self, case: Case) -> dict[str, Any]:
        return self.rows[str(identify(case.address.replace("***", HIDDEN)).video_id)]


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    home = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        with (
            MediaServer(proxy_login=f"earmark:{PROXY_PASSWORD}") as server,
            tcp_postgres("earmark", DATABASE_PASSWORD) as url,
        ):
            yield _run(home, server, url)
    finally:
        shutil.rmtree(home)


def _run(home: Path, server: MediaServer, url: str) -> Ran:
    cases = build_cases(server)
    given = Path(tempfile.mkdtemp(prefix="em-given-"))  # the user's own files, which hold secrets
    sources, cookies = given / "sources.txt", given / "cookies.txt"
    sources.write_text("".join(f"{case.source}\n" for case in cases if not case.in_list))
    cookies.write_text(COOKIES)
    env = {
        **environment(home),
        **WITH_DASHBOARD,
        "DATABASE_URL": url,
        "EARMARK_DOWNLOAD__PROXY": f"http://earmark:{PROXY_PASSWORD}@127.0.0.1:{server.port}",
    }
    run = [sys.executable, str(ROOT / "run.py")]
    changes = {
        "retry.patience_s": 0,
        "download.retries": 1,
        "prefilter.max_list_entries": MAX_LIST_ENTRIES,
        "download.cookies_file": cookies,
    }
    arguments = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
    out, err = given / "out", given / "err"
    try:
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [*run, "ingest", "--from", str(sources), "--profile", "demo", "--json", *arguments],
                cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True,
            )  # fmt: skip
            seen = watch(process, err)
        status = "".join(
            subprocess.run(
                [*run, "status", "--videos", "--failed", *more], cwd=home, env=env, text=True, check=True, capture_output=True,
            ).stdout
            for more in ([], ["--json"])
        )  # fmt: skip
        with psycopg.connect(url, row_factory=dict_row) as connection:
            rows = {row["video_id"]: row for row in connection.execute("select * from ingest_state")}
            segments = connection.execute(
                "select source_id, string_agg(text, ' ' order by ordinal) as text from segments group by 1"
            ).fetchall()
            titles = connection.execute("select source_id, title from sources").fetchall()
        printed = out.read_text() + err.read_text()
        return Ran(
            home, cases, process.returncode, json.loads(out.read_text()), printed, status, rows,
            {row["source_id"]: row["text"] for row in segments},
            {row["source_id"]: row["title"] for row in titles},
            dump(url), seen, Counter(request.path for request in server.requests), cookies.read_text(),
        )  # fmt: skip
    finally:
        shutil.rmtree(given)


def test_every_case_ends_as_the_table_says(ran: Ran) -> None:
    """Status and code of each row of the ledger; what names nothing is refused, in order."""
    expected = {c.name: (c.outcome, c.code) for c in ran.cases if c.outcome != "refused"}
    found = {name: (ran.row(c)["status"], ran.row(c)["code"]) for name, c in _in_ledger(ran).items()}
    assert found == expected
    refused = [case.code for case in ran.cases if case.outcome == "refused"]
    assert [each["code"] for each in ran.document["refused"]] == refused
    assert len(ran.cases) >= 100


def _in_ledger(ran: Ran) -> dict[str, Case]:
    return {case.name: case for case in ran.cases if case.outcome != "refused"}


def test_every_bad_end_names_its_cause_and_what_to_do(ran: Ran) -> None:
    """One printable line of bounded length; failures have a remedy."""
    for case in _in_ledger(ran).values():
        row = ran.row(case)
        if case.outcome == "stored":
            continue
        told = f"{row['reason']} {row['remedy']}"
        assert all(words in told for words in case.says), (case.name, told)
        assert row["reason"] and (row["remedy"] or case.outcome == "skipped"), case.name
        assert told.isprintable() and len(told) < 700, case.name
    for each in ran.document["refused"]:
        assert each["reason"].isprintable() and len(each["source"]) <= 120


def test_nothing_is_lost_and_nothing_is_there_that_nobody_named(ran: Ran) -> None:
    """The rows of the ledger are those of the table; the run's counts are theirs; exit code 1."""
    assert set(ran.rows) == {ran.row(case)["video_id"] for case in _in_ledger(ran).values()}
    outcomes = Counter("lists" if case.code == "list" else case.outcome for case in _in_ledger(ran).values())
    counts = ran.document["counts"]
    assert {name: counts[name] for name in outcomes} == outcomes
    assert ran.document["unaccounted"] == 0 and ran.code == 1
    assert outcomes["stored"] >= 30


def test_what_is_stored_has_its_text_and_its_title(ran: Ran) -> None:
    """Odd sound, odd names and odd titles cost no word; a table that a title meant to drop is still there."""
    stored = [case for case in ran.cases if case.outcome == "stored"]
    for case in stored:
        video_id = ran.row(case)["video_id"]
        assert ran.segments[video_id], case.name
        assert ran.segments[video_id].lower().startswith(case.text.lower()), case.name
        assert not case.title or ran.titles[video_id] == case.title, case.name
    assert set(ran.segments) == {ran.row(case)["video_id"] for case in stored}
    assert all(title.isprintable() and len(title) <= 1000 for title in ran.titles.values())


def test_no_source_leads_where_it_should_not(ran: Ran) -> None:
    """Nothing in a private network was asked; a chain of lists was followed to its bound; no name ran a command."""
    assert ran.requests["/secret.mp3"] == 0
    assert (ran.requests["/chain-4.xml"], ran.requests["/chain-5.xml"]) == (1, 0)
    assert not list(ran.home.rglob("*pwned*")) and not list(ran.home.rglob("*passwd*"))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_planted_secret_is_found_nowhere(ran: Ran, secret: str) -> None:
    """Neither in files, Ray's sessions and our logs included, nor in the corpus, on the terminal, in the
    command lines and environments of the processes of the run, nor in what Ray's dashboard answers."""
    assert holders(ran.home, secret) == []
    assert [table for table, rows in ran.tables.items() if secret in "\n".join(rows)] == []
    assert secret not in ran.printed + ran.status
    assert [line for line in ran.seen.command_lines | ran.seen.environments if secret in line] == []
    assert [path for path, answer in ran.seen.answers.items() if secret in answer] == []


def test_the_cookie_file_is_read_and_nothing_else(ran: Ran) -> None:
    """yt-dlp would write it anew, once for each worker."""
    assert ran.cookies == COOKIES


def test_a_secret_of_a_source_stays_in_the_address_that_needs_it(ran: Ran) -> None:
    """A token in a query is kept where the next attempt must find it, and shown nowhere."""
    assert holders(ran.home, HIDDEN) == []
    assert {table for table, rows in ran.tables.items() if HIDDEN in "\n".join(rows)} == {"ingest_state"}
    held = {column for row in ran.rows.values() for column, value in row.items() if HIDDEN in str(value)}
    assert held == {"url"}
    assert HIDDEN not in ran.printed + ran.status
    assert [path for path, answer in ran.seen.answers.items() if HIDDEN in answer] == []


def test_the_dashboard_was_really_looked_at(ran: Ran) -> None:
    """Actors, tasks and the job answered while the line worked: the search above had something to search."""
    assert "Transcribe" in ran.seen.answers["/api/v0/actors?detail=1"]
    assert "run.py" in ran.seen.answers["/api/v0/jobs"] + ran.seen.answers["/api/jobs/"]
    assert any("raylet" in line for line in ran.seen.command_lines)


def test_nothing_listens_beyond_this_machine(ran: Ran) -> None:
    """Ray, its dashboard and our own processes keep to loopback."""
    beyond = {each for each in ran.seen.listening if each[0] not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")}
    assert ran.seen.listening and beyond == set()


def test_what_is_written_is_its_owners_alone(ran: Ran) -> None:
    """No directory that holds the run's files lets anybody else in, and no transfer is left."""
    for name in ("cache", "logs", "models", "ray"):
        assert (ran.home / name).stat().st_mode & 0o077 == 0, name
    assert list((ran.home / "cache" / "transfers").iterdir()) == []
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if str(ran.home) in " ".join(p.info["cmdline"] or ())
    ]
