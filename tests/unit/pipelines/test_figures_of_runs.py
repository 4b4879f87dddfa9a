"""What is kept of a run while it goes on: its figures, out of what the scoreboard, Ray Data and the queue tell."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from counts import run_counts
from pytest import MonkeyPatch

from actors.store.outlook import Group, Hold, Outlook
from cluster.resources import GIB, Gpu, Hardware
from cluster.telemetry import MachineSight
from pipelines import course as module
from pipelines.course import Course, figures
from pipelines.outcome import hardware_document
from pipelines.queues import Queues, QueueSight
from pipelines.tally import Board, Tally

REGISTRY: Any = SimpleNamespace(note=lambda figures: None)


def looked_at(**more: Any) -> Course:
    sampler: Any = SimpleNamespace(sample=lambda: MachineSight(1.0, (), 0.5, None))
    return Course(REGISTRY, sampler, {"cpus": 2}, **more)


def test_a_runs_figures_are_of_the_actors_that_are_still_there(monkeypatch: MonkeyPatch) -> None:
    """And of all that was done by those that are not; after the last execution as before its end."""
    queues = Queues()
    monkeypatch.setattr(module, "queues", queues)
    course, counts = looked_at(), run_counts(to_do=9, pending=4)
    course.bounds = {"Prepare": (1, 3), "Store": (1, 1)}
    actors = {name: Tally(items=3, busy_s=5.0, age_s=10.0, silent_s=0.5) for name in ("01", "02", "03")}
    board = Board({"Prepare": actors}, began_at=time.time() - 10.0)
    kept = []
    for members in (("01", "02", "03"), ("01",), None):
        if members is None:
            queues.forget()
        else:
            queues._seen = {"Prepare": QueueSight(2, 1, len(members), frozenset(members))}
        course.look(board, counts)
        kept.append(figures(counts, board.stages(), course, line_s=10.0, wall_s=12.0, hardware={}))
    pools = [each["stages"]["Prepare"] for each in kept]
    assert [(each["actors"], each["actors_peak"], each["items"]) for each in pools] == [
        (3, 3, 9),
        (1, 3, 9),
        (1, 3, 9),
    ]
    assert [(each["actors_least"], each["actors_most"]) for each in pools] == [(1, 3)] * 3
    (scaling,) = kept[-1]["scalings"]
    assert (scaling["before"], scaling["after"], scaling["why"]) == (3, 1, "3 rows waited before it")


def test_what_is_exported_is_of_the_actors_that_are_still_there(monkeypatch: MonkeyPatch) -> None:
    """Nobody waits to hear of one that was let go."""
    queues, exported = Queues(), []
    monkeypatch.setattr(module, "queues", queues)
    queues._seen = {"Prepare": QueueSight(0, 0, 1, frozenset({"01"}))}
    export: Any = SimpleNamespace(look=lambda counts, stages, *_, **__: exported.append(stages["Prepare"]))
    actors = {"01": Tally(items=3, silent_s=0.5), "02": Tally(items=4, silent_s=300.0)}
    looked_at(export=export).look(Board({"Prepare": actors}, began_at=time.time()), run_counts())
    assert [(tally.items, tally.actors, tally.silent_s) for tally in exported] == [(7, 1, 0.5)]


def test_a_runs_figures_say_how_long_its_sources_were_waited_for() -> None:
    """As the report reads them."""
    course = looked_at()
    outlook = Outlook((Group("youtube", "pending", None, 5, 0.0),), (Hold("youtube", 9.0, False),))
    for at_s in (0.0, 4.0):
        course.waits.look(at_s, outlook, 4)
    kept = figures(run_counts(pending=5), {}, course, line_s=10.0, wall_s=12.0, hardware={})
    assert kept["sources"]["youtube"] == {"waited_s": 4.0, "held_s": 4.0, "sites": {"youtube": 4.0}}


def test_a_last_video_that_ended_between_two_looks_has_a_tail() -> None:
    """It was alone for no longer than since the last look; while several are left there is none."""
    course = looked_at()
    course.look(Board({"Store": {"01": Tally(items=1)}}, began_at=time.time() - 10.0), run_counts(pending=2))
    for left, tail_s in ((2, None), (1, 0.5), (0, 0.5)):
        kept = figures(run_counts(pending=left), {}, course, line_s=10.5, wall_s=12.0, hardware={})
        assert kept["tail_s"] == (None if tail_s is None else pytest.approx(tail_s, abs=0.1))
    assert figures(run_counts(), {}, looked_at(), line_s=0.0, wall_s=1.0, hardware={})["tail_s"] is None


def test_a_run_that_began_on_one_card_of_eight_is_not_kept_as_one_on_eight() -> None:
    """Else a plan for eight cards would reckon with what one did."""
    cards = (Gpu("L4", 22 * GIB),) * 2
    whole = {"cpus": 8, "gpus": ["L4", "L4"]}
    assert hardware_document(Hardware(8, cards)) == hardware_document(Hardware(8, cards, 2)) == whole
    assert hardware_document(Hardware(8, cards, 1)) == whole | {"gpus_up": 1}


def test_a_runs_figures_keep_why_its_pools_are_as_they_are() -> None:
    """While it goes on and after it: the report shows them beside the bounds."""
    kept = figures(
        run_counts(), {}, looked_at(notes=("transcribe.device auto: cpu",)), line_s=1, wall_s=1, hardware={}
    )
    assert kept["notes"] == ["transcribe.device auto: cpu"]
