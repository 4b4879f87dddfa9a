"""Connections to Postgres: a pool, its settings, and transactions that survive a bad moment.

Owns: how we connect and what is tried again. Knows nothing of tables. No password gets into an
error, a ``repr`` or a log from here.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from actors.store.db_errors import Verdict, explain, judge
from actors.store.waited import for_database

T = TypeVar("T")
Conn = Connection[DictRow]
Work = Callable[[Conn], T]

CONNECT_OPTIONS: dict[str, Any] = {
    "application_name": "earmark",
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
SESSION_SETTINGS = {
    "statement_timeout": "120s",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "120s",
    # A client whose machine vanished is noticed in under a minute, not after the system's two hours.
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    # Without iterative scan a filter for the newest 8 % of rows returned 3.6 of 20.
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.ef_search": "100",
    "timezone": "UTC",
}
RETRY_BUDGET_S = 90.0


class Database:
    """A pool of connections; ``run`` is the only door.

    Args:
        url: libpq URL or key-value string; may hold a password.
        pool_size: most connections; one is opened at first use, the others when needed.
        budget_s: how long a transaction is tried again before the error is let out, in seconds.
    """

    def __init__(self, url: str, pool_size: int = 2, *, budget_s: float = RETRY_BUDGET_S) -> None:
        self._pool: ConnectionPool[Conn] = ConnectionPool(
            url,
            connection_class=Connection[DictRow],
            kwargs={**CONNECT_OPTIONS, "row_factory": dict_row},
            min_size=1,
            max_size=pool_size,
            timeout=10.0,
            reconnect_timeout=10.0,  # how long it tries unasked; the next request makes it try again
            configure=prepare_session,
            check=ConnectionPool.check_connection,
            name="earmark-db",
            open=True,
        )
        self._budget_s = budget_s

    def run(self, work: Work[T]) -> T:
        """Do ``work`` in one transaction, all of it again after a passing error.

        ``work`` must bear repeating even where its commit landed and only the answer was lost.

        Raises:
            TransientError: the database is away, or out of room, beyond our patience.
            PermanentError: the data can't be stored.
            ConfigError: the schema or the rights are not there.
        """

        def once() -> T:
            with self._pool.connection() as connection:
                return work(connection)

        with for_database.counted():
            return persistently(once, self._budget_s)

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def persistently(once: Callable[[], T], budget_s: float) -> T:
    """Call ``once`` until it answers, or fails for good, or ``budget_s`` seconds are over.

    Raises:
        EarmarkError: what the last failure means; its own errors pass as they are.
    """
    retrying = Retrying(
        retry=retry_if_exception(_worth_again),
        wait=wait_random_exponential(multiplier=0.1, max=5.0),
        stop=stop_after_delay(budget_s),
        reraise=True,
    )
    try:
        for attempt in retrying:
            with attempt:
                return once()
    except (psycopg.Error, UnicodeError, OverflowError) as error:
        raise explain(error) from error
    raise AssertionError("tenacity ends by an answer or by an error")


def prepare_session(connection: Conn) -> None:
    """Give a new connection our time limits, search settings and vector types."""
    connection.execute(
        "select set_config(name, value, false) from unnest(%s::text[], %s::text[]) as setting(name, value)",
        (list(SESSION_SETTINGS), list(SESSION_SETTINGS.values())),
    )
    if connection.execute("select to_regtype('vector') as known").fetchone() != {"known": None}:
        register_vector(connection)
    connection.commit()


def _worth_again(error: BaseException) -> bool:
    return isinstance(error, psycopg.Error) and judge(error) is Verdict.AGAIN
