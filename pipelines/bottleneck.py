"""Which stage held a run back, by what its stages did with their time. Pure.

A stage that binds works nearly all the time, rows wait before it, the stages before it are blocked or held back
and those behind it starve. So the stage whose actors worked the largest part of the line's time is the one,
if that part is large and clearly larger than the next one's: where several stages work equally hard the line is
balanced, and where none does nothing was at its limit (a run that was mostly start and tail). Stages that work
equally hard for one reason outside of them, the database or the sources, aren't balanced: that reason binds, and the
one that it costs most is named.
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


@dataclass(frozen=True, slots=True)
class StageLoad:
    """What a stage's actors did, as parts of the time that the line took."""

    name: str
    busy: float
    blocked: float
    """With a finished row in hand, or held back by Ray Data since results piled up behind it."""
    paused: float
    """Waiting for a permission to ask the source."""
    starved: float
    database: float
    """Part of ``busy`` that was spent waiting for the database, at most 1."""
    queue_peak: int
    actors: int
    capacity_h_per_h: float | None
    """What its actors could do if they worked all the time."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What the time of a run went to."""

    stage: str | None
    """``None``: no stage can be named."""
    cause: str
    """``work``, ``database``, ``source``, ``youtube``, ``balanced``, ``idle`` or ``too short``."""
    why: str
    """The evidence."""
    advice: str


def find_bottleneck(loads: Sequence[StageLoad], line_s: float) -> Bottleneck:
    """
    Args:
        loads: in the order of the line.
        line_s: from the first row taken in hand to the last one stored.
    """
    if line_s < LONG_ENOUGH_S or not loads:
        return Bottleneck(
            None, "too short", f"the line took {line_s:.0f} s, of which start and tail are most",
            f"Judge by a run of more than {LONG_ENOUGH_S:.0f} s",
        )  # fmt: skip
    ranked = sorted(loads, key=_taken, reverse=True)
    first = ranked[0]
    if _taken(first) < BUSY_ENOUGH:
        return Bottleneck(
            None, "idle", f"no stage worked more than {_taken(first):.0%} of the time ({first.name})",
            "Give it more at a time: longer lists, or ray.look_ahead_videos where sources answer slowly",
        )  # fmt: skip
    level = [load for load in ranked if _taken(first) - _taken(load) < CLEARLY]
    cause = _cause(first)
    # A slow disk slows every stage that commits, a slow server looking as well as fetching: evenly used the machine
    # isn't then, and there is something to change.
    if len(level) > 1 and (cause == "work" or any(_cause(load) != cause for load in level)):
        return Bottleneck(
            None, "balanced",
            f"{first.name} worked {_taken(first):.0%} of the time and {level[1].name} {_taken(level[1]):.0%}",
            "No single setting makes it faster: the machine is used evenly",
        )  # fmt: skip
    return Bottleneck(first.name, cause, _evidence(first, loads), _advice(first, cause))


def _taken(load: StageLoad) -> float:
    """Part of the time in which it could not have taken another row for a reason of its own."""
    return load.busy + load.paused


def _cause(load: StageLoad) -> str:
    if load.paused > load.busy:
        return "youtube"
    if load.database > MOSTLY:
        return "database"
    return "source" if load.name in ("Prefilter", "Download") else "work"


def _evidence(load: StageLoad, loads: Sequence[StageLoad]) -> str:
    at = [each.name for each in loads].index(load.name)
    said = [f"{load.name} worked {load.busy:.0%} of the time"]
    if load.paused > 0.01:
        said.append(f"waited {load.paused:.0%} of it for a permission to ask")
    if load.database > MOSTLY:
        said.append(f"{load.database:.0%} of its work was waiting for the database")
    if load.queue_peak:
        said.append(f"up to {load.queue_peak} rows waited before it")
    before = max(loads[:at], key=lambda each: each.blocked, default=None)
    if before is not None and before.blocked > 0.05:
        said.append(f"{before.name} before it was held up {before.blocked:.0%} of the time")
    behind = min(loads[at + 1 :], key=lambda each: each.starved, default=None)
    if behind is not None:
        said.append(f"every stage behind it starved at least {behind.starved:.0%} of the time")
    return "; ".join(said)


def _advice(load: StageLoad, cause: str) -> str:
    if cause in ("youtube", "database"):
        return TURN[cause]
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
