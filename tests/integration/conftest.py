"""Databases for tests: one embedded server a session, a fresh database a test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from store_rows import DIM, MODEL, with_database

from actors.rows import RunId
from actors.store.database import Database
from actors.store.embedded import ensure_server, stop_server
from actors.store.ledger import Ledger
from actors.store.migrations import migrate
from actors.store.runs import RunRegistry
from actors.store.vectors import EmbeddingTable, ensure_model

TEMPLATE = "migrated"
_numbers = count()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """URL of an embedded server's ``postgres`` database; the server ends with the session."""
    home = Path(tempfile.mkdtemp(prefix="earmark-"))  # not tmp_path: a socket's path must be short
    try:
        yield ensure_server(home / "postgres")
    finally:
        stop_server(home / "postgres")
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def migrated_template(server_url: str) -> str:
    """Name of a database with our schema, for copying."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE}")
    migrate(with_database(server_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def new_database(server_url: str) -> Iterator[Callable[..., str]]:
    """Makes databases that go when the test ends; returns their URLs."""
    made: list[str] = []

    def make(template: str = "template0") -> str:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
        made.append(name)
        return with_database(server_url, name)

    yield make
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def empty_database_url(new_database: Callable[..., str]) -> str:
    """URL of a database with nothing in it."""
    return new_database()


@pytest.fixture
def database_url(new_database: Callable[..., str], migrated_template: str) -> str:
    """URL of a database with our schema and no rows."""
    return new_database(migrated_template)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool of four connections to ``database_url``."""
    with Database(database_url, pool_size=4, budget_s=20.0) as opened:
        yield opened


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def table(database: Database) -> EmbeddingTable:
    """Vectors of the first model, hence the active one."""
    return ensure_model(database, MODEL, DIM)


@pytest.fixture
def new_run(database_url: str) -> Iterator[Callable[[], RunId]]:
    """Opens runs that live until the test ends."""
    registries: list[RunRegistry] = []

    def open_one() -> RunId:
        registries.append(RunRegistry(database_url, budget_s=20.0, grace_s=0.0))
        return registries[-1].open_run({})

    yield open_one
    for registry in registries:
        registry.disconnect()
