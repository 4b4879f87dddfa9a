"""Permits on a real Postgres: shared by processes, kept over restarts, free of secrets."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_rows import RECIPE, Wanted, wanted

from actors.errors import PermanentError, SoftBlocked, TransientError
from actors.fetch.admission import NotNow
from actors.fetch.governor import BURST
from actors.fetch.identity import identify
from actors.fetch.prefilter import Prefilter
from actors.rows import Request, Video
from actors.store import status
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits
from configs.patience import GovernorSettings
from configs.settings import DownloadSettings, PrefilterSettings
from pipelines import gate as gate_module
from pipelines.gate import HOLD_S, Gate
from pipelines.stage import Worker
from tests.media_server import Fault, MediaServer

ROOT = Path(__file__).parents[2]
PER_S = 20
TAKER = f"""
import sys, time
from actors.store.database import Database
from actors.store.permits import Permits
from configs.patience import GovernorSettings

with Database(sys.argv[1], pool_size=1) as database:
    permits = Permits(database, GovernorSettings(youtube_videos_per_h={PER_S * 3600}), "10.0.0.1", "guest")
    given = 0
    while given < int(sys.argv[2]):
        wait_s = permits.take("youtube")
        given += wait_s == 0
        time.sleep(wait_s)
"""


def permits(database: Database, session: str = "guest", **settings: float) -> Permits:
    return Permits(database, GovernorSettings(**settings), "10.0.0.1", session)


def test_processes_together_never_exceed_the_bucket(database_url: str) -> None:
    """Two at once take 30 permits each, a third comes after them: all 70 within burst and rate."""
    started = time.monotonic()
    two = [subprocess.Popen([sys.executable, "-c", TAKER, database_url, "30"], cwd=ROOT) for _ in range(2)]
    assert [process.wait(timeout=120) for process in two] == [0, 0]
    with Database(database_url, pool_size=1) as database:
        (bucket,) = permits(database).buckets()[0].values()
        assert 50 < bucket.recent <= 60
    third = subprocess.run(
        [sys.executable, "-c", TAKER, database_url, "10"], cwd=ROOT, timeout=120, check=False
    )
    assert third.returncode == 0
    assert BURST + PER_S * (time.monotonic() - started) >= 70


def test_a_block_told_by_one_holds_all_of_that_exit_and_session(database: Database) -> None:
    """Not those with another session, nor another source; and it is in the database, not in a process."""
    assert permits(database).blocked("youtube", asked_ago_s=0.0) == pytest.approx(900, abs=1)
    assert permits(database).take("youtube") == pytest.approx(900, abs=60)
    assert permits(database).blocked("youtube", asked_ago_s=60.0) == pytest.approx(900, abs=60), (
        "the same block"
    )
    assert permits(database, session="cookies-1a2b").take("youtube") == 0
    assert permits(database).take("example.org") == 0
    buckets, now_s = permits(database).buckets()
    assert buckets["youtube"].learned_per_h == pytest.approx(168)
    assert buckets["youtube"].pause_left_s(now_s) > 800
    assert buckets["example.org"].learned_per_h is None
    permits(database).let_through("youtube")
    assert permits(database).buckets()[0]["youtube"].learned_per_h == pytest.approx(169.68)


def test_no_secret_is_kept(database: Database) -> None:
    """A proxy's password and a cookie file's path stay out of the rows."""
    download = DownloadSettings(
        proxy="http://me:hunter2@proxy.example:3128",  # type: ignore[arg-type]
        cookies_file="/home/me/hunter2.txt",  # type: ignore[arg-type]
    )
    Permits.of(database, GovernorSettings(), download).take("youtube")
    (row,) = database.run(
        lambda c: c.execute("select row(g.*)::text as all_of_it, exit from governor g").fetchall()
    )
    assert "hunter2" not in row["all_of_it"]
    assert row["exit"] == "proxy.example:3128"


def claimed(ledger: Ledger, run, url: str) -> Request:  # type: ignore[no-untyped-def]
    ledger.ask(run, [Wanted(identify(url).video_id, url)], RECIPE)
    (request,) = ledger.claim(run, 1)
    return request


def two_exits(database: Database) -> tuple[Permits, Permits]:
    """Permits of two nodes with addresses of their own."""
    first, second = (
        Permits(database, GovernorSettings(jitter=0.0), exit_, "guest") for exit_ in ("10.0.0.1", "10.0.0.2")
    )
    return first, second


def asking(gate: Gate, answer: Exception) -> Worker:
    """Work that asks a source, which answers so."""

    def work(request: Request) -> Iterator[None]:
        with gate(request.url):
            raise answer
        yield

    return work


def test_a_block_pauses_the_source_and_fails_no_video(  # type: ignore[no-untyped-def]
    database: Database, ledger: Ledger, new_run, tmp_path: Path
) -> None:
    """A server that suspects a robot: the video is on the queue again, its attempt not counted, and after
    the pause it can be had."""
    run, governor = new_run(), permits(database, first_pause_s=0.2, other_videos_per_h=36_000)
    gate = Gate(governor, ledger)
    prefilter = Prefilter(PrefilterSettings(), DownloadSettings(), tmp_path, gate)
    work = gate.governed(lambda request: iter([prefilter(request)]))
    challenge = Fault(times=1, status=403, headers={"cf-mitigated": "challenge"})
    with MediaServer() as server:
        request = claimed(ledger, run, server.add("/talk.wav", b"RIFF" + bytes(5000), challenge))
        assert list(work(request)) == []
        row = status.video(database, request.video_id)
        assert row is not None
        assert (row.status, row.attempts, row.code) == ("pending", 0, None)
        bucket = governor.buckets()[0]["127.0.0.1"]
        assert bucket.refused_since_s is not None
        while not (due := ledger.claim(run, 1)):
            time.sleep(0.05)
        (video,) = work(due[0])
    assert isinstance(video, Video)
    assert governor.buckets()[0]["127.0.0.1"].refused_since_s is None


def test_an_answer_of_any_kind_is_an_answer_and_a_failure_is_none(database: Database, ledger: Ledger) -> None:
    """A refusal of the video shows that the source talks to us; a broken connection shows nothing."""
    governor = permits(database, first_pause_s=0.01)
    gate = Gate(governor, ledger)
    for error, answers in (
        (PermanentError("gone"), True),
        (TransientError("reset"), False),
        (SoftBlocked("x"), False),
    ):
        time.sleep(max(0.0, governor.blocked("example.org", asked_ago_s=0.0)))
        with pytest.raises(type(error)), gate("https://example.org/a"):
            raise error
        assert (governor.buckets()[0]["example.org"].refused_since_s is None) is answers


def test_a_file_needs_no_permit(database: Database, ledger: Ledger) -> None:
    """Nothing is asked of anybody, and nothing written."""
    with Gate(permits(database), ledger)("file:///tmp/a.mp3"):
        pass
    assert permits(database).buckets()[0].keys() == {"youtube"}


def test_who_would_wait_long_comes_back_later(database: Database, ledger: Ledger, new_run) -> None:  # type: ignore[no-untyped-def]
    """Beyond what an actor holds out the video goes back, and the source was not asked."""
    governor = permits(database, first_pause_s=HOLD_S * 10)
    gate = Gate(governor, ledger)
    governor.blocked("example.org", asked_ago_s=0.0)
    run = new_run()
    ledger.ask(run, wanted("a"), RECIPE)
    (request,) = ledger.claim(run, 1)

    assert (
        list(gate.governed(asking(gate, AssertionError("the source was asked during its pause")))(request))
        == []
    )
    row = status.video(database, "a")
    assert row is not None
    assert row.not_before is not None
    assert (row.status, row.attempts) == ("pending", 0)
    with pytest.raises(NotNow), gate("https://example.org/a"):
        pass


def test_a_video_that_one_exit_can_not_ask_for_waits_only_for_the_next_that_can(
    database: Database,
    ledger: Ledger,
    new_run,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    """On a cluster. The turned away node holds it for a moment, lest it be the idlest, and then it is free for the others."""
    monkeypatch.setattr(gate_module, "HOLD_S", 0.3)
    here, there = two_exits(database)
    assert there.take("example.org") == 0
    gate, run = Gate(here, ledger, several_exits=True), new_run()
    ledger.ask(run, wanted("a", "b"), RECIPE)
    first, second = ledger.claim(run, 2)
    work = gate.governed(asking(gate, SoftBlocked("a robot")))

    assert list(work(first)) == []
    assert here.take("example.org") > 800
    began_s = time.monotonic()
    assert list(work(second)) == []
    assert time.monotonic() - began_s >= 0.3, "the idlest actor of all gives nothing back at once"
    until = time.monotonic() + 20
    taken: set[str] = set()
    while len(taken) < 2:
        assert time.monotonic() < until, "they wait for the exit that is turned away"
        taken |= {request.video_id for request in ledger.claim(run, 2)}
        time.sleep(0.05)


def test_where_all_exits_are_turned_away_a_video_waits_for_the_first_that_is_not(
    database: Database,
    ledger: Ledger,
    new_run,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.setattr(gate_module, "HOLD_S", 0.0)
    here, there = two_exits(database)
    here.blocked("example.org", asked_ago_s=0.0, retry_after_s=3000)
    there.blocked("example.org", asked_ago_s=0.0)
    assert here.shortest_wait_s("example.org") == pytest.approx(900, abs=5)
    gate, run = Gate(here, ledger, several_exits=True), new_run()
    ledger.ask(run, wanted("a"), RECIPE)
    (request,) = ledger.claim(run, 1)

    assert (
        list(gate.governed(asking(gate, AssertionError("the source was asked during its pause")))(request))
        == []
    )
    left_s = "select extract(epoch from not_before - now())::float8 as s from ingest_state"
    (row,) = database.run(lambda c: c.execute(left_s).fetchall())
    assert 800 < row["s"] < 960
