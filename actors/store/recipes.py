"""Recipes by name: what a hash stands for, and which other ones a run meets.

Owns the table ``recipes``. How a change is told stands in ``pipelines/recipe_change.py``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from actors.rows import RunId
from actors.store.database import Conn, Database
from actors.store.sql import queries
from actors.store.storable import public_json


@dataclass(frozen=True, slots=True)
class OtherRecipe:
    """Videos of a run that were made, or begun, by other settings than the run's."""

    recipe: str | None
    n_videos: int
    settings: Mapping[str, Any] | None
    """Name → value; ``None``: the recipe is older than this record of them."""


def note_recipe(database: Database, recipe: str, settings: Mapping[str, Any]) -> None:
    """Remember what a recipe stands for."""
    what = {"recipe": recipe, "settings": public_json(settings)}
    database.run(lambda connection: connection.execute(queries("recipes")["note"], what))


def recipe_settings(database: Database, recipes: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The settings of each of these recipes that is known."""
    return database.run(lambda connection: _settings(connection, list(recipes)))


def stored_otherwise(database: Database, run_id: RunId) -> list[OtherRecipe]:
    """Of the videos that a run asked for: the stored ones that it leaves as they are although other
    settings made them; most videos first."""
    return _others(database, "stored_otherwise", run_id, "")


def begun_otherwise(database: Database, run_id: RunId, recipe: str) -> list[OtherRecipe]:
    """Of the videos that a run works on: the ones begun by other settings than ``recipe``'s and never
    stored so. Whoever asks before the work learns what is transcribed again."""
    return _others(database, "begun_otherwise", run_id, recipe)


def _others(database: Database, name: str, run_id: RunId, recipe: str) -> list[OtherRecipe]:
    def read(connection: Conn) -> list[OtherRecipe]:
        rows = connection.execute(queries("recipes")[name], {"run_id": run_id, "recipe": recipe}).fetchall()
        known = _settings(connection, [row["recipe"] for row in rows])
        return [OtherRecipe(row["recipe"], int(row["n_videos"]), known.get(row["recipe"])) for row in rows]

    return database.run(read)


def _settings(connection: Conn, recipes: list[str]) -> dict[str, Mapping[str, Any]]:
    rows = connection.execute(queries("recipes")["by_recipe"], {"recipes": recipes}).fetchall()
    return {row["recipe"]: row["settings"] for row in rows}
