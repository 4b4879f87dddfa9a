"""A database that is away holds up nobody who looks at a run."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from counts import run_counts

from actors.errors import LeaseLost, TransientError
from actors.rows import RunId
from actors.store.outlook import Outlook
from configs.settings import Settings
from pipelines import database_watch, watcher
from pipelines.database_watch import DatabaseWatch
from pipelines.last_resort import LastResort
from pipelines.source_waits import SourceWaits
from pipelines.tally import Board, Tally
from pipelines.watcher import Watcher
from tests import waiting

LIMIT_S = 20.0
COUNTS = run_counts(to_do=5, running=2, pending=3)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_watch, "ANSWER_S", 0.02)
    monkeypatch.setattr(watcher, "POLL_S", 0.02)


def until(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    assert waiting.until(condition, LIMIT_S, 0.01), "it never came"


@pytest.fixture
def is_here() -> Iterator[threading.Event]:
    """Whether the database answers; it does in the end, so that nothing is left waiting."""
    event = threading.Event()
    event.set()
    yield event
    event.set()


def test_counts_are_of_this_moment_while_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look waits for the answer, and what is known is no older than it."""
    monkeypatch.setattr(database_watch, "ANSWER_S", LIMIT_S)
    answers = iter([COUNTS, run_counts(stored=5)])
    with DatabaseWatch(lambda: next(answers), lambda: None) as watch:
        assert watch.counts is None
        assert watch.look() == COUNTS == watch.counts
        assert watch.look() == run_counts(stored=5) == watch.counts
        assert watch.away_s == 0.0


def test_a_look_does_not_wait_for_a_database_that_is_away(is_here: threading.Event) -> None:
    """A bug: it sat there for 90 s, and every metric vanished. One question is asked, not one a look."""
    n_asked = 0

    def ask() -> Any:
        nonlocal n_asked
        n_asked += 1
        is_here.wait(LIMIT_S)
        return COUNTS

    with DatabaseWatch(ask, lambda: None) as watch:
        until(lambda: watch.look() == COUNTS)
        asked_before = n_asked
        is_here.clear()
        away_s = []
        for _ in range(3):
            assert watch.look() is None
            away_s.append(watch.away_s)
        assert watch.counts == COUNTS, "as told last"
        assert 0 < away_s[0] < away_s[1] < away_s[2]
        is_here.set()
        until(lambda: watch.look() is not None)
        assert watch.away_s == 0.0
        assert n_asked <= asked_before + 2


def test_a_database_that_says_no_is_away_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the patience is over; the next look asks anew."""
    monkeypatch.setattr(database_watch, "ANSWER_S", LIMIT_S)
    answers: list[Any] = [TransientError("connection refused", code="database")]

    def ask() -> Any:
        if answers:
            raise answers.pop()
        return COUNTS

    with DatabaseWatch(ask, lambda: None) as watch:
        assert watch.look() is None and watch.away_s > 0
        assert "no state to show: connection refused" in caplog.text
        assert watch.look() == COUNTS and watch.away_s == 0.0


@pytest.mark.parametrize("lost_by", ["ask", "tell"])
def test_a_run_that_another_one_took_over_is_told_so(lost_by: str) -> None:
    """Whether it was asked or told."""

    def lose() -> Any:
        raise LeaseLost("another run took over")

    watch = DatabaseWatch(
        lose if lost_by == "ask" else lambda: COUNTS, lose if lost_by == "tell" else lambda: None
    )
    with watch, pytest.raises(LeaseLost):
        for _ in range(1000):
            watch.look()
            watch.tell()
            time.sleep(0.01)


def test_an_error_that_nobody_foresaw_comes_out() -> None:
    """Unwatched a run could hang."""

    def ask() -> Any:
        raise LookupError("a fault")

    with DatabaseWatch(ask, lambda: None) as watch, pytest.raises(LookupError):
        until(lambda: watch.look() is not None)


class Course:
    """Remembers how long the database was away at each look."""

    def __init__(self) -> None:
        self.waits = SourceWaits()
        self.away_s: list[float] = []

    def look(self, board: Board, counts: object, away_s: float) -> None:
        assert counts == COUNTS and board.stages()["Prepare"].items == 7
        self.away_s.append(away_s)

    def tell(self) -> None:
        pass


class Quiet:
    """Registry, ledger, queue and display of a run in which nothing happens but that the database comes and goes."""

    def __init__(self, is_here: threading.Event) -> None:
        self._is_here = is_here

    def hold(self) -> None:
        assert self._is_here.wait(LIMIT_S)

    def counts(self, run_id: RunId) -> object:
        return COUNTS

    def outlook(self) -> Outlook:
        return Outlook(())

    def show(self, progress: object) -> None:
        pass


class Unasked(Watcher):
    """Has its board without a scoreboard."""

    def _read(self) -> bool:
        return True


def test_metrics_go_on_while_the_database_is_away(is_here: threading.Event) -> None:
    """The run is shown to its course at every look, with the last counts and for how long there was no answer."""
    quiet: Any = Quiet(is_here)
    course: Any = Course()
    none: Any = None
    resort = LastResort(lambda forgive: None, lambda: None)
    watch = Unasked(
        RunId(1), none, quiet, none, quiet, none, Settings(), quiet, ["Prepare"], resort, course,
    )  # fmt: skip
    watch._ledger = quiet
    watch.board = Board({"Prepare": {"an actor": Tally(items=7)}}, began_at=time.time())
    with watch.watching():
        until(lambda: 0.0 in course.away_s)
        is_here.clear()
        until(lambda: len([away_s for away_s in course.away_s if away_s > 0.2]) >= 3)
        is_here.set()
        until(lambda: course.away_s[-1] == 0.0)
    assert watch.ended is None
