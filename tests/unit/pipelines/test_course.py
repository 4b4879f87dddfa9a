"""What is kept and exported of a run while it goes on."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from counts import run_counts

from actors.errors import LeaseLost, TransientError
from actors.fetch.governor import Bucket, Policy
from cluster.telemetry import CardSight, MachineSight
from pipelines import course as module
from pipelines.course import Course, figures
from pipelines.exporter import Exporter
from pipelines.exporting import RunExport
from pipelines.metrics import Metric
from pipelines.tally import Board, Tally

GIB = 2**30
COUNTS = run_counts(to_do=5, running=2, stored=3)
MUTE = CardSight(0, "A MIG card", None, 4 * GIB, 16 * GIB, power_w=None, energy_j=None)


class Registry:
    """Takes notes, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.noted: list[Mapping[str, Any]] = []
        self.error = error

    def note(self, document: Mapping[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.noted.append(document)


class Sampler:
    def __init__(self, *cards: CardSight) -> None:
        self._sight = MachineSight(12.0, cards, None, None)

    def sample(self) -> MachineSight:
        return self._sight


class Queue:
    """Of a database that is away once ``error`` is set."""

    error: Exception | None = None

    def buckets(self) -> tuple[dict[str, list[Bucket]], float]:
        if self.error is not None:
            raise self.error
        return {"youtube": [Bucket(0.0)]}, 5.0

    def policy(self, site: str) -> Policy:
        return Policy(240.0, 0.3, 900.0, 14_400.0)


class Sets:
    """When each gauge was set, and to what."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self.last: dict[str, float] = {}

    def __call__(self, metric: Metric):
        def record(value: float, labels: dict[str, str]) -> None:
            self.times.setdefault(metric.name, []).append(time.monotonic())
            self.last[metric.name] = value

        return record


def board() -> Board:
    return Board({"Prepare": {"an actor": Tally(items=7, in_hand=2, age_s=9.0)}}, began_at=time.time() - 10)


def made(registry: Registry, sets: Sets, queue: Queue | None = None, *cards: CardSight) -> Course:
    export = RunExport(Exporter("earmark-run-7", sets), queue or Queue(), 2)  # type: ignore[arg-type]
    return Course(registry, Sampler(*cards), {}, export)  # type: ignore[arg-type]


def test_a_run_is_exported_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug: stages and machine vanished from Prometheus while it was away. A look neither asks nor tells it
    anything, and what the governor said last stays."""
    monkeypatch.setattr("pipelines.exporting.SOURCES_EVERY_S", 0.0)
    sets, queue, registry = Sets(), Queue(), Registry()
    course = made(registry, sets, queue)
    course.look(board(), COUNTS)
    course.tell()
    course.look(board(), COUNTS)
    assert registry.noted and sets.last["earmark_database_away_seconds"] == 0.0
    away = TransientError("connection refused", code="database")
    queue.error = registry.error = away
    sets.last.clear()
    course.look(board(), COUNTS, 42.0)
    assert sets.last["earmark_database_away_seconds"] == 42.0
    assert sets.last["earmark_stage_in_hand"] == 2 and sets.last["earmark_cpu_cores"] == 2
    assert sets.last["earmark_governor_permits_per_hour"] == 240.0
    course.tell()


def test_a_note_that_finds_the_run_taken_over_ends_it() -> None:
    """The watcher hears of it."""
    course = made(Registry(LeaseLost("another run took over")), Sets())
    course.look(board(), COUNTS)
    with pytest.raises(LeaseLost):
        course.tell()


def test_the_end_is_exported_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug: once, and Ray forgot the gauges 4 s later, before the scrape that was waited for."""
    monkeypatch.setattr(module, "EXPORT_EVERY_S", 0.05)
    sets = Sets()
    course = made(Registry(), sets)
    began_at = time.monotonic()
    course.export_end(board(), COUNTS, 10.0, 0.3)
    set_at = sets.times["earmark_run_videos"]
    assert len(set_at) >= 3 * 6, "six states, each time"
    assert set_at[-1] - began_at >= 0.25 and time.monotonic() - began_at >= 0.3


def test_the_end_is_exported_once_where_nobody_waits_for_it() -> None:
    """And without metrics not at all, however long was asked for."""
    sets = Sets()
    made(Registry(), sets).export_end(board(), COUNTS, 10.0, 0.0)
    assert len(sets.times["earmark_run_line_seconds"]) == 1
    began_at = time.monotonic()
    Course(Registry(), Sampler(), {}).export_end(board(), COUNTS, 10.0, 60.0)  # type: ignore[arg-type]
    assert time.monotonic() - began_at < 30


def test_a_card_that_does_not_tell_how_busy_it_is_costs_nothing_else() -> None:
    """A bug: CPU and memory were lost with it."""
    sets = Sets()
    course = made(Registry(), sets, None, MUTE)
    course.look(board(), COUNTS)
    kept = figures(COUNTS, board().stages(), course, line_s=10.0, wall_s=12.0, hardware={})
    assert kept["cpu_busy_s"] == 12.0 and "gpu_busy_s" not in kept
    machine = course.timeline.document()["machine"]
    assert (machine["cpu_busy_s"], machine["gpu_busy_s"], machine["gpu_memory"]) == ([12.0], [None], [0.25])
    assert sets.last["earmark_gpu_memory_bytes"] == 4 * GIB
    assert "earmark_gpu_utilisation_ratio" not in sets.last
