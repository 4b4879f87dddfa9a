"""The first connection of a run: everything that is wrong with a database is found and said here.

Owns: turning what Postgres says at the door into a cause and a remedy. A wrong password looks to
the driver like a broken socket, so nothing is tried again here. Reads only.
"""

from dataclasses import dataclass

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from actors.errors import ConfigError
from actors.store.database import CONNECT_OPTIONS
from actors.store.db_errors import first_line

MIN_POSTGRES = 140_000
MIN_PGVECTOR = (0, 8)
"""Iterative index scans, without which filtered search returns too little."""

_CAUSES = (
    # (what the message holds, what it means, what to do)
    ("password authentication failed", "user or password is wrong", "Correct DATABASE_URL"),
    (
        "no password supplied",
        "it wants a password and none was given",
        "Put one in DATABASE_URL or ~/.pgpass",
    ),
    ("no pg_hba.conf entry", "it doesn't let this user in from here", "Add this address to its pg_hba.conf"),
    ("role", "its user doesn't exist", "Create the user, or correct DATABASE_URL"),
    ("database", "there is no such database", "Create it with createdb, or correct DATABASE_URL"),
    ("could not translate host name", "its host name is unknown", "Correct the host in DATABASE_URL"),
    ("failed to resolve host", "its host name is unknown", "Correct the host in DATABASE_URL"),
    ("is starting up", "it is still starting", "Wait a little and try again"),
    ("too many", "it has no connection left", "Raise its max_connections or end other clients"),
    (
        "remaining connection slots",
        "it has no connection left",
        "Raise its max_connections or end other clients",
    ),
    ("SSL", "the two sides disagree about encryption", "Set sslmode in DATABASE_URL"),
)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the first contact learned."""

    postgres: str
    pgvector: str


def connect_once(url: str, *, timeout_s: int = 10) -> ServerFacts:
    """Connect, see that the database can serve us, and leave.

    Raises:
        ConfigError: it can't; the message names cause and remedy, never a password.
    """
    with open_plainly(url, timeout_s=timeout_s) as connection:
        facts = connection.execute(
            """select current_setting('server_version_num')::int as number,
                      current_setting('server_version') as version,
                      current_setting('server_encoding') as encoding,
                      pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only,
                      coalesce((select extversion from pg_extension where extname = 'vector'),
                               (select default_version from pg_available_extensions where name = 'vector'))
                        as pgvector"""
        ).fetchone()
        assert facts is not None
        _demand(facts, target(url))
    return ServerFacts(str(facts["version"]), str(facts["pgvector"]))


def open_plainly(url: str, *, timeout_s: int = 10) -> Connection[DictRow]:
    """An autocommit connection outside of any pool.

    Raises:
        ConfigError: as for ``connect_once``.
    """
    where = target(url)
    try:
        return psycopg.connect(
            url, autocommit=True, row_factory=dict_row, **{**CONNECT_OPTIONS, "connect_timeout": timeout_s}
        )
    except psycopg.OperationalError as error:
        cause, remedy = _diagnose(str(error))
        raise ConfigError(f"the database at {where} can't be used: {cause}", remedy=remedy) from None


def target(url: str) -> str:
    """Host, port and database name of ``url``: what may be shown of it.

    Raises:
        ConfigError: it isn't a connection string (which isn't repeated: it may hold a password).
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigError(
            "DATABASE_URL isn't a Postgres connection string",
            remedy="Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, odd characters percent-encoded",
        ) from None
    host = parts.get("host") or "the local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}, database {parts.get('dbname') or parts.get('user') or 'postgres'}"


def _diagnose(said: str) -> tuple[str, str]:
    """Cause and remedy for what libpq said. Told apart by words: at the door there is no SQLSTATE."""
    for words, cause, remedy in _CAUSES:
        if words in ("role", "database"):
            if f'FATAL:  {words} "' in said and "does not exist" in said:
                return cause, remedy
        elif words in said:
            return cause, remedy
    short = first_line(psycopg.OperationalError(said))
    return f"nothing answers there ({short})", "See that Postgres runs there and DATABASE_URL names it"


def _demand(facts: DictRow, where: str) -> None:
    if facts["number"] < MIN_POSTGRES:
        raise ConfigError(
            f"the database at {where} is Postgres {facts['version']}", remedy="Earmark needs 14 or later"
        )
    if facts["encoding"] != "UTF8":
        raise ConfigError(
            f"the database at {where} has the encoding {facts['encoding']}",
            remedy="Create it with: createdb --encoding UTF8 --template template0 NAME",
        )
    if facts["read_only"]:
        raise ConfigError(
            f"the database at {where} is read-only",
            remedy="Name the primary server, or a user whose default_transaction_read_only is off",
        )
    version = facts["pgvector"]
    if version is None:
        raise ConfigError(
            f"the Postgres server of the database at {where} has no pgvector",
            remedy="Install pgvector 0.8 or later on that server",
        )
    if tuple(int(part) for part in version.split(".")[:2]) < MIN_PGVECTOR:
        raise ConfigError(
            f"the database at {where} has pgvector {version}",
            remedy="Install pgvector 0.8 or later there, then: ALTER EXTENSION vector UPDATE",
        )
