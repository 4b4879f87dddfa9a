"""A run over time: what each stage was at, what waited before it, how many actors it had. Bounded and pure.

A mark holds sums since the run's start and peaks since the mark before. When there are too many every second
one goes, its peaks into its neighbour: nothing of the sums is lost, and a run of a week takes as much room as
one of ten minutes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipelines.queues import QueueSight
from pipelines.tally import Tally

MAX_MARKS = 240
ROUND = 2


@dataclass(frozen=True, slots=True)
class StageMark:
    """A stage at a mark: seconds summed over its actors."""

    busy_s: float = 0.0
    blocked_s: float = 0.0
    paused_s: float = 0.0
    held_back_s: float = 0.0
    """Without a row in hand although rows waited for it: Ray Data holds a stage back whose results pile up."""
    age_s: float = 0.0
    audio_s: float = 0.0
    queue: int = 0
    """Most rows that waited before it."""
    actors: int = 0
    """Largest size of its pool: actors that work, start, or start again."""


@dataclass(frozen=True, slots=True)
class MachineMark:
    """The driver's machine, or a cluster's nodes together, and their cards; seconds since the run's start."""

    cpu_busy_s: float = 0.0
    """Summed over the cores."""
    gpu_busy_s: float | None = None
    """Summed over the cards: their utilisation, as the driver tells it, times time. ``None``: no card to ask."""
    gpu_memory: float | None = None
    """Fullest that a card was, 0 to 1."""
    energy_j: float | None = None
    """Of all cards."""


@dataclass(frozen=True, slots=True)
class Mark:
    at_s: float
    """Since the first row was taken in hand."""
    stages: Mapping[str, StageMark]
    stored_audio_s: float = 0.0
    machine: MachineMark | None = None


@dataclass(frozen=True, slots=True)
class Scaling:
    """A pool became larger or smaller."""

    at_s: float
    stage: str
    before: int
    after: int
    why: str
    """What stood before it then: Ray Data, which decides, gives no reason."""


@dataclass
class Timeline:
    """Grows with every look at the run and stays small."""

    marks: list[Mark] = field(default_factory=list)
    scalings: list[Scaling] = field(default_factory=list)
    alone_since_s: float | None = None
    """Since when at most one video was left; the end of the run less this is its tail."""
    queue_peaks: dict[str, int] = field(default_factory=dict)
    actors_peaks: dict[str, int] = field(default_factory=dict)
    _stride: int = 1
    _since_mark: int = 0
    _latest: dict[str, StageMark] = field(default_factory=dict)
    """Of each stage that was ever seen: a scoreboard that starts again knows of none of them for a moment."""
    _sights: Mapping[str, QueueSight] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    """Of each pool as Ray Data last told it: it tells nothing between two passes and after the last one."""

    def look(
        self, at_s: float, stages: Mapping[str, Tally], queues: Mapping[str, QueueSight], *,
        n_left: int, stored_audio_s: float, machine: MachineMark | None,
    ) -> None:  # fmt: skip
        """
        Args:
            at_s: since the first row was taken in hand.
            n_left: videos that haven't ended.
        """
        seen = {name: self._stage(name, tally, queues.get(name)) for name, tally in stages.items()}
        self._note_scaling(at_s, queues)
        self._sights = queues
        for name, mark in seen.items():
            self.queue_peaks[name] = max(self.queue_peaks.get(name, 0), mark.queue)
            self.actors_peaks[name] = max(self.actors_peaks.get(name, 0), mark.actors)
        if n_left > 1:
            self.alone_since_s = None
        elif self.alone_since_s is None:
            self.alone_since_s = at_s
        self._latest |= seen
        last = Mark(at_s, dict(self._latest), stored_audio_s, machine)
        if self.marks and self._since_mark % self._stride:
            self.marks[-1] = _folded(self.marks[-1], last)
        else:
            self.marks.append(last)
        self._since_mark += 1
        if len(self.marks) >= MAX_MARKS:
            pairs = zip(self.marks[::2], self.marks[1::2], strict=False)
            self.marks = [_folded(first, second) for first, second in pairs]
            self._stride, self._since_mark = self._stride * 2, 0

    def queue(self, stage: str) -> int:
        """Rows that waited before it at the last look."""
        return self._latest.get(stage, StageMark()).queue

    def actors(self, stage: str) -> int:
        """Of its pool at the last look: those that work, start, or start again."""
        return self._latest.get(stage, StageMark()).actors

    def held_back_s(self, stage: str) -> float:
        """So far, summed over its actors."""
        return self._latest.get(stage, StageMark()).held_back_s

    def document(self) -> dict[str, Any]:
        """As columns: ``at_s`` and, for every mark, what each stage had come to."""
        names = list(self.marks[-1].stages) if self.marks else []
        return {
            "at_s": [round(mark.at_s, ROUND) for mark in self.marks],
            "stored_audio_s": [round(mark.stored_audio_s, ROUND) for mark in self.marks],
            "stages": {name: _columns([mark.stages.get(name, StageMark()) for mark in self.marks]) for name in names},
            "machine": _columns([mark.machine for mark in self.marks]),
        }  # fmt: skip

    def scalings_document(self) -> list[dict[str, Any]]:
        return [asdict(each) | {"at_s": round(each.at_s, ROUND)} for each in self.scalings]

    def _stage(self, name: str, tally: Tally, queue: QueueSight | None) -> StageMark:
        before = self._latest.get(name)
        waiting = 0
        held_back_s = before.held_back_s if before else 0.0
        if queue is not None:
            self._sizes[name] = queue.actors
            waiting = queue.undispatched + max(0, queue.in_flight - tally.in_hand)
            if queue.undispatched and before is not None:
                idle_before_s = before.age_s - before.busy_s - before.blocked_s - before.paused_s
                held_back_s += max(0.0, tally.starved_s - idle_before_s)
        return StageMark(
            busy_s=tally.busy_s, blocked_s=tally.blocked_s, paused_s=tally.paused_s, held_back_s=held_back_s,
            age_s=tally.age_s, audio_s=tally.audio_s, queue=waiting,
            actors=self._sizes.get(name, tally.actors),
        )  # fmt: skip

    def _note_scaling(self, at_s: float, queues: Mapping[str, QueueSight]) -> None:
        """Pools of one execution whose wanted size changed: not those whose actors come up or died."""
        for name, now in queues.items():
            before = self._sights.get(name)
            if before is None or before.line != now.line or len(self.scalings) >= MAX_MARKS:
                continue
            if before.actors and now.actors and before.actors != now.actors:
                n = self.queue(name)
                why = f"{n or 'no'} row{'' if n <= 1 else 's'} waited before it"
                self.scalings.append(Scaling(at_s, name, before.actors, now.actors, why))


def _folded(first: Mark, second: Mark) -> Mark:
    """The later mark, with the peaks of both."""
    stages = dict(second.stages)
    for name, before in first.stages.items():
        now = stages.get(name)
        if now is None:
            stages[name] = before
        else:
            stages[name] = replace(
                now, queue=max(before.queue, now.queue), actors=max(before.actors, now.actors)
            )
    machine = second.machine
    if machine is not None and machine.gpu_memory is not None and first.machine is not None:
        machine = replace(machine, gpu_memory=max(machine.gpu_memory, first.machine.gpu_memory or 0.0))
    return replace(second, stages=stages, machine=machine)


def _columns(rows: Sequence[StageMark | MachineMark | None]) -> dict[str, list[Any]]:
    """A list for each field; ``None`` where there is nothing."""
    known = next((row for row in rows if row is not None), None)
    if known is None:
        return {}
    return {
        name: [None if row is None else _rounded(getattr(row, name)) for row in rows]
        for name in known.__slots__
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, ROUND)
