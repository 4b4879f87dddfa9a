"""The table of tunings: how fast the recogniser was, by hardware, model and settings.

Owns reading and writing it. What follows from them for a plan stands in ``pipelines/tuned.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actors.store.database import Database
from actors.store.sql import queries
from actors.store.storable import public_json


@dataclass(frozen=True, slots=True)
class TuningKey:
    """A combination on a machine."""

    hardware: Mapping[str, Any]
    """As a run's figures name it."""
    model: str
    """As ``stage_costs.model_name`` has it."""
    device: str
    compute_type: str
    """As asked for."""
    beam_size: int
    batch: int
    """Windows of speech in a slice."""
    cpu_threads: int
    actors: int
    mps: bool


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured of it."""

    key: TuningKey
    measured_at: datetime
    speed_h_per_h: float | None
    """Of all actors together; ``None``: it can't be done."""
    reason: str | None
    """Why not."""
    figures: Mapping[str, Any]
    """As ``pipelines/tuning_crew.py`` makes them."""


def keep_tuning(
    database: Database,
    key: TuningKey,
    speed_h_per_h: float | None,
    reason: str | None,
    figures: Mapping[str, Any],
) -> Tuning:
    """Enter a measurement in place of the last one of the same combination."""
    what = {name: getattr(key, name) for name in TuningKey.__slots__} | {
        "hardware": public_json(key.hardware), "speed_h_per_h": speed_h_per_h, "reason": reason,
        "figures": public_json(figures),
    }  # fmt: skip
    row = database.run(lambda connection: connection.execute(queries("tunings")["keep"], what).fetchone())
    assert row is not None
    return Tuning(key, row["measured_at"], speed_h_per_h, reason, figures)


def kept_tunings(database: Database) -> list[Tuning]:
    """All of them; of each machine and model the fastest first."""
    rows = database.run(lambda connection: connection.execute(queries("tunings")["all"]).fetchall())
    found = []
    for row in rows:
        key = TuningKey(**{name: row.pop(name) for name in TuningKey.__slots__})
        found.append(Tuning(key, **row))
    return found
