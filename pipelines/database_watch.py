"""Asks the database how a run stands, and tells it, in a thread of its own: while it is away an answer may be minutes in
coming, and whoever shows, exports and judges the run can't wait so long."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from actors.errors import EarmarkError, LeaseLost
from actors.store.run_counts import RunCounts

logger = logging.getLogger(__name__)

ANSWER_S = 0.5
"""How long a look waits for the answer, which mostly comes at once: the counts are of that moment then."""


class DatabaseWatch:
    """For one thread. Use it in a ``with``.

    Args:
        ask: gives the run's counts.
        tell: writes down where the run stands.
    """

    def __init__(self, ask: Callable[[], RunCounts], tell: Callable[[], None]) -> None:
        self._ask, self._tell = ask, tell
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database-watch")
        self._asking: Future[RunCounts] | None = None
        self._telling: Future[None] | None = None
        self._answers = True
        self._answered_at = time.monotonic()
        self.counts: RunCounts | None = None
        """As they were told last; ``None``: never yet."""
        self.waits_at_end = True
        """Whether leaving the ``with`` waits for what is under way."""

    @property
    def away_s(self) -> float:
        """Since the database last answered, in seconds; 0: it did so at the last look."""
        return 0.0 if self._answers else time.monotonic() - self._answered_at

    def look(self) -> RunCounts | None:
        """The run's counts; ``None``: no answer has come by now.

        Raises:
            LeaseLost: the run is no longer ours.
        """
        self._hear_telling()
        self._answers = False
        if self._asking is None:
            self._asking = self._thread.submit(self._ask)
        wait([self._asking], ANSWER_S)
        if not self._asking.done():
            return None
        asked, self._asking = self._asking, None
        try:
            self.counts = asked.result()
        except LeaseLost:
            raise
        except EarmarkError as error:  # the database is away; the stages wait for it too
            logger.warning("no state to show: %s", error)
            return None
        self._answers, self._answered_at = True, time.monotonic()
        return self.counts

    def tell(self) -> None:
        """Have it told, unless it still is from the last time. What comes of it is raised by the next look."""
        if self._telling is None:
            self._telling = self._thread.submit(self._tell)

    def _hear_telling(self) -> None:
        if self._telling is not None and self._telling.done():
            told, self._telling = self._telling, None
            told.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=self.waits_at_end, cancel_futures=True)
