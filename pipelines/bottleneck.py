"""Which stage held a run back, by what its stages did with their time. Pure.

A stage that binds works nearly all the time, rows wait before it, the stages before it are blocked or held back
and those behind it starve. So the stage whose actors worked the largest part of the line's time is the one,
if that part is large and clearly larger than the next one's: where several stages work equally hard the line is
balanced, and where none does nothing was at its limit (a run that was mostly start and tail). Stages that work
equally hard for one reason outside of them, the database or the sources, aren't balanced: that reason binds, and the
one that it costs most is named.

What waits for a source's permission waits on the queue, where no stage has it in hand: then no stage works or is paused
for long, all of them starve. So a source that videos waited for during a large part of the time, clearly larger than
the part in which the busiest stage worked, is what binds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.planning import TURN

BUSY_ENOUGH = 0.6
"""A stage that works less of the time than this holds nothing back."""
CLEARLY = 0.1
"""How much busier than the next one it must be."""
LONG_ENOUGH_S = 20.0
"""A shorter line is start and tail."""
MOSTLY = 0.5
SEEN = 0.05
"""A smaller part is no evidence."""
ASKING = ("Prefilter", "Download")
"""Stages that ask sources. Another one is paused for its own reasons, as Embed until a batch has filled."""


@dataclass(frozen=True, slots=True)
class StageLoad:
    """What a stage's actors did, as parts of the time that the line took."""

    name: str
    busy: float
    blocked: float
    """With a finished row in hand, or held back by Ray Data since results piled up behind it."""
    paused: float
    """Waiting for others: for a permission to ask the source, for a batch to fill."""
    starved: float
    database: float
    """Part of ``busy`` that was spent waiting for the database, at most 1."""
    queue_peak: int
    actors: int
    capacity_h_per_h: float | None
    """What its actors could do if they worked all the time."""


@dataclass(frozen=True, slots=True)
class SourceLoad:
    """What the limit of a source did, or of all that have one and the same limit, as parts of the line's time."""

    cause: str
    """``youtube`` or ``other_sources``."""
    waited: float
    """Videos on the queue waited for a permission to ask, while the line had room for them."""
    held: float
    """Videos on the queue or not fetched yet had a source that might not be asked."""
    site: str
    """The one that was waited for longest."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What the time of a run went to."""

    stage: str | None
    """``None``: no stage can be named."""
    cause: str
    """``work``, ``database``, ``source``, ``youtube``, ``other_sources``, ``balanced``, ``idle`` or ``too short``."""
    why: str
    """The evidence."""
    advice: str


def find_bottleneck(
    loads: Sequence[StageLoad], line_s: float, sources: Sequence[SourceLoad] = ()
) -> Bottleneck:
    """
    Args:
        loads: in the order of the line.
        line_s: from the first row taken in hand to the last one stored.
        sources: those that were waited for.
    """
    if line_s < LONG_ENOUGH_S or not loads:
        return Bottleneck(
            None, "too short", f"the line took {line_s:.0f} s, of which start and tail are most",
            f"Judge by a run of more than {LONG_ENOUGH_S:.0f} s",
        )  # fmt: skip
    ranked = sorted(loads, key=_taken, reverse=True)
    first = ranked[0]
    source = max(sources, key=lambda each: each.waited, default=None)
    if source is not None and source.waited >= max(BUSY_ENOUGH, _taken(first) + CLEARLY):
        return _by_source(source, loads)
    if _taken(first) < BUSY_ENOUGH:
        return Bottleneck(
            None, "idle",
            f"no stage worked more than {_taken(first):.0%} of the time ({first.name})"
            + (f"; {_waited(source)}" if source is not None and source.waited > SEEN else ""),
            "Give it more at a time: longer lists, or ray.look_ahead_videos where sources answer slowly",
        )  # fmt: skip
    level = [load for load in ranked if _taken(first) - _taken(load) < CLEARLY]
    cause = _cause(first, sources)
    # A slow disk slows every stage that commits, a slow server looking as well as fetching: evenly used the machine
    # isn't then, and there is something to change.
    if len(level) > 1 and (cause == "work" or any(_cause(load, sources) != cause for load in level)):
        return Bottleneck(
            None, "balanced",
            f"{first.name} worked {_taken(first):.0%} of the time and {level[1].name} {_taken(level[1]):.0%}",
            "No single setting makes it faster: the machine is used evenly",
        )  # fmt: skip
    return Bottleneck(first.name, cause, _evidence(first, loads), _advice(first, cause))


def _taken(load: StageLoad) -> float:
    """Part of the time in which it could not have taken another row for a reason of its own."""
    return load.busy + (load.paused if load.name in ASKING else 0.0)


def _cause(load: StageLoad, sources: Sequence[SourceLoad]) -> str:
    if _is_kept_waiting(load) and sources:
        return max(sources, key=lambda each: each.held).cause
    if load.database > MOSTLY:
        return "database"
    return "source" if load.name in ASKING else "work"


def _is_kept_waiting(load: StageLoad) -> bool:
    """By a source that it may not ask yet."""
    return load.name in ASKING and load.paused > load.busy


def _by_source(source: SourceLoad, loads: Sequence[StageLoad]) -> Bottleneck:
    """A source's limit binds; the stage that asks it is the one that shows it."""
    asking = next((load.name for load in loads if load.name in ASKING), None)
    busiest = max(loads, key=lambda load: load.busy)
    return Bottleneck(
        asking, source.cause,
        f"{_waited(source)}, with room for them in the line; "
        f"no stage worked more than {busiest.busy:.0%} of it ({busiest.name})",
        TURN[source.cause],
    )  # fmt: skip


def _waited(source: SourceLoad) -> str:
    whom = "YouTube" if source.cause == "youtube" else source.site
    return f"videos waited {source.waited:.0%} of the time on the queue for a permission to ask {whom}"


def _evidence(load: StageLoad, loads: Sequence[StageLoad]) -> str:
    at = [each.name for each in loads].index(load.name)
    said = [f"{load.name} worked {load.busy:.0%} of the time"]
    if load.paused > 0.01 and load.name in ASKING:
        said.append(f"waited {load.paused:.0%} of it for a permission to ask")
    if load.database > MOSTLY:
        said.append(f"{load.database:.0%} of its work was waiting for the database")
    if load.queue_peak:
        said.append(f"up to {load.queue_peak} rows waited before it")
    before = max(loads[:at], key=lambda each: each.blocked, default=None)
    if before is not None and before.blocked > SEEN:
        said.append(f"{before.name} before it was held up {before.blocked:.0%} of the time")
    behind = min(loads[at + 1 :], key=lambda each: each.starved, default=None)
    if behind is not None:
        said.append(f"every stage behind it starved at least {behind.starved:.0%} of the time")
    return "; ".join(said)


def _advice(load: StageLoad, cause: str) -> str:
    if cause in ("youtube", "other_sources", "database"):
        return TURN[cause]
    if _is_kept_waiting(load):  # by which limit isn't known
        return "governor.youtube_videos_per_h or governor.other_videos_per_h, whichever its sources count for"
    return ADVICE.get(load.name, f"{load.name.lower()}.actors")


ADVICE: Mapping[str, str] = {
    "Prefilter": TURN["asking"],
    "Download": f"{TURN['download']}, if the server and the line to it have more to give ({TURN['network']})",
    "Prepare": TURN["prepare"],
    "Transcribe": f"{TURN['transcribe']}; on a card that is full, {TURN['gpu']}",
    "Identify": TURN["identify"],
    "Assemble": TURN["database"],
    "Segment": "segmenting takes one core: a shorter transcript, or fewer enrolled voices",
    "Embed": TURN["embed"],
    "Store": TURN["database"],
}
