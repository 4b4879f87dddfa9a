"""What all sides of a round share: settings, engine, number of workers, and a home of its own.

Owns the temporary home with its embedded database, and their end.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import click
import psycopg

from actors.speech.models import clip_window_s
from actors.store.embedded import ensure_server, stop_server
from actors.store.migrations import migrate
from configs.home import Home
from configs.settings import Settings
from tests.bench.real_engine import RealEngine
from tests.bench.standin import StandIn

LEAST_LIMIT_S = 900.0
N_STAND_INS = 2
SIMULATED = {
    "transcribe.actors": N_STAND_INS,
    "prefilter.actors": 2,
    "download.actors": 4,
    "prepare.actors": 2,
    "segment.min_chars": 1100,
    "segment.max_chars": 1400,
}
"""The shape of the larger profiles over the demo's models."""
SAME_WORK = {"identify.enabled": False}
"""The other sides name no speakers. What that costs the line, ``tests.bench.voices`` measures."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One round's conditions."""

    form: Literal["real", "simulated"]
    settings: Settings
    engine: RealEngine | StandIn
    """As one worker has it."""
    n_workers: int
    home: Home
    limit_s: float = LEAST_LIMIT_S
    """Longest time for any piece of work."""
    books_gpus: bool = False
    """Each worker books a whole GPU, as on a cluster. Ray is told of as many; there needn't be a card."""

    @property
    def window_s(self) -> float:
        """The recogniser's window, as the line takes it."""
        chosen = self.settings.transcribe
        return self.settings.prepare.clip_max_s or clip_window_s(
            chosen.model, self.home.models_dir, chosen.revision
        )


def assigned(assignments: Sequence[str]) -> dict[str, str]:
    """``SECTION.NAME=VALUE`` as overrides of settings.

    Raises:
        click.UsageError: one of them says no value.
    """
    overrides = {}
    for assignment in assignments:
        name, is_given, value = assignment.partition("=")
        if not is_given:
            raise click.UsageError(f"--set {assignment}: write SECTION.NAME=VALUE")
        overrides[name] = value
    return overrides


@contextmanager
def temporary_home(keep: bool) -> Iterator[Home]:
    """A home that is gone afterwards, its database stopped; with ``keep`` its files stay."""
    # A short path: sockets lie below it.
    root = Path(tempfile.mkdtemp(prefix="earmark-bench-"))
    home = Home(root)
    home.create()
    try:
        yield home
    finally:
        stop_server(home.database_dir)
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


def new_database(home: Home, name: str) -> str:
    """URL of a database with our schema and nothing in it, on the home's embedded server."""
    server_url = ensure_server(home.database_dir)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    migrate(url)
    return url
