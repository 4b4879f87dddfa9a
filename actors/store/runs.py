"""Runs, and whether their drivers live.

A run lives as long as a session-level advisory lock, held on a connection that its driver keeps for
nothing else: when the driver dies, however it dies, Postgres frees the lock. So there is no lease,
no clock and no heart-beat, and what a killed run held is free for the next run at once.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from actors.errors import LeaseLost
from actors.rows import RunId
from actors.store.database import (
    CONNECT_OPTIONS,
    RETRY_BUDGET_S,
    Conn,
    T,
    Work,
    persistently,
    prepare_session,
)
from actors.store.migrations import LOCK_KEY
from actors.store.sql import queries
from actors.store.storable import public_json


def lock_key(run_id: RunId) -> int:
    """Advisory lock of a run: the low half of the key is its number."""
    return LOCK_KEY | (run_id & 0xFFFF_FFFF)


class RunRegistry:
    """A driver's entry in the list of runs. One instance, one run, one connection of its own.

    Args:
        url: libpq URL; must lead to Postgres itself or a pooler in session mode.
        budget_s: how long to try to reach the database again, in seconds.
        grace_s: how long ``open_run`` waits for other runs that seem to live, in seconds: Postgres needs
            a moment to notice that a client was killed.
    """

    def __init__(self, url: str, *, budget_s: float = RETRY_BUDGET_S, grace_s: float = 2.0) -> None:
        self._url = url
        self._budget_s = budget_s
        self._grace_s = grace_s
        self._connection: Connection[DictRow] | None = None
        self._run_id: RunId | None = None
        self._turn = threading.RLock()  # a keeper's thread calls hold() while the driver does its own

    def open_run(self, settings: Mapping[str, Any]) -> RunId:
        """Enter a new run, after putting back what dead ones held.

        Args:
            settings: as plain data; credentials in it are taken out before it is kept.

        Raises:
            TransientError, ConfigError: the database.
        """
        self.recover_lost(grace_s=self._grace_s)
        text = public_json(settings)
        self._run_id = self._run(lambda connection: RunId(_one(connection, "next_id")["run_id"]))

        def enter(connection: Conn) -> None:
            self._lock(connection)
            connection.execute(queries("runs")["insert"], {"run_id": self._run_id, "settings": text})

        self._run(enter)
        return self._run_id

    def hold(self) -> None:
        """See that the run is still ours, connecting anew if the connection broke.

        To be called now and then for as long as the run lasts.

        Raises:
            LeaseLost: while we were away another run declared this one lost.
            TransientError: the database is away.
        """

        def check(connection: Conn) -> None:
            if not _one(connection, "still_ours", run_id=self._run_id)["unfinished"]:
                raise LeaseLost(
                    f"run {self._run_id} lost its connection to the database for so long that another run took over",
                    remedy="Start the same command again: it goes on where this one ended",
                )

        self._run(check)

    def recover_lost(self, *, grace_s: float = 0.0) -> int:
        """Declare runs lost whose drivers are dead; returns how many videos went back to the queue.

        Args:
            grace_s: how long to look again while other runs seem to live, in seconds.
        """
        deadline = time.monotonic() + grace_s
        n_videos, n_alive = self._run(self._recover)
        while n_alive and time.monotonic() < deadline:
            time.sleep(0.05)
            more, n_alive = self._run(self._recover)
            n_videos += more
        return n_videos

    def _recover(self, connection: Conn) -> tuple[int, int]:
        """One look: videos put back, and other runs that hold their locks."""
        rows = connection.execute(queries("runs")["unfinished"], {"except_run": self._run_id}).fetchall()
        held = {row["key"] for row in connection.execute(queries("runs")["locked_keys"])}
        lost = [row["run_id"] for row in rows if lock_key(row["run_id"]) not in held]
        if lost:
            connection.execute(queries("runs")["mark_lost"], {"runs": lost})
        return put_back(connection, lost, forgive=True) if lost else 0, len(rows) - len(lost)

    def note(self, figures: Mapping[str, Any]) -> None:
        """Write down where the run stands.

        Raises:
            TransientError: the database is away.
        """
        what = {"run_id": self._run_id, "figures": public_json(figures)}
        self._run(lambda connection: connection.execute(queries("runs")["note"], what))

    def close_run(
        self, outcome: str, figures: Mapping[str, Any], course: Mapping[str, Any] | None = None
    ) -> None:
        """Enter the run's end and let go of it. What it still holds goes back to the queue.

        Args:
            outcome: ``done``, ``stopped``, ``failed`` …
            figures: as plain data.
            course: how it went over time, as plain data.
        """
        text = public_json(figures)

        def finish(connection: Conn) -> None:
            # Locked first: no claim comes after what is put back.
            connection.execute(queries("runs")["still_ours"], {"run_id": self._run_id})
            put_back(connection, [self._run_id] if self._run_id is not None else [], forgive=True)
            what = {"run_id": self._run_id, "outcome": outcome, "figures": text}
            what["course"] = None if course is None else public_json(course)
            connection.execute(queries("runs")["finish"], what)

        self._run(finish)
        self.disconnect()

    def disconnect(self) -> None:
        """Let go of the lock by closing the connection. An unfinished run then counts as lost."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    def _run(self, work: Work[T]) -> T:
        """``work`` in a transaction on our own connection, opened anew (and the run locked) if it broke."""

        def once() -> T:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            try:
                with self._connection.transaction():
                    return work(self._connection)
            finally:
                if self._connection.broken:
                    self._connection.close()

        with self._turn:
            return persistently(once, self._budget_s)

    def _connect(self) -> Conn:
        connection = Connection[DictRow].connect(
            self._url, row_factory=dict_row, autocommit=True, **CONNECT_OPTIONS
        )
        prepare_session(connection)
        if self._run_id is not None:
            self._lock(connection)
        return connection

    def _lock(self, connection: Conn) -> None:
        assert self._run_id is not None
        connection.execute(queries("runs")["take_lock"], {"key": lock_key(self._run_id)})


def put_back(connection: Conn, runs: Sequence[int], *, forgive: bool) -> int:
    """Return what ``runs`` hold to the queue, under new fences; returns how many videos.

    Args:
        forgive: count neither the attempt that ends here nor the tries of the work in hand: it was cut
            short from outside.
    """
    what = {"runs": list(runs), "forgive": int(forgive)}
    videos = [row["video_id"] for row in connection.execute(queries("runs")["put_back"], what)]
    if forgive:
        connection.execute(queries("runs")["forgive_work"], {"videos": videos})
    return len(videos)


def _one(connection: Conn, name: str, **values: object) -> DictRow:
    row = connection.execute(queries("runs")[name], values).fetchone()
    assert row is not None, name
    return row
