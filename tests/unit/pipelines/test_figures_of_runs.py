"""What is kept of a run while it goes on: its figures, out of what the scoreboard, Ray Data and the queue tell."""

from types import SimpleNamespace
from typing import Any

import pytest
from counts import run_counts
from pytest import MonkeyPatch

from actors.store.outlook import Group, Hold, Outlook
from cluster.telemetry import MachineSight
from pipelines import course as module
from pipelines.course import NOTE_EVERY_S, Course
from pipelines.queues import Queues, QueueSight
from pipelines.tally import Board, Tally


class Registry:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.noted: list[dict[str, Any]] = []

    def note(self, figures: dict[str, Any]) -> None:
        self.noted.append(figures)


@pytest.fixture
def clock(monkeypatch: MonkeyPatch) -> SimpleNamespace:
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: made.now, monotonic=lambda: made.now))
    return made


def test_a_runs_figures_are_of_the_actors_that_are_still_there(
    clock: SimpleNamespace, monkeypatch: MonkeyPatch
) -> None:
    """And of all that was done by those that are not; after the last execution as before its end."""
    queues = Queues()
    monkeypatch.setattr(module, "queues", queues)
    registry = Registry()
    course = Course(registry, SimpleNamespace(sample=lambda: MachineSight(1.0, (), 0.5, None)), {"cpus": 2})  # type: ignore[arg-type]
    actors = {name: Tally(items=3, busy_s=5.0, age_s=10.0, silent_s=0.5) for name in ("01", "02", "03")}
    board = Board({"Prepare": actors}, began_at=990.0)
    for members in (("01", "02", "03"), ("01",), None):
        if members is None:
            queues.forget()
        else:
            queues._seen = {"Prepare": QueueSight(2, 1, len(members), frozenset(members))}
        course.look(board, run_counts(to_do=9, pending=4))
        clock.now += NOTE_EVERY_S
    kept = [figures["stages"]["Prepare"] for figures in registry.noted]
    assert [(each["actors"], each["actors_peak"], each["items"]) for each in kept] == [
        (3, 3, 9),
        (1, 3, 9),
        (1, 3, 9),
    ]
    assert [each["line_s"] for each in registry.noted] == [10.0, 12.0, 14.0]
    (scaling,) = registry.noted[-1]["scalings"]
    assert (scaling["before"], scaling["after"], scaling["why"]) == (3, 1, "3 rows waited before it")


def test_a_runs_figures_say_how_long_its_sources_were_waited_for(
    clock: SimpleNamespace, monkeypatch: MonkeyPatch
) -> None:
    """As the report reads them."""
    monkeypatch.setattr(module, "queues", Queues())
    registry = Registry()
    course = Course(registry, SimpleNamespace(sample=lambda: None), {})  # type: ignore[arg-type]
    outlook = Outlook((Group("youtube", "pending", None, 5, 0.0),), (Hold("youtube", 9.0, False),))
    for at_s in (0.0, 4.0):
        course.waits.look(at_s, outlook, 4)
    course.look(Board({"Prefilter": {"01": Tally(items=1)}}, began_at=990.0), run_counts(pending=5))
    assert registry.noted[-1]["sources"]["youtube"] == {
        "waited_s": 4.0, "held_s": 4.0, "sites": {"youtube": 4.0},
    }  # fmt: skip
