"""Who is busy: each stage's actor counts what it does (``meter.py``), one small actor keeps the latest counts."""

import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import ray

from actors.errors import EarmarkError
from pipelines.tally import Board, Tally

MAX_NOTICES = 20


class RowKey(NamedTuple):
    """A row of a stage."""

    stage: str
    video_id: str
    ordinal: int


@dataclass(slots=True)
class _Heard:
    """What is known of one actor."""

    life: str
    """Its process: Ray starts an actor that died again under the same id."""
    past: Tally
    """Of its former lives."""
    now: Tally
    at: float

    def tally(self, now: float) -> Tally:
        return replace(self.past + self.now, silent_s=now - self.at)


# Two calls a row, which nobody looks up in the dashboard: no events of them. (Ray's types don't know that option.)
@ray.remote(num_cpus=0, max_restarts=-1, enable_task_events=False)  # type: ignore[call-overload]
class Scoreboard:
    """Keeps the latest tally of every actor of a run."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._began_at: float | None = None
        self._refusal: EarmarkError | None = None
        self._timed_out: dict[RowKey, int] = {}
        self._past: dict[str, Tally] = {}
        self._gone: set[tuple[str, str]] = set()
        self._sources: set[str] = set()
        self._notices: dict[str, None] = {}

    def enter_source(self, token: str) -> bool:
        """Whether the source of a pass begins for the first time (see ``feed.py``)."""
        is_first = token not in self._sources
        self._sources.add(token)
        return is_first

    def refuse(self, error: EarmarkError) -> None:
        """An actor says why it can't join the line; Ray would tell it as text in a traceback."""
        self._refusal = error

    def refusal(self) -> EarmarkError | None:
        return self._refusal

    def notice(self, text: str) -> None:
        """Something that the user is to be told, however many actors come across it."""
        if len(self._notices) < MAX_NOTICES:
            self._notices.setdefault(text)

    def report(self, stage: str, actor: str, life: str, tally: Tally) -> None:
        if (stage, actor) in self._gone:
            return  # sent before its pass ended
        before = self._heard.get((stage, actor))
        past = Tally(actors=0)
        if before is not None:
            past = before.past if before.life == life else (before.past + before.now).ended()
        self._heard[stage, actor] = _Heard(life, past, tally, time.monotonic())
        if self._began_at is None and (tally.in_hand or tally.items):
            self._began_at = time.time()

    def timed_out(self, row: RowKey) -> None:
        """An actor ends itself: this row was over its limit."""
        self._timed_out[row] = self._timed_out.get(row, 0) + 1

    def times_timed_out(self, row: RowKey) -> int:
        """How often that happened in this run."""
        return self._timed_out.get(row, 0)

    def begin_pass(self) -> None:
        """The line is driven anew: the actors of the last pass are gone, what they did counts on."""
        self._refusal = None
        for (stage, actor), heard in self._heard.items():
            self._past[stage] = self._past.get(stage, Tally(actors=0)) + (heard.past + heard.now).ended()
            self._gone.add((stage, actor))
        self._heard.clear()

    def read(self) -> Board:
        board, now = Board(began_at=self._began_at, notices=tuple(self._notices)), time.monotonic()
        for stage, past in self._past.items():
            board.by_actor[stage] = {"of former passes": past}
        for (stage, actor), heard in self._heard.items():
            board.by_actor.setdefault(stage, {})[actor] = heard.tally(now)
        return board
