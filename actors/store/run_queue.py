"""One run's queue: what it may take now, and what it has before it.

Joins the ledger with the permits, so that a video is claimed only when its source may be asked. What waits
for a source thus waits on the queue, where it costs nothing, and not in the line: other sources' videos
behind it are taken past it. ``outlook.py`` owns the decisions. On one machine the permits are those of its exit; on a
cluster those of all nodes that ask are added up, and whether the node that a video comes to may ask is for the
door of the actor there.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from actors.fetch.governor import BURST, Bucket, Policy, given_up, n_free, take
from actors.rows import Request, RunId
from actors.store.database import Conn, Database
from actors.store.ledger import Ledger
from actors.store.outlook import Group, Hold, Outlook
from actors.store.permits import Permits, has_several_exits
from actors.store.sql import queries
from configs.settings import Settings


class RunQueue:
    """The source of a line asks it for videos; the driver asks it whether the run is at its end."""

    def __init__(self, database: Database, run_id: RunId, settings: Settings) -> None:
        self._database = database
        self._run_id = run_id
        self._settings = settings
        self._ledger = Ledger(database)
        self._permits = Permits.of(database, settings.governor, settings.download)
        self._has_several_exits = has_several_exits(settings)

    def take(self, limit: int) -> list[Request]:
        """Claim up to ``limit`` due videos, of a limited source only as many as there are permits for."""
        return self._ledger.claim(self._run_id, limit, self._shares())

    def outlook(self) -> Outlook:
        rows, age_s = self._database.run(partial(_read, run_id=self._run_id))
        return Outlook(tuple(Group(**row) for row in rows), tuple(self._holds(age_s)))

    def exhausted(self) -> bool:
        """Whether the run takes nothing more."""
        return self.outlook().exhausted(self._settings.retry.patience_s)

    def buckets(self) -> tuple[dict[str, list[Bucket]], float]:
        """What is known of each source: of every exit that asks on a cluster, else of our own; and the time now on
        their clock."""
        if self._has_several_exits:
            return self._permits.buckets_in_use()
        own, now_s = self._permits.buckets()
        return {site: [bucket] for site, bucket in own.items()}, now_s

    def policy(self, site: str) -> Policy:
        return self._permits.policy(site)

    def _shares(self) -> dict[str, int]:
        buckets, now_s = self.buckets()
        limits = {site: self._n_free(site, exits, now_s) for site, exits in buckets.items()}
        asking = self._database.run(partial(_asking, run_id=self._run_id))
        return {site: max(0, n - asking.get(site, 0)) for site, n in limits.items() if n is not None}

    def _n_free(self, site: str, exits: Sequence[Bucket], now_s: float) -> int | None:
        free = [n_free(bucket, self._permits.policy(site), now_s) for bucket in exits]
        # A few more wait at the doors than may pass now: so a node that hasn't asked yet gets its first.
        may_ask = any(bucket.pause_left_s(now_s) == 0 for bucket in exits)
        spare = int(BURST) if self._has_several_exits and may_ask else 0
        return None if None in free else sum(n for n in free if n is not None) + spare

    def _holds(self, age_s: float) -> list[Hold]:
        """A source is held where no exit may ask it."""
        buckets, now_s = self.buckets()
        patience_s = self._settings.governor.patience_s
        found = []
        for site, exits in buckets.items():
            left_s = min(take(bucket, self._permits.policy(site), now_s, chance=0.0)[1] for bucket in exits)
            if left_s > 0:
                gave_up = all(given_up(bucket, now_s, age_s, patience_s) for bucket in exits)
                found.append(
                    Hold(site, left_s, all(bucket.pause_left_s(now_s) > 0 for bucket in exits), gave_up)
                )
        return found


def _read(connection: Conn, run_id: RunId) -> tuple[list[dict[str, Any]], float]:
    what = {"run_id": run_id}
    age = connection.execute(queries("run_queue")["age"], what).fetchone()
    rows = connection.execute(queries("run_queue")["before_it"], what).fetchall()
    return list(rows), float(age["age_s"]) if age else 0.0


def _asking(connection: Conn, run_id: RunId) -> dict[str, int]:
    rows = connection.execute(queries("run_queue")["asking"], {"run_id": run_id}).fetchall()
    return {row["site"]: int(row["n"]) for row in rows}
