"""A run's kept course as shares and rates between its marks, for drawing. Pure.

``Timeline.document`` keeps sums since the run's start; what happened between two marks is their difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

from pipelines.progress import in_line_order

HOUR_S = 3600.0
MOST_INTERVALS = 120
"""As many as can be told apart on a phone; more of them are joined."""


@dataclass(frozen=True, slots=True)
class StageOverTime:
    """A stage, with an entry for every interval. The four shares add up to 1, or to 0 where it had no actor."""

    busy: list[float]
    blocked: list[float]
    """Held back by Ray Data included."""
    paused: list[float]
    starved: list[float]
    queue: list[int]
    """Most rows that waited before it."""
    actors: list[int]
    """Most that it had."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """A run between its marks."""

    edges_s: list[float]
    """Borders of the intervals since the first row was taken in hand: one more than there are intervals."""
    stages: dict[str, StageOverTime]
    stored_audio_h: list[float]
    """At the edges."""
    cores: list[float] | None
    """How many of the machine's were busy, by interval, for whomever; ``None``: not kept."""
    cards: list[float] | None
    """Their utilisation, summed; ``None``: no card that could be asked."""
    card_memory: list[float] | None
    """Of the fullest card, 0 to 1."""
    watts: list[float] | None
    """Of all cards; ``None``: none tells its energy."""


def over_time(course: Mapping[str, Any]) -> OverTime | None:
    """The course between its marks; ``None`` where none is kept.

    A single mark is taken since the beginning. Of several the first one is where the first interval begins: its
    sums hold what actors and machine did before the first row.

    Args:
        course: as ``Timeline.document`` gives it.
    """
    at_s: Sequence[float] = course.get("at_s") or ()
    if not at_s or at_s[-1] <= 0:
        return None
    machine: Mapping[str, Sequence[float | None]] = course.get("machine") or {}
    if len(at_s) == 1:
        cut, machine = _Cut([-1, 0], at_s), {}
    else:
        step = ceil((len(at_s) - 1) / MOST_INTERVALS)
        cut = _Cut(sorted({*range(0, len(at_s), step), len(at_s) - 1}), at_s)
    return OverTime(
        edges_s=cut.edges_s,
        stages={name: _stage(columns, cut) for name, columns in in_line_order(course["stages"]).items()},
        stored_audio_h=[audio_s / HOUR_S for audio_s in cut.at_edges(course["stored_audio_s"])],
        cores=_rates(machine, "cpu_busy_s", cut),
        cards=_rates(machine, "gpu_busy_s", cut),
        card_memory=cut.at_edges(machine["gpu_memory"])[1:] if _known(machine, "gpu_memory") else None,
        watts=_rates(machine, "energy_j", cut),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cut:
    """Which marks are edges of intervals."""

    marks: list[int]
    """Their positions; -1 is the beginning, where every sum is 0."""
    at_s: Sequence[float]

    @property
    def edges_s(self) -> list[float]:
        return self.at_edges(self.at_s)

    def at_edges(self, sums: Sequence[float | None]) -> list[float]:
        """A column there; where nothing was known, what was known last."""
        found, last = [], 0.0
        for mark in self.marks:
            known = sums[mark] if mark >= 0 else 0.0
            last = last if known is None else known
            found.append(last)
        return found

    def differences(self, sums: Sequence[float | None]) -> list[float]:
        return [max(0.0, after - before) for before, after in pairwise(self.at_edges(sums))]

    def peaks(self, column: Sequence[int]) -> list[int]:
        return [max(column[before + 1 : after + 1]) for before, after in pairwise(self.marks)]


def _stage(columns: Mapping[str, Sequence[Any]], cut: _Cut) -> StageOverTime:
    lengths_s = [after - before for before, after in pairwise(cut.edges_s)]
    busy_s, paused_s = cut.differences(columns["busy_s"]), cut.differences(columns["paused_s"])
    in_hand_s, held_back_s = cut.differences(columns["blocked_s"]), cut.differences(columns["held_back_s"])
    blocked_s = [held + back for held, back in zip(in_hand_s, held_back_s, strict=True)]
    actors = cut.peaks(columns["actors"])
    total_s = []
    for spent_s, age_s, n_actors, length_s in zip(
        map(sum, zip(busy_s, blocked_s, paused_s, strict=True)), cut.differences(columns["age_s"]), actors, lengths_s,
        strict=True,
    ):  # fmt: skip
        # Its age may hold what was before the first row; the time it worked can't.
        total_s.append(max(spent_s, min(age_s, max(1, n_actors) * length_s)))

    def share(part_s: Sequence[float]) -> list[float]:
        return [each / total if total > 0 else 0.0 for each, total in zip(part_s, total_s, strict=True)]

    busy, blocked, paused = share(busy_s), share(blocked_s), share(paused_s)
    starved = [
        max(0.0, 1.0 - sum(parts)) if total > 0 else 0.0
        for *parts, total in zip(busy, blocked, paused, total_s, strict=True)
    ]
    return StageOverTime(busy, blocked, paused, starved, cut.peaks(columns["queue"]), actors)


def _rates(machine: Mapping[str, Sequence[float | None]], name: str, cut: _Cut) -> list[float] | None:
    """What a sum grew by in a second."""
    if not _known(machine, name):
        return None
    lengths_s = [after - before for before, after in pairwise(cut.edges_s)]
    grown = cut.differences(machine[name])
    return [each / length if length > 0 else 0.0 for each, length in zip(grown, lengths_s, strict=True)]


def _known(machine: Mapping[str, Sequence[float | None]], name: str) -> bool:
    return any(value is not None for value in machine.get(name, ()))
