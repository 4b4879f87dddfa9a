"""Permits to ask a source, shared by every process of every run on a database.

Owns: the rows of ``governor``. ``actors.fetch.governor`` owns the arithmetic. A row is locked for as long as
it takes to count, so no two processes get the same token, and what was learned survives restarts.
"""

import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Self

from actors.fetch.asker import YOUTUBE, exit_of, session_of
from actors.fetch.governor import BURST, Bucket, Policy, blocked, let_through, take
from actors.store.database import Conn, Database
from actors.store.sql import queries
from configs.patience import GovernorSettings
from configs.settings import DownloadSettings, Settings

Change = Callable[[Bucket, float], tuple[Bucket, float]]
"""From a bucket and the time to the bucket afterwards and an answer in seconds."""


class Permits:
    """Asks in the name of one exit and one session. Threads may share it.

    Every method bears being called again after a lost answer; at worst a token is spent for nothing.
    """

    def __init__(self, database: Database, settings: GovernorSettings, exit_: str, session: str) -> None:
        self._database = database
        self._settings = settings
        self._asker = {"exit": exit_, "session": session}

    @classmethod
    def of(cls, database: Database, settings: GovernorSettings, download: DownloadSettings) -> Self:
        """In the name of this node."""
        return cls(database, settings, settings.exit or exit_of(download), session_of(download))

    def take(self, site: str) -> float:
        """Ask for a permit; seconds to wait before asking again, 0 where it is given."""
        policy, chance = self.policy(site), random.random()  # noqa: S311 - jitter, not a secret
        return self._change(site, lambda bucket, now_s: take(bucket, policy, now_s, chance))

    def blocked(self, site: str, *, asked_ago_s: float, retry_after_s: float | None = None) -> float:
        """Tell that the source turned us away; seconds until its pause is over.

        Args:
            asked_ago_s: how long ago the request was made. What was asked before the pause began is no
                second block.
        """
        policy = self.policy(site)

        def pause(bucket: Bucket, now_s: float) -> tuple[Bucket, float]:
            paused = blocked(bucket, policy, now_s, now_s - asked_ago_s, retry_after_s)
            return paused, paused.pause_left_s(now_s)

        return self._change(site, pause)

    def let_through(self, site: str) -> None:
        """Tell that the source gave an answer."""
        policy = self.policy(site)
        self._change(site, lambda bucket, _: (let_through(bucket, policy), 0.0))

    def policy(self, site: str) -> Policy:
        return Policy.of(self._settings, is_youtube=site == YOUTUBE)

    def buckets(self) -> tuple[dict[str, Bucket], float]:
        """Every source known to this exit and session, YouTube always, and the time now on their clock."""

        def read(connection: Conn) -> tuple[dict[str, Bucket], float]:
            now_s = _now_s(connection)
            found = {row.pop("site"): _bucket(row) for row in connection.execute(_SQL["all"], self._asker)}
            return {YOUTUBE: Bucket(now_s)} | found, now_s

        return self._database.run(read)

    def buckets_in_use(self) -> tuple[dict[str, list[Bucket]], float]:
        """As ``buckets``, of every exit of this session that asks, together: on a cluster each node has its own. This node's
        own stand in it only where it asks itself or nobody else does."""
        own, now_s = self.buckets()

        def read(connection: Conn) -> dict[str, list[Bucket]]:
            found: dict[str, list[Bucket]] = {}
            for row in connection.execute(_SQL["in_use"], self._asker):
                found.setdefault(row.pop("site"), []).append(_bucket(row))
            return found

        in_use = self._database.run(read)
        return {site: in_use.get(site) or [bucket] for site, bucket in own.items()} | in_use, now_s

    def shortest_wait_s(self, site: str) -> float:
        """Until any exit of this session that asks may ask again, in seconds; takes no permit."""
        in_use, now_s = self.buckets_in_use()
        policy = self.policy(site)
        waits = (take(bucket, policy, now_s, chance=0.0)[1] for bucket in in_use.get(site, ()))
        return min(waits, default=0.0)

    def _change(self, site: str, change: Change) -> float:
        key = {"site": site, **self._asker}

        def turn(connection: Conn) -> float:
            row = connection.execute(_SQL["lock"], key).fetchone()
            if row is None:
                connection.execute(_SQL["enter"], {**key, "tokens": BURST, "needed": 1.0})
                row = connection.execute(_SQL["lock"], key).fetchone()
            assert row is not None
            before = _bucket(row)
            after, answer_s = change(before, _now_s(connection))  # the time is read once the row is ours
            if after != before:
                connection.execute(_SQL["save"], {**key, **asdict(after)})
            return answer_s

        return self._database.run(turn)


def has_several_exits(settings: Settings) -> bool:
    """Whether nodes ask by addresses of their own: on a cluster, unless all go through one proxy or one router."""
    return (
        settings.ray.address is not None
        and settings.governor.exit is None
        and settings.download.proxy is None
    )


_SQL = queries("governor")


def _bucket(row: dict[str, Any]) -> Bucket:
    return Bucket(**row)


def _now_s(connection: Conn) -> float:
    row = connection.execute(_SQL["now"]).fetchone()
    assert row is not None
    return float(row["now_s"])
