"""What earlier runs measured on this database. Reads only.

Owns the queries; what the figures of a run mean is ``pipelines/outcome.py``'s.
"""

from dataclasses import dataclass
from typing import Any

from actors.store.database import Database
from actors.store.sql import queries

MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run that came to its end."""

    run_id: int
    settings: dict[str, Any]
    figures: dict[str, Any]


def measured_runs(database: Database) -> list[MeasuredRun]:
    """The last runs whose figures say on which machine they ran, newest first."""
    statement, what = queries("measured")["runs"], {"limit": MOST_RUNS}
    rows = database.run(lambda connection: connection.execute(statement, what).fetchall())
    return [MeasuredRun(**row) for row in rows]


def mean_duration_s(database: Database) -> tuple[float, int] | None:
    """Mean length of the stored videos in seconds, and their number; ``None``: there is none."""
    statement = queries("measured")["mean_duration"]
    row = database.run(lambda connection: connection.execute(statement).fetchone())
    return (float(row["mean_s"]), int(row["n"])) if row and row["n"] else None
