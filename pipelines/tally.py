"""What an actor of a stage has done so far, and what all actors of a run have. Plain data.

The seconds of an actor fall into four parts that add up to its age: *busy* (a row is worked on), *blocked* (a
finished row waits for the line to take it), *paused* (a row waits for others: for a permission to ask a source, for
a batch to fill) and *starved* (no row at all).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ddsketch import DDSketch

from pipelines.in_hand import Held

ACCURACY = 0.02
"""Largest relative error of a percentile."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long rows took, as a sketch of bounded size whatever their number (DDSketch: Masson, Rim and Lee,
    VLDB 2019). Adding two gives a third; nothing is changed."""

    sketch: DDSketch = field(default_factory=lambda: DDSketch(ACCURACY))

    def quantile(self, q: float) -> float | None:
        """Seconds that a share ``q`` of the rows took at most, within 2 %; ``None`` where there were none."""
        return self.sketch.get_quantile_value(q) if self.sketch.count else None

    def copy(self) -> "Spread":
        """One that the next row added to this one leaves as it is."""
        same = DDSketch(ACCURACY)
        same.merge(self.sketch)
        return Spread(same)

    def __add__(self, other: "Spread") -> "Spread":
        if not other.sketch.count:
            return self
        if not self.sketch.count:
            return other
        both = self.copy()
        both.sketch.merge(other.sketch)
        return both


@dataclass(slots=True)
class Tally:
    """Counts of one actor, or of a whole stage."""

    items: int = 0
    """Rows finished, failed ones too."""
    failed: int = 0
    in_hand: int = 0
    audio_s: float = 0.0
    bytes_out: int = 0
    """Of the rows that it gave on."""
    busy_s: float = 0.0
    """Seconds in which at least one row was worked on."""
    blocked_s: float = 0.0
    """Seconds in which only finished rows were in hand, for the line to take."""
    paused_s: float = 0.0
    """Seconds in which all rows in hand waited for others."""
    database_s: float = 0.0
    """Seconds of waiting for the database, summed over threads: part of ``busy_s`` where there is one thread."""
    age_s: float = 0.0
    """Seconds since the actor was ready."""
    load_s: float = 0.0
    """What it took to get ready: its models, its connections."""
    actors: int = 1
    latest: str = ""
    """The video worked on last."""
    held: tuple[Held, ...] = ()
    """The rows in hand, the oldest first; of one actor at most as many as it has threads."""
    silent_s: float = 0.0
    """Seconds since the actor was last heard of; in the sum of a stage the longest."""
    codes: Mapping[str, int] = field(default_factory=dict)
    """Failures by the code of their error."""
    batches: int = 0
    batched: int = 0
    """What these batches held together; a stage that takes row after row has none."""
    made: Mapping[str, int] = field(default_factory=dict)
    """What its results held, by kind (``made.py``)."""
    spread: Spread = field(default_factory=Spread)
    """Of the work on each row."""

    @property
    def starved_s(self) -> float:
        """Seconds without a row in hand."""
        return max(0.0, self.age_s - self.busy_s - self.blocked_s - self.paused_s)

    def figures(self) -> dict[str, Any]:
        """What is kept of it."""
        p50, p99 = self.spread.quantile(0.5), self.spread.quantile(0.99)
        return {
            "items": self.items, "failed": self.failed, "actors": self.actors,
            "busy_s": round(self.busy_s, 2), "blocked_s": round(self.blocked_s, 2),
            "paused_s": round(self.paused_s, 2), "starved_s": round(self.starved_s, 2),
            "database_s": round(self.database_s, 2), "age_s": round(self.age_s, 2),
            "load_s": round(self.load_s, 2), "audio_s": round(self.audio_s, 2), "bytes_out": self.bytes_out,
            "batches": self.batches, "batched": self.batched, "codes": dict(self.codes),
            "made": dict(self.made),
            "p50_s": None if p50 is None else round(p50, 4), "p99_s": None if p99 is None else round(p99, 4),
        }  # fmt: skip

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            items=self.items + other.items, failed=self.failed + other.failed, in_hand=self.in_hand + other.in_hand,
            audio_s=self.audio_s + other.audio_s, bytes_out=self.bytes_out + other.bytes_out,
            busy_s=self.busy_s + other.busy_s, blocked_s=self.blocked_s + other.blocked_s,
            paused_s=self.paused_s + other.paused_s, database_s=self.database_s + other.database_s,
            age_s=self.age_s + other.age_s, load_s=self.load_s + other.load_s,
            actors=self.actors + other.actors, latest=other.latest or self.latest,
            held=tuple(sorted(self.held + other.held, key=lambda row: -row.age_s)),
            silent_s=max(self.silent_s, other.silent_s),
            codes=_added(self.codes, other.codes), made=_added(self.made, other.made),
            batches=self.batches + other.batches, batched=self.batched + other.batched,
            spread=self.spread + other.spread,
        )  # fmt: skip

    def ended(self) -> "Tally":
        """What stays of an actor that is no more."""
        return replace(self, in_hand=0, held=(), actors=0, silent_s=0.0)


def _added(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: some.get(name, 0) + more.get(name, 0) for name in {**some, **more}}


@dataclass
class Board:
    """What the scoreboard knows: tallies by stage and actor."""

    by_actor: dict[str, dict[str, Tally]] = field(default_factory=dict)
    began_at: float | None = None
    """When the first row was taken in hand, seconds since the epoch."""
    notices: tuple[str, ...] = ()
    """What the user is to be told of the run as a whole, in the order in which it was noticed."""

    def after(self, before: "Board") -> "Board":
        """This board, with what a scoreboard that died since knew of the whole run: when it began, what was noticed."""
        began = [board.began_at for board in (before, self) if board.began_at is not None]
        notices = tuple(dict.fromkeys((*before.notices, *self.notices)))
        return replace(self, began_at=min(began, default=None), notices=notices)

    def of_pools(self, members: Mapping[str, Collection[str]]) -> "Board":
        """This board without those that are no more: nobody tells the scoreboard when Ray Data lets an actor go. What
        they did still counts.

        Args:
            members: the actors of each stage's pool; all of a stage that isn't named are there.
        """
        kept = {
            stage: {
                actor: tally if tally.held or actor in members.get(stage, tallies) else tally.ended()
                for actor, tally in tallies.items()
            }
            for stage, tallies in self.by_actor.items()
        }
        return replace(self, by_actor=kept)

    def stages(self) -> dict[str, Tally]:
        """The sum of each stage's actors, dead ones too: what they did still counts."""
        return {
            stage: sum(tallies.values(), Tally(actors=0))
            for stage, tallies in self.by_actor.items()
            if tallies
        }
