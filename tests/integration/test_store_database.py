"""First contact, migrations and the pool, on real databases."""

import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from store_rows import with_database

from actors.errors import ConfigError, PermanentError, TransientError
from actors.fetch.asker import site_of
from actors.store import migrations
from actors.store.database import Conn, Database
from actors.store.embedded import ensure_server, server_status, stop_server
from actors.store.first_contact import connect_once
from actors.store.migrations import migrate, pending

ROOT = Path(__file__).parents[2]
NAMES = [migration.name for migration in migrations.shipped()]


def test_a_good_database_is_told_by_its_versions(empty_database_url: str) -> None:
    """pgvector needs not be created yet, only available."""
    facts = connect_once(empty_database_url)
    assert facts.postgres.startswith("18.")
    assert facts.pgvector == "0.8.5"


def test_migrating_twice_does_nothing_the_second_time(empty_database_url: str) -> None:
    """And `pending` says beforehand what it would do."""
    assert pending(empty_database_url) == NAMES
    assert migrate(empty_database_url) == NAMES
    assert migrate(empty_database_url) == []
    assert pending(empty_database_url) == []


def test_five_processes_migrate_at_once_and_each_file_is_applied_once(empty_database_url: str) -> None:
    """They take turns under the lock; together they report each file once."""
    script = "import sys\nfrom actors.store.migrations import migrate\nprint(*migrate(sys.argv[1]))"
    command = [sys.executable, "-c", script, empty_database_url]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    applied = [name for process in processes for name in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0] * 5
    assert applied == NAMES


def test_a_newer_or_altered_schema_is_refused(database_url: str) -> None:
    """Neither is touched, and the remedy is told."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into schema_version values (9999, 'future', 'x')")
        with pytest.raises(ConfigError, match="9999"):
            migrate(database_url)
        connection.execute("delete from schema_version where version = 9999")
        connection.execute("update schema_version set sha256 = 'other' where version = 1")
    with pytest.raises(ConfigError, match=r"0001_ledger\.sql"):
        pending(database_url)


def test_a_migration_that_fails_leaves_the_earlier_ones(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is one transaction."""
    bad = migrations.Migration(9999, "9999_bad.sql", "create table half (n int); select 1/0;")
    whole = [*migrations.shipped(), bad]
    monkeypatch.setattr(migrations, "shipped", lambda: whole)
    with pytest.raises(ConfigError, match="division by zero"):
        migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select count(*) from schema_version").fetchone() == (len(NAMES),)
        assert connection.execute("select to_regclass('half')").fetchone() == (None,)


def test_videos_of_an_older_schema_get_their_sites(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migration says of each address what the program says of a new one."""
    urls = [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ", "https://youtube.com",
        "http://notyoutube.com/x", "https://Example.ORG:8080/a?b", "https://me:x@example.org/youtube.com/a",
        "file:///tmp/a.mp3", "https://music.youtube.com/x",
    ]  # fmt: skip
    older = [migration for migration in migrations.shipped() if migration.version < 3]
    with monkeypatch.context() as before:
        before.setattr(migrations, "shipped", lambda: older)
        migrate(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.cursor().executemany(
            "insert into ingest_state (video_id, url) values (%s, %s)", list(enumerate(urls))
        )
        assert migrate(empty_database_url)
        found = connection.execute("select url, site from ingest_state").fetchall()
    assert dict(found) == {url: site_of(url) for url in urls}


@pytest.fixture
def limited(server_url: str, database_url: str) -> Iterator[Callable[[str], str]]:
    """A role made by the SQL given, and the URL of the test's database for it with a password."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create role visitor login password 'hunter2'")
        parts = urlsplit(database_url)

        def url(alteration: str) -> str:
            connection.execute(alteration)
            return f"postgresql://visitor:hunter2@{parts.path}?{parts.query}"

        yield url
        connection.execute("drop role visitor")


def test_a_read_only_database_is_refused_at_the_door(limited: Callable[[str], str]) -> None:
    """Not in the middle of a run."""
    url = limited("alter role visitor set default_transaction_read_only = on")
    with pytest.raises(ConfigError, match="read-only"):
        connect_once(url)


def test_missing_rights_are_told_without_the_password(limited: Callable[[str], str]) -> None:
    """A role that may do nothing: the remedy says who must own the database."""
    url = limited("alter role visitor nocreatedb")

    def ask(where: str) -> None:
        with Database(where, budget_s=2.0) as database:
            database.run(lambda connection: connection.execute("select * from runs"))

    for refused in (migrate, ask):
        with pytest.raises(ConfigError, match=r"(?i)permission denied") as caught:
            refused(url)
        assert "own" in caught.value.remedy
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/corpus", "127.0.0.1:1, database corpus"),
        ("postgresql://me:hunter2@no-such-host.invalid/corpus", "no-such-host.invalid"),
        ("postgresql://me:hunter2 @host:notaport/x", "DATABASE_URL"),
        ("postgres//me:hunter2@host", "DATABASE_URL"),
        ("host=127.0.0.1 port=1 password='hunter2", "DATABASE_URL"),
        ("host=127.0.0.1 port=1 hunter2", "DATABASE_URL"),
        ("mysql://me:hunter2@host/x", "DATABASE_URL"),
        ("postgresql://me:hunter2@127.0.0.1:1/x?nonsense=1", "DATABASE_URL"),
    ],
)
def test_an_unusable_url_is_explained_without_its_password(url: str, said: str) -> None:
    """Neither the message nor the traceback holds the password, for any way of getting it wrong."""
    for attempt in (connect_once, migrate):
        with pytest.raises(ConfigError) as caught:
            attempt(url)
        assert said in str(caught.value)
        assert caught.value.remedy
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_database_or_user_is_named(server_url: str) -> None:
    """What is missing, and what to do."""
    with pytest.raises(ConfigError, match="no such database") as caught:
        connect_once(with_database(server_url, "nowhere"))
    assert "createdb" in caught.value.remedy
    with pytest.raises(ConfigError, match="user doesn't exist"):
        connect_once(server_url.replace("postgres@", "nobody_here@"))


def test_wrong_password_and_missing_pgvector_are_named(tmp_path: Path) -> None:
    """On a server of its own that asks for passwords and whose extension was taken away."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="em-") as home:
        place = Path(home) / "pg"
        url = ensure_server(place)
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("create role guest login password 'right'")
                connection.execute(
                    "create database latin encoding 'LATIN1' template template0 locale_provider libc locale 'C'"
                )
            with pytest.raises(ConfigError, match="encoding LATIN1"):
                connect_once(with_database(url, "latin"))
            access = place / "pg18/pg_hba.conf"
            access.write_text("local all guest scram-sha-256\n" + access.read_text())
            with psycopg.connect(url) as connection:
                connection.execute("select pg_reload_conf()")
            guest = url.replace("postgres@", "guest:hunter2@")
            with pytest.raises(ConfigError, match="password is wrong") as caught:
                connect_once(guest)
            assert "hunter2" not in "".join(traceback.format_exception(caught.value))
            with pytest.raises(ConfigError, match="wants a password"):
                connect_once(url.replace("postgres@", "guest@"))
        finally:
            stop_server(place)


def test_bad_data_is_this_videos_fault_and_is_not_tried_again(database: Database) -> None:
    """Every way in which Postgres or psycopg refuses a value."""
    tries = 0
    bad: list[tuple[str, tuple[object, ...]]] = [
        ("select %s::text", ("nul \x00",)),
        ("select %s::text", ("lone \ud800",)),
        ("select %s::int", ("x",)),
        ("select %s::vector(3)", ("[1,2]",)),
        ("select %s::vector(1)", ("[NaN]",)),
        ("select %s::halfvec(1)", ("[70000]",)),
        ("select to_tsvector('simple', (select string_agg('w' || n || repeat('x', 30), ' ') from generate_series(1, 100000) n)), %s", ("",)),
        ("insert into slices (video_id, recipe, ordinal, speech_s, language, utterances, provenance) values ('x', 'r', 0, 0, 'en', '{}', %s)", ("{}",)),
    ]  # fmt: skip
    for statement, values in bad:

        def work(c: Conn) -> None:
            nonlocal tries
            tries += 1
            c.execute(statement, values)  # noqa: B023 - called at once

        with pytest.raises(PermanentError) as caught:
            database.run(work)
        assert caught.value.code == "bad_data", statement
    assert tries == len(bad)


def test_a_database_that_stays_away_is_a_passing_failure(tmp_path: Path) -> None:
    """Once our patience is over, in words for a person; the password is in none of them."""
    with Database("postgresql://me:hunter2@127.0.0.1:1/x", budget_s=0.5) as database:
        database._pool.timeout = 0.2
        with pytest.raises(TransientError) as caught:
            database.run(lambda c: c.execute("select 1"))
    assert caught.value.code == "database"
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(database)


def test_an_unmigrated_database_is_a_matter_of_setup(empty_database_url: str) -> None:
    """The remedy names the command."""
    with (
        Database(empty_database_url, budget_s=5.0) as database,
        pytest.raises(ConfigError, match="db migrate"),
    ):
        database.run(lambda c: c.execute("select * from runs"))


def test_a_server_killed_and_started_again_is_waited_for() -> None:
    """SIGKILL of the postmaster under a pool at work: every increment is counted once."""
    import shutil
    import signal
    import tempfile

    home = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        url = ensure_server(home / "pg")
        with Database(url, pool_size=2, budget_s=60.0) as database:
            database.run(lambda c: c.execute("create table counted (n int primary key)"))
            died = threading.Event()

            def count() -> None:
                for n in range(200):
                    database.run(
                        lambda c, n=n: c.execute(
                            "insert into counted values (%s) on conflict do nothing", (n,)
                        )
                    )
                    if n == 100:
                        died.wait()

            worker = threading.Thread(target=count)
            worker.start()
            os.kill(server_status(home / "pg").pid or 0, signal.SIGKILL)
            died.set()
            ensure_server(home / "pg")
            worker.join()
            rows = database.run(lambda c: c.execute("select count(*) as n from counted").fetchall())
        assert rows == [{"n": 200}]
    finally:
        stop_server(home / "pg")
        shutil.rmtree(home)
