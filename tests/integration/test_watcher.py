"""The eye on a run: a real database, a real scoreboard, and what happens to both."""

import io
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import ray
from rich.console import Console
from store_rows import RECIPE, wanted

from actors.rows import RunId
from actors.store.database import Database
from actors.store.embedded import ensure_server, stop_server
from actors.store.ledger import Ledger
from actors.store.migrations import migrate
from actors.store.run_counts import RunCounts
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry, lock_key
from actors.store.status import video
from cluster.connect import Engine, engine
from cluster.telemetry import MachineSampler
from configs.engine import RaySettings
from configs.settings import Settings
from pipelines import database_watch
from pipelines import watcher as module
from pipelines.course import Course
from pipelines.last_resort import LastResort
from pipelines.progress import Display
from pipelines.scoreboard import Scoreboard
from pipelines.signals import interruptible
from pipelines.tally import Board, Tally
from pipelines.watcher import Watcher
from tests import waiting

LIMIT_S = 60.0
SETTINGS = RaySettings(dashboard=False, object_store_bytes=100_000_000)


_started: list[Engine] = []


@pytest.fixture(scope="module")
def ray_home() -> Iterator[Path]:
    """A small Ray of our own, and nothing of it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    with engine(SETTINGS, home / "ray", n_cpus=1, n_gpus=0) as started:
        _started.append(started)
        yield home
    assert not ray.is_initialized()
    shutil.rmtree(home)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    monkeypatch.setattr(module, "RECOVER_EVERY_S", 0.0)


def until(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    assert waiting.until(condition, LIMIT_S, 0.02), "it never came"


def watch(
    run_id: RunId, database: Database, registry: RunRegistry, screen: io.StringIO | None = None,
    last_resort: LastResort | None = None, course: Course | None = None,
) -> Watcher:  # fmt: skip
    scoreboard: Any = Scoreboard
    display = Display(Console(file=screen or io.StringIO()))
    settings = Settings()
    queue = RunQueue(database, run_id, settings)
    return Watcher(
        run_id,
        database,
        registry,
        scoreboard.remote(),
        display,
        _started[-1],
        settings,
        queue,
        ["Transcribe"],
        last_resort or LastResort(lambda forgive: None, lambda: None),
        course or Course(registry, MachineSampler(), {}),
    )


class RememberingCourse(Course):
    """Remembers how long the database was away at each look."""

    def __init__(self, registry: RunRegistry) -> None:
        super().__init__(registry, MachineSampler(), {})
        self.away_s: list[float] = []

    def look(self, board: Board, counts: RunCounts, database_away_s: float = 0.0) -> None:
        super().look(board, counts, database_away_s)
        self.away_s.append(database_away_s)


def test_a_run_that_another_one_took_over_is_interrupted(
    ray_home: Path, database: Database, database_url: str
) -> None:
    """The main thread, busy with the line, gets a KeyboardInterrupt, and why stands in ``ended``."""
    with RunRegistry(database_url) as ours, RunRegistry(database_url) as theirs:
        run_id = ours.open_run({})
        Ledger(database).ask(run_id, wanted("v"), RECIPE)
        (request,) = Ledger(database).claim(run_id, 1)
        ours.disconnect()  # as when a network is gone for longer than the other run waits
        theirs.open_run({})
        resort = LastResort(lambda forgive: None, lambda: None)
        watcher = watch(run_id, database, ours, last_resort=resort)
        with pytest.raises(KeyboardInterrupt), interruptible(), watcher.watching():
            threading.Event().wait(LIMIT_S)
        resort.call_off()
        assert watcher.ended is not None
        assert "another run took over" in str(watcher.ended)
        assert "same command again" in str(watcher.ended)
        found = video(database, request.video_id)
        assert found is not None and found.status == "pending"


def test_what_a_dead_run_held_is_taken_over(ray_home: Path, database: Database, database_url: str) -> None:
    """While our line works another driver dies: its video goes back to the queue, and we are not disturbed."""
    ledger = Ledger(database)
    with RunRegistry(database_url) as ours, RunRegistry(database_url) as theirs:
        run_id = ours.open_run({})
        their_run = theirs.open_run({})
        ledger.ask(their_run, wanted("theirs"), RECIPE)
        (held,) = ledger.claim(their_run, 1)
        ledger.ask(run_id, wanted("theirs"), RECIPE)
        assert ledger.claim(run_id, 1) == []
        watcher = watch(run_id, database, ours)
        with watcher.watching():
            theirs.disconnect()
            until(lambda: video(database, "theirs").status == "pending")  # type: ignore[union-attr]
        assert watcher.ended is None
        (taken,) = ledger.claim(run_id, 1)
        assert (taken.video_id, taken.fence > held.fence) == ("theirs", True)


def test_progress_is_shown_and_the_last_figures_are_read(
    ray_home: Path, database: Database, database_url: str
) -> None:
    """Counts from the ledger, figures of the stages from the scoreboard; what was reported last is on the
    board when the watching ends."""
    screen = io.StringIO()
    with RunRegistry(database_url) as registry:
        run_id = registry.open_run({})
        Ledger(database).ask(run_id, wanted("a", "b"), RECIPE)
        watcher = watch(run_id, database, registry, screen)
        board: Any = watcher._scoreboard
        with watcher.watching():
            ray.get(
                board.report.remote("Transcribe", "actor-1", "its process", Tally(in_hand=1, audio_s=1800.0))
            )
            until(lambda: "0/2 videos stored" in screen.getvalue())
            ray.get(
                board.report.remote("Transcribe", "actor-1", "its process", Tally(items=7, audio_s=3600.0))
            )
        assert "0.50 h transcribed" in screen.getvalue()
        assert "in hand: Transcribe 1" in screen.getvalue()
        assert watcher.board.stages()["Transcribe"].items == 7
        assert watcher.board.began_at is not None


def test_a_database_that_is_away_for_a_while_is_survived(
    ray_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The server stops and comes back: it is said, the run goes on and is looked at all the time, and it holds its
    lock again, so that no other run takes it for dead."""
    place = ray_home / "postgres"
    url = ensure_server(place)
    try:
        migrate(url)
        with RunRegistry(url, budget_s=0.2) as registry, Database(url, budget_s=0.2) as database:
            run_id = registry.open_run({})
            course = RememberingCourse(registry)
            watcher = watch(run_id, database, registry, course=course)
            board: Any = watcher._scoreboard
            ray.get(board.report.remote("Transcribe", "actor-1", "its process", Tally(in_hand=1)))
            with caplog.at_level(logging.WARNING, logger=database_watch.__name__), watcher.watching():
                until(lambda: 0.0 in course.away_s)
                stop_server(place)
                until(lambda: "no state to show" in caplog.text)
                until(lambda: course.away_s[-1] > 0.5)
                ensure_server(place)
                until(lambda: _is_locked(url, run_id))
                until(lambda: course.away_s[-1] == 0.0)
            assert watcher.ended is None
            with RunRegistry(url, grace_s=0.0) as other:
                other.open_run({})
                registry.hold()  # raises LeaseLost if the other one took it
    finally:
        stop_server(place)


def _is_locked(url: str, run_id: RunId) -> bool:
    key = lock_key(run_id)
    with psycopg.connect(url) as connection:
        held = connection.execute(
            "select (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and granted"
        ).fetchall()
    return (key,) in held
