"""One actor's counts, on a clock that only goes when it is told to, and with a scoreboard that takes its time."""

import threading
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from pytest import MonkeyPatch

from pipelines import in_hand, meter
from pipelines.in_hand import paused
from pipelines.meter import ANSWER_S, Meter
from pipelines.tally import Tally

LIMIT_S = 900.0


class Clock:
    """In place of ``time``. Who sleeps by it sleeps for good: the meter's own thread sends once."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asleep = threading.Event()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.asleep.set()
        threading.Event().wait()


class Scoreboard:
    """Keeps what it is told; an answer that somebody waits for takes ``slow_s``."""

    def __init__(self, clock: Clock) -> None:
        self.told: list[Tally] = []
        self.slow_s, self._clock = 0.0, clock
        self.report = SimpleNamespace(remote=self._report)

    def _report(self, stage: str, actor: str, life: str, tally: Tally) -> str:
        assert (stage, actor, life) == ("Prepare", "actor-1", "life-1")
        self.told.append(tally)
        return "a reference"

    def answer(self, reference: str, timeout: float) -> None:
        assert (reference, timeout) == ("a reference", ANSWER_S)
        self._clock.now += self.slow_s


@pytest.fixture
def clock(monkeypatch: MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(in_hand, "time", made)
    monkeypatch.setattr(meter, "time", made)
    return made


@pytest.fixture
def scoreboard(clock: Clock, monkeypatch: MonkeyPatch) -> Scoreboard:
    made = Scoreboard(clock)
    ids = SimpleNamespace(get_actor_id=lambda: "actor-1", get_worker_id=lambda: "life-1")
    ray: Any = SimpleNamespace(
        get_runtime_context=lambda: ids, get=made.answer, exceptions=SimpleNamespace(RayError=OSError)
    )
    monkeypatch.setattr(meter, "ray", ray)
    return made


@pytest.fixture
def metered(clock: Clock, scoreboard: Scoreboard) -> Meter:
    made = Meter("Prepare", scoreboard, 3.0)  # type: ignore[arg-type]
    assert clock.asleep.wait(30)
    return made


def test_waiting_for_the_scoreboard_is_no_lack_of_work(
    clock: Clock, scoreboard: Scoreboard, metered: Meter
) -> None:
    """A stage of small rows at its limit would look starved; nor is it work on the row, which took what it took."""
    scoreboard.slow_s = 4.0
    for number in range(3):
        with metered.item(f"video-{number}", 0, 60.0, LIMIT_S):
            clock.now += 1.0
    found = metered.snapshot()
    assert (found.items, found.in_hand, found.audio_s, found.load_s) == (3, 0, 180.0, 3.0)
    assert (found.age_s, found.busy_s, found.starved_s) == (15.0, 15.0, 0.0)
    longest = found.spread.quantile(1.0)
    assert longest is not None and longest < 1.1


def test_the_last_row_is_on_the_scoreboard_before_it_counts_as_done(
    clock: Clock, scoreboard: Scoreboard, metered: Meter
) -> None:
    """Whole, with how long it took: the actor may be ended at once."""
    with metered.item("video", 0, 60.0, LIMIT_S):
        assert scoreboard.told[-1].held[0].label == "video"
        clock.now += 2.0
    last = scoreboard.told[-1]
    assert (last.items, last.in_hand, last.held, last.busy_s) == (1, 0, (), 2.0)
    assert last.spread.sketch.count == 1


def test_an_actors_time_falls_into_its_four_parts(
    clock: Clock, scoreboard: Scoreboard, metered: Meter
) -> None:
    """Whatever its rows wait for; what results hold is counted once it is handed over."""
    clock.now += 5.0
    with metered.item("video", 0, 60.0, LIMIT_S):
        clock.now += 1.0
        with paused():
            clock.now += 2.0
        with metered.handing_over(1000, {"slices": 1}):
            clock.now += 3.0
    found = metered.snapshot()
    assert (found.busy_s, found.paused_s, found.blocked_s, found.starved_s) == (1.0, 2.0, 3.0, 5.0)
    assert (found.bytes_out, found.made) == (1000, {"slices": 1})


def test_a_row_that_fails_is_finished_too(clock: Clock, scoreboard: Scoreboard, metered: Meter) -> None:
    """By the code of its error; the meter lets it pass."""
    with suppress(LookupError), metered.item("video", 0, 60.0, LIMIT_S):
        metered.failed("removed")
        raise LookupError("gone")
    found = scoreboard.told[-1]
    assert (found.items, found.failed, found.codes, found.in_hand) == (1, 1, {"removed": 1}, 0)


def test_a_scoreboard_that_does_not_answer_holds_nobody_up(
    scoreboard: Scoreboard, metered: Meter, monkeypatch: MonkeyPatch
) -> None:
    """It is started again, or the cluster goes down."""

    def unanswered(reference: str, timeout: float) -> None:
        raise OSError("the actor is unavailable")

    monkeypatch.setattr(meter.ray, "get", unanswered)
    with metered.item("video", 0, 60.0, LIMIT_S):
        pass
    assert metered.snapshot().items == 1
