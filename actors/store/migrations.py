"""Brings a database to the schema that this program knows.

Owns: applying ``migrations/NNNN_name.sql`` in order, each in a transaction of its own, under a lock
that makes any number of processes take turns. A file that was applied is never edited: its digest
is kept and checked. Knows nothing of what the files hold; HNSW indexes are built in ``vectors.py``.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg.rows import DictRow

from actors.errors import ConfigError
from actors.store.db_errors import explain
from actors.store.first_contact import open_plainly, target

LOCK_KEY = 0x4541_524D_0000_0000
"""Advisory lock of migrations ("EARM"); runs use the keys above it."""
LOCK_WAIT = "300s"
_FILE_NAME = re.compile(r"^(\d{4})_\w+\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    statements: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.statements.encode()).hexdigest()


def shipped() -> list[Migration]:
    """The migrations that come with this program, oldest first."""
    found = []
    for file in (files("actors.store") / "migrations").iterdir():
        match = _FILE_NAME.match(file.name)
        if match:
            found.append(Migration(int(match[1]), file.name, file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.version)


def to_apply(known: Sequence[Migration], applied: dict[int, str]) -> list[Migration]:
    """Which of ``known`` a database lacks that has ``applied`` (version → digest).

    Raises:
        ConfigError: the database is newer than this program, or was made by other files.
    """
    newest = max((migration.version for migration in known), default=0)
    if applied and max(applied) > newest:
        raise ConfigError(
            f"the database has schema version {max(applied)}, and this Earmark knows up to {newest}",
            remedy="Use the newer Earmark that made it, or another database",
        )
    for migration in known:
        if applied.get(migration.version, migration.sha256) != migration.sha256:
            raise ConfigError(
                f"the database's schema was made by another {migration.name} than this Earmark's",
                remedy="Use the Earmark that made it, or another database",
            )
    return [migration for migration in known if migration.version not in applied]


def migrate(url: str) -> list[str]:
    """Apply what is missing; returns the names of the files applied, oldest first.

    Raises:
        ConfigError: the database can't be used, is newer, or refuses a migration.
    """
    with open_plainly(url) as connection:
        try:
            connection.execute("select set_config('lock_timeout', %s, false)", (LOCK_WAIT,))
            connection.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
            return _bring_up(connection)
        except psycopg.Error as error:
            raise ConfigError(
                f"the database at {target(url)} could not be migrated: {explain(error).reason}",
                remedy="The user in DATABASE_URL must own the database and may create the extension vector",
            ) from error


def pending(url: str) -> list[str]:
    """Names of the migrations that ``migrate`` would apply; changes nothing.

    Raises:
        ConfigError: as for ``migrate``.
    """
    with open_plainly(url) as connection:
        known = connection.execute("select to_regclass('schema_version') as present").fetchone()
        applied = {} if known == {"present": None} else _applied(connection)
        return [migration.name for migration in to_apply(shipped(), applied)]


def _applied(connection: psycopg.Connection[DictRow]) -> dict[int, str]:
    rows = connection.execute("select version, sha256 from schema_version").fetchall()
    return {row["version"]: row["sha256"] for row in rows}


def _bring_up(connection: psycopg.Connection[DictRow]) -> list[str]:
    connection.execute(
        """create table if not exists schema_version (
             version int primary key, name text not null, sha256 text not null,
             applied_at timestamptz not null default now())"""
    )
    missing = to_apply(shipped(), _applied(connection))
    for migration in missing:
        with connection.transaction():
            connection.execute(migration.statements)
            connection.execute(
                "insert into schema_version (version, name, sha256) values (%s, %s, %s)",
                (migration.version, migration.name, migration.sha256),
            )
    return [migration.name for migration in missing]
