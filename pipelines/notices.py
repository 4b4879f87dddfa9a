"""Says what a run waits for, each thing once. What is said is pure; ``Notices`` remembers what was said."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil

from actors.store.outlook import Hold, Outlook
from actors.store.run_queue import RunQueue
from pipelines.pace import Pace
from pipelines.progress import Display

LATER_S = 1.0
"""A time that moves by less is the same time, read a moment later."""
REST = 10.0
"""Times the length of a look that lie between it and the next."""


def pause_line(hold: Hold, now: datetime) -> str:
    until = (now + timedelta(seconds=hold.left_s)).astimezone()
    rest = ". The run does not wait for it" if hold.given_up else ""
    return f"{hold.site} pauses until {until:%H:%M:%S}: it turned us away{rest}"


def waiting_line(outlook: Outlook) -> str | None:
    """What a run waits for that has nothing else to do; ``None``: it has, or a source's pause says it."""
    if not outlook.only_waits:
        return None
    next_one = outlook.waiting[0]
    if next_one.phase != "failed":
        return None
    what = "1 video" if next_one.n == 1 else f"the first of {next_one.n} videos"
    return f"waiting {ceil(next_one.due_in_s)} s to try {what} again ({next_one.code})"


class Notices:
    """Looks at a run's queue, and says what is new."""

    def __init__(self, queue: RunQueue, display: Display) -> None:
        self._queue, self._display = queue, display
        self._said_until: dict[str, float] = {}
        self._pace = Pace(REST)

    def look(self) -> Outlook | None:
        """Say what is new; gives what was seen. A look that takes long, at a queue of many videos, is not repeated at
        once: ``None`` until it is."""
        if not self._pace.is_due:
            return None
        with self._pace.looking():
            outlook = self._queue.outlook()
        for line in self._news(outlook):
            self._display.say(line)
        return outlook

    def _news(self, outlook: Outlook) -> Iterator[str]:
        for hold in outlook.holds:
            if hold.is_pause and self._is_new(hold.site, hold.left_s):
                yield pause_line(hold, datetime.now(UTC))
        line = waiting_line(outlook)
        if line is not None and self._is_new("", outlook.waiting[0].due_in_s):
            yield line

    def _is_new(self, what: str, left_s: float) -> bool:
        until = time.monotonic() + left_s
        is_new = until > self._said_until.get(what, 0.0) + LATER_S
        if is_new:
            self._said_until[what] = until
        return is_new
