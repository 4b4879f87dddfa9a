"""Whether a line has come to a stop, and what it hangs on. Pure: ``watcher.py`` looks and acts.

Ray Data's own limit is off, since one long slice is progress. A line counts as stuck when for
``watchdog.stalled_s`` nothing ends anywhere in it, no row is in hand that its stage may still work on or that
waits for a permit, and nothing is left that merely isn't due yet. A row over its limit ends its own actor
(``in_hand.py``); what comes here is what that doesn't reach: a process that is stopped, a stage that takes no
rows, a source that never starts, Ray itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from actors.errors import TransientError
from actors.store.ledger import RunCounts
from actors.store.standstill import InLine
from configs.patience import WatchdogSettings
from pipelines.in_hand import Held
from pipelines.tally import Board

SILENT_S = 60.0
"""An actor not heard of for so long no longer waits for a permit."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is to be seen of a line at one moment."""

    at_s: float
    """On a clock that only goes forward."""
    board: Board | None
    """``None``: the scoreboard doesn't answer, so perhaps Ray doesn't."""
    counts: RunCounts | None
    """``None``: the database doesn't answer."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A row that is in hand."""

    stage: str
    row: Held
    silent_s: float
    """Since its actor was last heard of."""

    @property
    def goes_on(self) -> bool:
        """Its stage may still work on it, or wait for it. A finished row waits for others: what they do counts."""
        if self.row.state == "working":
            return self.row.left_s > self.silent_s
        return self.row.state == "paused" and self.silent_s < SILENT_S


@dataclass(frozen=True, slots=True)
class Standstill:
    """A line that has come to a stop."""

    quiet_s: float
    """Since something last ended in it."""
    not_started: tuple[str, ...] = ()
    """Stages of which no actor has come up within ``watchdog.start_s``."""


@dataclass
class Watchdog:
    """Judges one sight after the other.

    Attributes:
        stages: names in the order of the line.
        began_at_s: when this pass of the line began.
    """

    settings: WatchdogSettings
    stages: tuple[str, ...]
    began_at_s: float
    _moved_at_s: float = field(init=False)
    _ended: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._moved_at_s = self.began_at_s

    def begin_pass(self, at_s: float) -> None:
        """The line is driven anew, with new actors."""
        self.began_at_s = self._moved_at_s = at_s

    def excuse(self, at_s: float) -> None:
        """What is left only has to wait: that is no standstill."""
        self._moved_at_s = at_s

    def judge(self, sight: Sight) -> Standstill | None:
        not_started: tuple[str, ...] = ()
        if sight.board is not None:
            up = sight.board.stages()
            not_started = tuple(name for name in self.stages if name not in up or not up[name].actors)
        starting = bool(not_started) and sight.at_s - self.began_at_s < self.settings.start_s
        ended = self._ended | _ended(sight)
        if ended != self._ended or starting or any(row.goes_on for row in in_hand(sight.board)):
            self._ended, self._moved_at_s = ended, sight.at_s
        quiet_s = sight.at_s - self._moved_at_s
        if not_started and not starting:
            return Standstill(quiet_s, not_started)
        return Standstill(quiet_s) if quiet_s >= self.settings.stalled_s else None


def in_hand(board: Board | None) -> Iterator[Stuck]:
    """Every row in hand."""
    for stage, tallies in (board.by_actor if board else {}).items():
        for tally in tallies.values():
            for row in tally.held:
                yield Stuck(stage, row, tally.silent_s)


def _ended(sight: Sight) -> dict[str, object]:
    """All that grows when something ends, as far as it is to be seen."""
    done: dict[str, object] = {}
    if sight.board is not None:
        done |= {name: (tally.items, tally.audio_s) for name, tally in sight.board.stages().items()}
    if sight.counts is not None:
        done["ledger"] = (sight.counts.asked, sight.counts.settled)
    return done


def culprit(board: Board | None, stages: Sequence[str]) -> Stuck | None:
    """The row that a standing line most likely hangs on: the oldest that is worked on; where all are
    finished, the one furthest down, which the next stage doesn't take."""
    rows = list(in_hand(board))
    unfinished = [row for row in rows if row.row.state != "blocked"]
    if unfinished:
        return max(unfinished, key=lambda each: each.row.age_s)
    order = {name: number for number, name in enumerate(stages)}
    return max(rows, key=lambda each: (order.get(each.stage, -1), each.row.age_s), default=None)


def explain(
    standstill: Standstill, sight: Sight, stages: Sequence[str], in_line: InLine | None, room: str, logs: str
) -> TransientError:
    """What the run ends with: stage and row, and what to do.

    Args:
        in_line: the video that is in the line for longest, as the ledger knows it.
        room: what Ray has free, in words; empty where it doesn't say.
        logs: where Ray's logs are.
    """
    kept = "Nothing is lost, the same command goes on from here"
    if standstill.not_started:
        return TransientError(
            f"no actor of {' and '.join(standstill.not_started)} has come up{room}",
            code="not_started",
            remedy=f"Raise watchdog.start_s if a model is still being fetched or loaded; otherwise {logs} says what "
            f"keeps it from starting. {kept}",
        )
    return TransientError(
        f"the line is stuck: for {standstill.quiet_s:.0f} s nothing has ended anywhere in it. "
        + _hangs_on(sight, stages, in_line, room),
        code="stalled",
        remedy=f"{kept}; see {logs}. Raise watchdog.stalled_s if it was only slow",
    )


def _hangs_on(sight: Sight, stages: Sequence[str], in_line: InLine | None, room: str) -> str:
    stuck, counts = culprit(sight.board, stages), sight.counts
    if stuck is not None:
        row, after = stuck.row, dict(pairwise(stages)).get(stuck.stage)
        part = f" (part {row.ordinal})" if row.ordinal else ""
        if row.state == "blocked":
            return f"{stuck.stage} has finished {row.label}{part}, and {after or 'the end of the line'} doesn't take it"
        silent = f", its actor silent for {stuck.silent_s:.0f} s" if stuck.silent_s >= SILENT_S / 4 else ""
        return (
            f"{stuck.stage} has had {row.label}{part} in hand for {row.age_s + stuck.silent_s:.0f} s{silent}"
        )
    if sight.board is None:
        return "Ray doesn't answer either"
    if in_line is not None:
        return (
            f"Nothing is in hand: {in_line.video_id} has been in the line for {in_line.held_s:.0f} s, was last seen in "
            f"{in_line.stage}, and the stage after that doesn't take it{room}"
        )
    if counts is not None and counts.pending:
        return f"The source has claimed none of the {counts.pending} videos that are due: it has not started{room}"
    return "Every video has ended, but the line hasn't"
