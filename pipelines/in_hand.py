"""Rows in hand and the time that their stage has spent on them; the end of a process that spends too much.

A row's own time runs while its stage works on it. It stands still while a finished row waits for the
line to take it (*blocked*) and while the row waits for others (*paused*): for a permission to ask a
source, for its turn, for its batch to fill. Work that can say that it gets on, as reading a list of unknown length, starts the
time anew with ``sign_of_life``.

The process as a whole is in one state at a time too, whatever its threads do: *working* if any row is worked
on, else *blocked* if one waits for the line, else *paused* if one waits for others, else it has no row at all.
Its seconds in each add up to its age, so they can be compared between stages.

Two clocks watch the limit. The first is a thread of the process and can say what it did. A regular
expression or a library that keeps the interpreter to itself stops every such thread, so behind it waits
``faulthandler``'s, which is C: it writes every thread's stack to standard error and ends the process.
Knows nothing of Ray or the ledger.
"""

import faulthandler
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from configs.patience import WatchdogSettings

T = TypeVar("T")
State = Literal["working", "blocked", "paused"]
PRECEDENCE: tuple[State, ...] = ("working", "blocked", "paused")
"""Which of its rows' states a process is in."""

UNKNOWN_LENGTH_S = 2 * 3600.0
"""Taken for the length of a recording whose source doesn't tell it, in seconds."""
BACKSTOP_S = 5.0
"""How long after the limit the second clock acts, in seconds."""
OFTEN_S = 1.0
"""Signs of life nearer to each other than this are one."""
STDERR = 2


def row_limit_s(settings: WatchdogSettings, kind: str, audio_s: float) -> float:
    """Time that a stage may spend on a row, in seconds.

    Args:
        kind: of the row, as ``wire`` names it; nothing of a ``Request``'s audio is touched.
        audio_s: its audio; 0 where that isn't known.
    """
    if audio_s <= 0 and kind != "Request":
        audio_s = UNKNOWN_LENGTH_S
    return settings.row_s + settings.row_s_per_audio_s * audio_s


@dataclass(frozen=True, slots=True)
class Held:
    """A row in hand, at one moment."""

    label: str
    """Its video."""
    ordinal: int
    state: State
    age_s: float
    """Since it was taken in hand."""
    worked_s: float
    """Of these the seconds of work."""
    limit_s: float

    @property
    def left_s(self) -> float:
        return self.limit_s - self.worked_s


@dataclass(slots=True)
class StateTimes:
    """How long a process was in each state, in seconds; without a row in hand the rest of its age."""

    working: float = 0.0
    blocked: float = 0.0
    paused: float = 0.0

    def add(self, state: State, seconds: float) -> None:
        setattr(self, state, getattr(self, state) + seconds)


@dataclass(slots=True, eq=False)
class RowClock:
    """The time of one row. Times of day are seconds on any one clock."""

    label: str
    ordinal: int
    limit_s: float
    taken_at: float
    state: State = "working"
    worked_s: float = 0.0
    """Until the state last changed, since the last sign of life."""
    since: float = 0.0
    forgiven_s: float = 0.0
    """Worked before the last sign of life."""

    def enter(self, state: State, now: float) -> None:
        if self.state == "working":
            self.worked_s += now - self.since
        self.state, self.since = state, now

    def start_anew(self, now: float) -> None:
        self.forgiven_s += self.at(now).worked_s
        self.worked_s, self.since = 0.0, now

    def at(self, now: float) -> Held:
        worked_s = self.worked_s + (now - self.since if self.state == "working" else 0.0)
        return Held(self.label, self.ordinal, self.state, now - self.taken_at, worked_s, self.limit_s)


class Hands:
    """All rows that this process has in hand. One a process; threads may share it.

    Args:
        give_up: called from ``enforce`` with a row that is over its limit; it ends the process.
        done: called with the seconds of work on each row that is let go.
    """

    def __init__(self, give_up: Callable[[Held], None], done: Callable[[float], None]) -> None:
        self._give_up, self._done = give_up, done
        self._lock = threading.Lock()
        self._rows: list[RowClock] = []
        self._n_busy = 0
        self._times, self._since = StateTimes(), time.monotonic()

    @contextmanager
    def take(self, label: str, ordinal: int, limit_s: float) -> Iterator[None]:
        """A row is in hand inside, worked on by this thread."""
        now = time.monotonic()
        row = RowClock(label, ordinal, limit_s, taken_at=now, since=now)
        with self._lock:
            self._pass(now)
            self._rows.append(row)
            self._arm()
        _mine.row, _mine.hands = row, self
        try:
            yield
        finally:
            with self._lock:
                now = time.monotonic()
                self._pass(now)
                self._rows.remove(row)
                self._arm()
            self._done(row.forgiven_s + row.at(now).worked_s)
            if getattr(_mine, "row", None) is row:
                _mine.row = None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """The process works inside, on no row: nobody's limit is nearer, and it isn't without work either."""
        with self._lock:
            self._pass(time.monotonic())
            self._n_busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._pass(time.monotonic())
                self._n_busy -= 1

    @contextmanager
    def state(self, state: State) -> Iterator[None]:
        """This thread's row is in that state inside, and back in its former one after it."""
        row: RowClock | None = getattr(_mine, "row", None)
        if row is None:
            yield
            return
        before = row.state
        self._enter(row, state)
        try:
            yield
        finally:
            self._enter(row, before)

    def start_anew(self, row: RowClock) -> None:
        now = time.monotonic()
        if row.worked_s == 0.0 and now - row.since < OFTEN_S:
            return
        with self._lock:
            row.start_anew(now)
            self._arm()

    def held(self) -> tuple[Held, ...]:
        """The rows in hand, the oldest first: as many as the process has threads for them."""
        with self._lock:
            now = time.monotonic()
            return tuple(row.at(now) for row in self._rows)

    def times(self) -> StateTimes:
        """The process's own seconds in each state until now."""
        with self._lock:
            self._pass(time.monotonic())
            return replace(self._times)

    def enforce(self) -> float | None:
        """Give up if a row is over its limit; gives the seconds until the next one would be."""
        working = [row for row in self.held() if row.state == "working"]
        if not working:
            return None
        most_pressing = min(working, key=lambda row: row.left_s)
        if most_pressing.left_s <= 0:
            self._give_up(most_pressing)
        return most_pressing.left_s

    def _enter(self, row: RowClock, state: State) -> None:
        with self._lock:
            now = time.monotonic()
            self._pass(now)
            row.enter(state, now)
            self._arm()

    def _pass(self, now: float) -> None:
        """Time has passed in the state that the process was in."""
        states = {row.state for row in self._rows} | ({"working"} if self._n_busy else set())
        for state in PRECEDENCE:
            if state in states:
                self._times.add(state, now - self._since)
                break
        self._since = now

    def _arm(self) -> None:
        now = time.monotonic()
        left_s = [row.at(now).left_s for row in self._rows if row.state == "working"]
        if left_s:
            faulthandler.dump_traceback_later(max(0.0, min(left_s)) + BACKSTOP_S, exit=True, file=STDERR)
        else:
            faulthandler.cancel_dump_traceback_later()


_mine = threading.local()
"""This thread's ``row`` and the ``hands`` that it is in."""


@contextmanager
def paused() -> Iterator[None]:
    """For a stage's worker: what it waits for inside is no work of its row, and isn't counted against
    its limit. Nothing happens outside a stage."""
    hands: Hands | None = getattr(_mine, "hands", None)
    if hands is None:
        yield
        return
    with hands.state("paused"):
        yield


def sign_of_life() -> None:
    """For a stage's worker: its row gets on; the time for its limit starts anew."""
    row: RowClock | None = getattr(_mine, "row", None)
    if row is not None:
        _mine.hands.start_anew(row)


def getting_on(items: Iterable[T]) -> Iterator[T]:
    """``items``, each of them a sign of life."""
    for item in items:
        sign_of_life()
        yield item
