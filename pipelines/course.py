"""What is kept of a run while it goes on: where it stands, for whoever watches it, and how it went over time.

A run that is killed leaves what it wrote last: its report is that much poorer, and not empty.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from actors.errors import LeaseLost, TransientError
from actors.store.ledger import RunCounts
from actors.store.runs import RunRegistry
from cluster.telemetry import MachineSight, Sampler
from pipelines.exporting import RunExport
from pipelines.queues import queues
from pipelines.source_waits import SourceWaits
from pipelines.tally import Board, Tally
from pipelines.timeline import MachineMark, Timeline

logger = logging.getLogger(__name__)

NOTE_EVERY_S = 2.0
"""How often the database is told."""
EXPORT_EVERY_S = 1.0
"""How often the end is exported: twice in each of Ray's intervals."""


class Course:
    """One run's; fed once a second by the watcher's thread. Only ``tell`` asks or tells the database, from a thread
    that may wait for it.

    Args:
        export: keeps the run's metrics up; ``None``: nobody asked for them.
        notes: why its pools are as they are, for people.
    """

    def __init__(
        self, registry: RunRegistry, sampler: Sampler, hardware: Mapping[str, Any],
        export: RunExport | None = None, probes: Mapping[str, float] | None = None, notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._registry, self._sampler, self._hardware = registry, sampler, dict(hardware)
        self._export, self.probes, self.notes = export, dict(probes or {}), tuple(notes)
        self._began_at = time.monotonic()
        self._noted_at = 0.0
        self._members: dict[str, frozenset[str]] = {}
        self._to_note: deque[dict[str, Any]] = deque(maxlen=1)
        self.timeline, self.waits = Timeline(), SourceWaits()
        self.bounds: Mapping[str, tuple[int, int]] = {}
        """Fewest and most actors that each stage's pool may have; empty until the line is known."""
        self.machine: MachineSight | None = None

    @contextmanager
    def sampled_by(self, sampler: Sampler) -> Iterator[None]:
        """While inside, ask this one how busy the machines are."""
        before, self._sampler = self._sampler, sampler
        try:
            yield
        finally:
            self._sampler = before

    def look(self, board: Board, counts: RunCounts, database_away_s: float = 0.0) -> None:
        """Take the run as it is now.

        Args:
            counts: as the database told them last.
            database_away_s: since then, if it doesn't answer now.
        """
        self.machine = self._sampler.sample()
        if board.began_at is None:
            return
        sights = queues.seen()
        self._members |= {name: sight.members for name, sight in sights.items()}
        line_s, stages = max(0.0, time.time() - board.began_at), self._stages(board)
        self.timeline.look(
            line_s, stages, sights, n_left=counts.pending + counts.running,
            stored_audio_s=counts.stored_audio_s, machine=_mark(self.machine),
        )  # fmt: skip
        self.export(board, counts, line_s, database_away_s)
        if time.monotonic() - self._noted_at >= NOTE_EVERY_S:
            self._noted_at = time.monotonic()
            wall_s = self._noted_at - self._began_at
            document = figures(counts, stages, self, line_s=line_s, wall_s=wall_s, hardware=self._hardware)
            self._to_note.append(document)

    def tell(self) -> None:
        """Tell the database where the run stands and ask it for what is exported of sources, each if it is due. Takes
        as long as the database is away.

        Raises:
            LeaseLost: the run is no longer ours.
        """
        if self._to_note:
            try:
                self._registry.note(self._to_note.pop())
            except LeaseLost:
                raise
            except TransientError as error:  # away for the moment; the next note says more
                logger.warning("where the run stands can't be noted: %s", error)
        if self._export is not None:
            self._export.ask_sources()

    def export(self, board: Board, counts: RunCounts, line_s: float, database_away_s: float = 0.0) -> None:
        """Have metrics say how the run stands; ``line_s``: since its first row was taken in hand."""
        if self._export is not None:
            self._export.look(
                counts, self._stages(board), self.timeline, self.machine, line_s=line_s,
                tail_s=self.tail_s(line_s, counts.pending + counts.running), database_away_s=database_away_s,
            )  # fmt: skip

    def export_end(self, board: Board, counts: RunCounts, line_s: float, stay_s: float) -> None:
        """Have metrics say how the run ended, once a second for ``stay_s`` seconds and at least once: told once alone
        they would be gone before a scrape that comes every 5 s."""
        if self._export is None:
            return
        until = time.monotonic() + stay_s
        while True:
            self.export(board, counts, line_s)
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(EXPORT_EVERY_S, left_s))

    def _stages(self, board: Board) -> dict[str, Tally]:
        """Without the actors that were no longer in their pools at the last look."""
        return board.of_pools(self._members).stages()

    def tail_s(self, line_s: float, n_left: int) -> float | None:
        """How long the last video ran alone, in seconds: where it ended between two looks, at most since the last one.
        ``None``: more are left, or no look was taken."""
        since_s, marks = self.timeline.alone_since_s, self.timeline.marks
        if since_s is None and n_left <= 1 and marks:
            since_s = marks[-1].at_s
        return None if since_s is None else max(0.0, line_s - since_s)


def figures(
    counts: RunCounts, stages: Mapping[str, Tally], course: Course | None, *,
    line_s: float, wall_s: float, hardware: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """What is kept of a run as plain data: the same while it goes on and after it."""
    kept: dict[str, Any] = {
        "stored": counts.stored, "skipped": counts.skipped, "failed": counts.failed,
        "left": counts.pending + counts.running,
        "audio_s": counts.stored_audio_s, "wall_s": round(wall_s, 3), "line_s": round(line_s, 3),
        "speed_h_per_h": round(counts.stored_audio_s / line_s, 2) if line_s > 0 else 0.0,
        "stages": {name: tally.figures() for name, tally in stages.items()},
        "hardware": dict(hardware),
    }  # fmt: skip
    if course is None:
        return kept
    timeline = course.timeline
    for name, tally in stages.items():
        kept["stages"][name] |= {"in_hand": tally.in_hand, "latest": tally.latest}
    for name, stage in kept["stages"].items():
        stage["queue"] = timeline.queue(name)
        stage["queue_peak"] = timeline.queue_peaks.get(name, 0)
        stage["actors_peak"] = timeline.actors_peaks.get(name, stage["actors"])
        if name in timeline.actors_peaks:  # else it was over before anybody looked
            stage["actors"] = timeline.actors(name)
        if name in course.bounds:
            stage["actors_least"], stage["actors_most"] = course.bounds[name]
        stage["held_back_s"] = round(timeline.held_back_s(name), 2)
    tail_s = course.tail_s(line_s, kept["left"])
    kept["tail_s"] = None if tail_s is None else round(tail_s, 2)
    kept["scalings"] = timeline.scalings_document()
    kept["sources"] = course.waits.document()
    kept["probes"] = dict(course.probes)
    kept["notes"] = list(course.notes)
    if course.machine is not None:
        kept["cpu_busy_s"] = round(course.machine.cpu_busy_s, 2)
        if course.machine.gpu_busy_s is not None:
            kept["gpu_busy_s"] = round(course.machine.gpu_busy_s, 2)
        # On a cluster cards may be gone by now.
        if course.machine.cards or course.machine.energy_j is not None:
            kept["energy_j"] = course.machine.energy_j
    return kept


def _mark(machine: MachineSight | None) -> MachineMark | None:
    if machine is None:
        return None
    shares = [
        card.memory_bytes / card.memory_total_bytes
        for card in machine.cards
        if card.memory_bytes is not None and card.memory_total_bytes
    ]
    return MachineMark(machine.cpu_busy_s, machine.gpu_busy_s, max(shares, default=None), machine.energy_j)
