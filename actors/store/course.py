"""Runs as they were kept, for the report and for whoever watches. Reads only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actors.errors import ConfigError
from actors.store.database import Database
from actors.store.migrations import LOCK_KEY
from actors.store.sql import queries


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run, over or not."""

    run_id: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    """``None`` while it goes on; ``lost``: its driver died."""
    settings: dict[str, Any]
    figures: dict[str, Any]
    """Empty until its first row was taken in hand."""
    course: dict[str, Any] | None
    """How it went over time; ``None`` while it goes on, and for runs that ended before that was kept."""
    has_driver: bool = False
    """Whether somebody drives it. One that isn't over and has none was killed, or its driver connects anew."""

    @property
    def goes_on(self) -> bool:
        return self.outcome is None and self.has_driver


def kept_run(database: Database, run_id: int | None = None) -> KeptRun:
    """A run, or the newest one.

    Raises:
        ConfigError: there is none.
    """
    what = {"run_id": run_id, "lock_key": LOCK_KEY}
    row = database.run(lambda connection: connection.execute(queries("runs")["course"], what).fetchone())
    if row is not None:
        return KeptRun(**row)
    raise no_run(run_id)


def no_run(run_id: int | None) -> ConfigError:
    """What to say where the run that was asked for isn't kept; ``None``: the newest one."""
    if run_id is None:
        return ConfigError("there was no run yet", code="no_run", remedy="`run.py ingest SOURCE…` makes one")
    return ConfigError(
        f"there is no run {run_id}", code="no_run", remedy="`run.py report` without a number shows the newest"
    )
