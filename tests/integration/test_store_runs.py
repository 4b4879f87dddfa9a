"""Runs: what a killed driver held is free at once, and a living one is left alone."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from store_rows import RECIPE, spoken, wanted

from actors.errors import LeaseLost
from actors.rows import RunId, VideoId
from actors.store import status
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from actors.store.sql import queries
from tests.waiting import until

ROOT = Path(__file__).parents[2]
DRIVER = """
import sys
sys.path.insert(0, "tests/integration")
from store_rows import RECIPE, wanted
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry

url, names = sys.argv[1], sys.argv[2].split(",")
registry = RunRegistry(url)
run = registry.open_run({})
with Database(url) as database:
    ledger = Ledger(database)
    ledger.ask(run, wanted(*names), RECIPE)
    for request in ledger.claim(run, len(names)):
        ledger.begin_work(request.video_id, "transcribe", 0)
        print(request.video_id, request.fence, flush=True)
    print("ready", run, flush=True)
    sys.stdin.read()
"""


@contextmanager
def driver(url: str, *names: str) -> Iterator[tuple[subprocess.Popen[str], RunId, dict[str, int]]]:
    """A real process that holds ``names`` in a run of its own: process, run, fences."""
    command = [sys.executable, "-c", DRIVER, url, ",".join(names)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said: dict[str, int] = {}
        for line in process.stdout:
            word, number = line.split()
            if word == "ready":
                yield process, RunId(int(number)), said
                return
            said[word] = int(number)
        raise AssertionError("the driver ended early")
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def outcome(database: Database, run: RunId) -> str | None:
    row = database.run(lambda c: c.execute("select outcome from runs where run_id = %s", (run,)).fetchone())
    assert row is not None
    return row["outcome"]


def test_what_a_killed_run_held_is_claimed_by_the_next_at_once(database: Database, database_url: str) -> None:
    """kill -9 of a real driver: its videos go back to the queue, and its late writes are refused."""
    ledger = Ledger(database)
    with driver(database_url, "a", "b") as (process, dead, fences):
        process.send_signal(signal.SIGKILL)
        process.wait()
        with RunRegistry(database_url, grace_s=30.0) as registry:
            run = registry.open_run({})
            assert outcome(database, dead) == "lost"
            ledger.ask(run, wanted("a", "b"), RECIPE)
            assert {request.video_id for request in ledger.claim(run, 5)} == {"a", "b"}
            with pytest.raises(LeaseLost):
                ledger.commit_slice(spoken("a", fences["a"], 0, 1))
            assert ledger.begin_work(VideoId("a"), "transcribe", 0) == 1, "the kill wasn't the slice's fault"


def test_a_living_run_is_left_alone(database: Database, database_url: str) -> None:
    """Opening another run takes nothing from it."""
    ledger = Ledger(database)
    with (
        driver(database_url, "a", "b") as (_, alive, fences),
        RunRegistry(database_url, grace_s=0.1) as registry,
    ):
        run = registry.open_run({})
        assert ledger.ask(run, wanted("a", "b", "c"), RECIPE).held == 2
        assert [request.video_id for request in ledger.claim(run, 5)] == ["c"]
        assert outcome(database, alive) is None
        ledger.enter(VideoId("a"), fences["a"], "prepare")


def test_a_run_can_recover_what_another_lost_while_it_lasts(database: Database, database_url: str) -> None:
    """No need to start anew: recover_lost says how many came back."""
    ledger = Ledger(database)
    with driver(database_url, "a", "b") as (process, _, _), RunRegistry(database_url) as registry:
        run = registry.open_run({})
        ledger.ask(run, wanted("a", "b"), RECIPE)
        assert registry.recover_lost() == 0
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert registry.recover_lost(grace_s=30.0) == 2
        assert len(ledger.claim(run, 5)) == 2


def test_a_broken_connection_is_taken_up_again(database: Database, database_url: str) -> None:
    """The driver lives though its connection was ended: hold() takes the lock again."""
    with RunRegistry(database_url, budget_s=20.0) as registry, RunRegistry(database_url) as other:
        run = registry.open_run({})
        end_other_sessions(database_url)
        registry.hold()
        assert other.recover_lost() == 0
        assert outcome(database, run) is None


def test_a_run_declared_lost_is_told_so(database: Database, database_url: str) -> None:
    """Its connection broke, another run came by, and only then did it notice."""
    with RunRegistry(database_url, budget_s=20.0) as registry, RunRegistry(database_url) as other:
        run = registry.open_run({})
        end_other_sessions(database_url)
        other.open_run({})
        with pytest.raises(LeaseLost, match=f"run {run}"):
            registry.hold()


def end_other_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """select pg_terminate_backend(pid, 5000) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()"""
        )


def test_a_closed_run_keeps_its_figures_and_holds_nothing(database: Database, database_url: str) -> None:
    """What it still held goes back to the queue; credentials in its settings are not kept."""
    ledger = Ledger(database)
    registry = RunRegistry(database_url)
    run = registry.open_run(
        {"store": {"url": "postgresql://me:hunter2@host/db"}, "args": ["password=hunter2"]}
    )
    ledger.ask(run, wanted("a"), RECIPE)
    ledger.claim(run, 1)
    registry.close_run("stopped", {"videos": 0})
    row = status.last_run(database)
    assert row is not None
    assert (row["outcome"], row["figures"], row["finished_at"] is not None) == (
        "stopped",
        {"videos": 0},
        True,
    )
    assert "hunter2" not in str(row)
    assert ledger.counts(run).pending == 1


def test_twenty_runs_opened_at_once_do_not_declare_each_other_lost(
    database: Database, database_url: str
) -> None:
    """A run is locked before anybody can see it."""
    registries = [RunRegistry(database_url, grace_s=0.05) for _ in range(20)]
    with ThreadPoolExecutor(10) as threads:
        runs = list(threads.map(lambda registry: registry.open_run({}), registries))
    assert len(set(runs)) == 20
    assert all(outcome(database, run) is None for run in runs)
    for registry in registries:
        registry.hold()
        registry.disconnect()


def test_nothing_is_claimed_for_a_run_that_has_ended(database: Database, database_url: str) -> None:
    """Its source may live on for a moment, as after a raylet was killed: what it took then would be nobody's."""
    ledger = Ledger(database)
    with RunRegistry(database_url) as registry:
        run = registry.open_run({})
        ledger.ask(run, wanted("a"), RECIPE)
        registry.close_run("failed", {})
        with pytest.raises(LeaseLost, match=f"run {run} has ended"):
            ledger.claim(run, 1)
    found = status.video(database, "a")
    assert found is not None and found.status == "pending"


def test_the_end_of_a_run_puts_back_what_is_being_claimed_at_that_moment(
    database: Database, database_url: str
) -> None:
    """The end waits for the claim's commit, and sees what it took."""
    ledger = Ledger(database)
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    with (
        RunRegistry(database_url) as registry,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(database_url) as source,
        psycopg.connect(database_url, autocommit=True) as onlooker,
    ):
        run = registry.open_run({})
        ledger.ask(run, wanted("a"), RECIPE)
        what = {"run_id": run, "claim": uuid.uuid4(), "limit": 1, "sites": [], "shares": []}
        source.execute(queries("ledger")["open_run"], what)
        assert source.execute(queries("ledger")["claim"], what).rowcount == 1
        ending = pool.submit(registry.close_run, "failed", {})
        assert until(lambda: ending.done() or onlooker.execute(waits).fetchone() != (0,), 30, 0.01)
        assert not ending.done()
        source.commit()
        ending.result(30)
    found = status.video(database, "a")
    assert found is not None and found.status == "pending"
