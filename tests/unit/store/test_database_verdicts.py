"""Pure parts around the database: verdicts on errors, table names, paths of the embedded server."""

from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout

from actors.errors import ConfigError, EarmarkError, PermanentError, TransientError
from actors.store.db_errors import Verdict, explain, judge
from actors.store.embedded_place import Place, last_words
from actors.store.migrations import Migration, to_apply
from actors.store.vectors import table_name


@pytest.mark.parametrize(
    ("error", "verdict", "kind", "code"),
    [
        (psycopg.OperationalError("server closed the connection"), Verdict.AGAIN, TransientError, "database"),
        (psycopg.InterfaceError("connection is closed"), Verdict.AGAIN, TransientError, "database"),
        (PoolTimeout("no connection"), Verdict.AGAIN, TransientError, "database"),
        (PoolClosed("closed"), Verdict.LATER, TransientError, "database"),
        (pg.AdminShutdown("x"), Verdict.AGAIN, TransientError, "database"),
        (pg.DeadlockDetected("x"), Verdict.AGAIN, TransientError, "database"),
        (pg.LockNotAvailable("x"), Verdict.AGAIN, TransientError, "database"),
        (pg.CannotConnectNow("x"), Verdict.AGAIN, TransientError, "database"),
        (pg.ReadOnlySqlTransaction("x"), Verdict.AGAIN, TransientError, "database"),
        (pg.DiskFull("x"), Verdict.LATER, TransientError, "disk_full"),
        (pg.OutOfMemory("x"), Verdict.LATER, TransientError, "database"),
        (pg.QueryCanceled("x"), Verdict.LATER, TransientError, "database"),
        (pg.IoError("x"), Verdict.LATER, TransientError, "database"),
        (pg.UndefinedTable("x"), Verdict.SETUP, ConfigError, "config"),
        (pg.InsufficientPrivilege("x"), Verdict.SETUP, ConfigError, "config"),
        (pg.InvalidPassword("x"), Verdict.SETUP, ConfigError, "config"),
        (pg.ProgramLimitExceeded("x"), Verdict.BAD_DATA, PermanentError, "bad_data"),
        (pg.ProtocolViolation("x"), Verdict.BAD_DATA, PermanentError, "bad_data"),
        (pg.CheckViolation("x"), Verdict.BAD_DATA, PermanentError, "bad_data"),
        (pg.CharacterNotInRepertoire("x"), Verdict.BAD_DATA, PermanentError, "bad_data"),
        (psycopg.DataError("NUL"), Verdict.BAD_DATA, PermanentError, "bad_data"),
        (
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"),
            Verdict.BAD_DATA,
            PermanentError,
            "bad_data",
        ),
    ],
)
def test_errors_are_told_apart(
    error: Exception, verdict: Verdict, kind: type[EarmarkError], code: str
) -> None:
    """OperationalError alone says too little: the SQLSTATE decides."""
    assert judge(error) is verdict
    explained = explain(error)
    assert type(explained) is kind
    assert explained.code == code


def test_an_explanation_is_one_line_without_credentials() -> None:
    """libpq repeats what it was given."""
    error = psycopg.OperationalError("can't use postgresql://me:hunter2@host/db\nand more")
    assert str(explain(error)).count("\n") == 0
    assert "hunter2" not in str(explain(error))


@pytest.mark.parametrize(
    ("names", "unlike"),
    [
        (("a/Model", "b/Model"), True),
        (("package:x", "x"), True),
        (("é" * 500, "é" * 499), True),
        (("m", "m"), False),
    ],
)
def test_table_names_are_short_and_unmistakable(names: tuple[str, str], unlike: bool) -> None:
    """Postgres cuts identifiers at 63 bytes: two models must not meet there, index suffix included."""
    one, other = (table_name(name, 1536) for name in names)
    assert (one != other) is unlike
    assert len(f"{one}_hnsw".encode()) <= 63
    assert one.isidentifier()


@pytest.mark.parametrize(
    "bad", ['quo"te', "dol$lar", "back`tick", "back\\slash", "com,ma", "new\nline", "x" * 100]
)
def test_paths_that_postgres_cannot_take_are_refused(bad: str, tmp_path: Path) -> None:
    """Before anything is made there, and the remedy names the setting."""
    with pytest.raises(ConfigError) as caught:
        Place.at(tmp_path / bad)
    assert "EARMARK_HOME" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_path_with_spaces_is_fine() -> None:
    """macOS keeps user data under "Application Support"."""
    url = Place.at(Path("/tmp/Application Support/it's")).url
    assert psycopg.conninfo.conninfo_to_dict(url)["host"] == "/tmp/Application Support/it's/pg18"


def test_the_last_words_of_a_log_are_those_that_blame() -> None:
    """Not the shutdown notice after the error."""
    assert (
        last_words("LOG: hi\nFATAL:  no space left\nLOG: database system is shut down\n")
        == "FATAL:  no space left"
    )
    assert last_words("") == ""


def test_what_is_missing_is_applied_in_order() -> None:
    """And nothing where the database's history differs from ours."""
    one, two = Migration(1, "0001_a.sql", "a"), Migration(2, "0002_b.sql", "b")
    assert to_apply([one, two], {}) == [one, two]
    assert to_apply([one, two], {1: one.sha256}) == [two]
    with pytest.raises(ConfigError, match="another 0001_a"):
        to_apply([one, two], {1: two.sha256})
    with pytest.raises(ConfigError, match="knows up to 2"):
        to_apply([one, two], {3: "x"})
