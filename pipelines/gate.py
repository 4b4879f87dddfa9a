"""Lets the actors that ask sources ask them no more often than they may.

Owns the waiting for a permit and what a block means for the video in hand: nothing. The video goes back
to the end of the queue without its attempt counting, and the source pauses for all who ask by the same exit. Short waits
are waited here, a second at a time; for longer ones the video is put back, so that its actor serves other sources.

Where nodes have exits of their own the video waits for whichever may ask next, and this door holds it for a while all the
same: an actor that gave it back at once would be the idlest of its pool and get it again, with all others of the source.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actors import rows
from actors.errors import EarmarkError, SoftBlocked, TransientError
from actors.fetch.admission import NotNow
from actors.fetch.asker import site_of
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits, has_several_exits
from pipelines.context import RunContext
from pipelines.in_hand import paused
from pipelines.stage import Worker

HOLD_S = 20.0
"""Longest wait in an actor. A permit at YouTube's default rate comes every 15 s."""
STEP_S = 1.0


class Gate:
    """One actor's door to all sources; an ``Admission``. One row at a time.

    Args:
        several_exits: other nodes ask by addresses of their own.
    """

    def __init__(self, permits: Permits, ledger: Ledger, *, several_exits: bool = False) -> None:
        self._permits, self._ledger, self._several_exits = permits, ledger, several_exits
        self._asked_at: dict[str, float] = {}

    @classmethod
    def of(cls, context: RunContext, ledger: Ledger) -> "Gate":
        settings = context.settings
        database = Database(context.database_url, pool_size=1)
        permits = Permits.of(database, settings.governor, settings.download)
        return cls(permits, ledger, several_exits=has_several_exits(settings))

    @contextmanager
    def __call__(self, url: str) -> Iterator[None]:
        """Wait for a permit, ask, and tell the governor if the source answered.

        Raises:
            NotNow: the permit is further away than ``HOLD_S``.
        """
        site = site_of(url)
        if not site:
            yield
            return
        self._wait(site)
        self._asked_at[site] = time.monotonic()
        try:
            yield
        except TransientError:  # a broken line, a server in trouble, a block: no answer
            raise
        except EarmarkError:
            self._permits.let_through(site)
            raise
        self._permits.let_through(site)

    def governed(self, work: Worker) -> Worker:
        """``work``, in which a source that turns us away fails no video."""

        def carefully(item: Any) -> Iterator[Any]:
            began_at = time.monotonic()
            try:
                yield from work(item)
            except NotNow as error:
                self._ledger.postpone(item.video_id, item.fence, error.retry_after_s or 0.0)
            except SoftBlocked as error:
                site = site_of(_address(item))
                asked_ago_s = time.monotonic() - max(began_at, self._asked_at.get(site, began_at))
                pause_s = self._permits.blocked(
                    site, asked_ago_s=asked_ago_s, retry_after_s=error.retry_after_s
                )
                if self._several_exits:
                    pause_s = self._permits.shortest_wait_s(site)
                self._ledger.postpone(item.video_id, item.fence, pause_s, last=True)

        return carefully

    def _wait(self, site: str) -> None:
        until = time.monotonic() + HOLD_S
        while (wait_s := self._permits.take(site)) > 0:
            left_s = until - time.monotonic()
            if left_s <= 0 if self._several_exits else wait_s > left_s:
                again_s = self._permits.shortest_wait_s(site) if self._several_exits else wait_s
                raise NotNow(f"{site} may not be asked yet", retry_after_s=again_s)
            with paused():  # the source's time, not the row's
                time.sleep(min(wait_s, STEP_S))


def _address(item: Any) -> str:
    return item.url if isinstance(item, rows.Request) else str(item.meta.url)
