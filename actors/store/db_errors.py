"""Which of the database's errors mean "again", "this row is bad" or "this can't work at all".

Pure: from an exception to what the caller should do. ``OperationalError`` alone says too little: it
is a broken socket, a wrong password, a full disk and a text too long for an index.
"""

from enum import Enum

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout

from actors.credentials import masked
from actors.errors import ConfigError, EarmarkError, PermanentError, TransientError

RETRIED_SQLSTATES = frozenset(
    {
        "08000", "08001", "08003", "08006",  # connection lost or refused
        "57P01", "57P02", "57P03",  # shut down by an administrator, crashed, still starting
        "40001", "40P01", "55P03",  # serialisation, deadlock, lock not to be had
        "53300", "25P03", "25006",  # too many connections, idle too long, standby not promoted yet
    }
)  # fmt: skip
SCHEMA_SQLSTATES = frozenset({"42P01", "42703", "42704", "42883", "3F000"})
RIGHTS_SQLSTATES = frozenset({"42501", "28000", "28P01"})


class Verdict(Enum):
    """What to do about an error."""

    AGAIN = "again"
    """The whole transaction may be tried again."""
    LATER = "later"
    """Not now: out of disk, memory or time."""
    BAD_DATA = "bad data"
    """It will fail however often it is tried."""
    SETUP = "setup"
    """The database isn't ours: schema missing, no rights."""


def judge(error: Exception) -> Verdict:
    """The verdict on an exception that a database call raised."""
    if isinstance(error, PoolClosed):
        return Verdict.LATER
    if isinstance(error, (PoolTimeout, psycopg.InterfaceError)):
        return Verdict.AGAIN
    if isinstance(error, UnicodeError | OverflowError | ValueError):
        return Verdict.BAD_DATA  # raised by psycopg or pgvector while they encode a parameter
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state is None:
        return Verdict.AGAIN if isinstance(error, psycopg.OperationalError) else Verdict.BAD_DATA
    return _judge_state(state)


def _judge_state(state: str) -> Verdict:
    if state in RETRIED_SQLSTATES:
        return Verdict.AGAIN
    if state in SCHEMA_SQLSTATES or state in RIGHTS_SQLSTATES:
        return Verdict.SETUP
    if state[:2] in {"53", "57", "58", "XX"}:  # resources, operator, system, internal
        return Verdict.LATER
    return Verdict.BAD_DATA


def explain(error: Exception) -> EarmarkError:
    """One of our errors for one of the database's, told without statement, parameters or password."""
    said = first_line(error)
    match judge(error):
        case Verdict.AGAIN:
            return TransientError(
                f"the database can't be reached or used ({said})",
                code="database",
                remedy="See that it runs, then start the same command again",
            )
        case Verdict.LATER if isinstance(error, pg.DiskFull):
            return TransientError(
                f"the database's disk is full ({said})", code="disk_full", remedy="Make room, then try again"
            )
        case Verdict.LATER:
            return TransientError(f"the database could not do it now ({said})", code="database")
        case Verdict.SETUP:
            return ConfigError(
                f"the database lacks something that Earmark needs ({said})",
                remedy="Run `run.py db migrate` with a user that owns the database",
            )
        case Verdict.BAD_DATA:
            return PermanentError(f"the database refuses the data ({said})", code="bad_data")


def first_line(error: Exception) -> str:
    """What the server said, on one line and without credentials."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    text = primary or str(error).strip() or type(error).__name__
    return masked(text.splitlines()[0])[:300]
