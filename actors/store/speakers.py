"""Who speaks in the corpus, for how long, and whom a name means. Changes nothing."""

from dataclasses import dataclass
from typing import Literal

from actors.errors import ConfigError
from actors.rows import RunId
from actors.store.database import Database
from actors.store.sql import queries
from actors.store.voices import voice_names
from actors.voices.names import near_names


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one speaker, or one kind of unnamed ones, says in the corpus."""

    kind: Literal["voice", "not enrolled", "unknown"]
    name: str | None
    """Of the enrolled voice; of ``unknown`` the reason; ``None`` for all who are told apart and not enrolled."""
    hours: float
    segments: int
    videos: int


def hours_by_speaker(database: Database, run_id: RunId | None = None) -> list[Spoken]:
    """The longest first; of what a run stored, or without ``run_id`` of the whole corpus."""
    what = {"run_id": run_id}
    rows = database.run(lambda c: c.execute(queries("speakers")["hours"], what).fetchall())
    return [Spoken(**row) for row in rows]


def speaker_meant(database: Database, given: str) -> str:
    """The label of segments that a name means; capitals count for nothing.

    Raises:
        ConfigError: ``no_speaker``, nobody of that name speaks in the corpus; the message lists names like it.
    """
    labels: list[str] = database.run(
        lambda c: [row["speaker"] for row in c.execute(queries("speakers")["labels"])]
    )
    if given in labels:
        return given
    alike = [label for label in labels if label.casefold() == given.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    enrolled = voice_names(database)
    if given.strip().casefold() in {name.casefold() for name in enrolled}:
        raise ConfigError(
            f"nothing in the corpus is said by {given} yet",
            code="no_speaker",
            remedy="`run.py reprocess --from identify` looks for enrolled voices in what is stored",
        )
    near = near_names(given, [*labels, *enrolled])
    raise ConfigError(
        f"nobody named {given} speaks in the corpus",
        code="no_speaker",
        remedy=f"Did you mean {', '.join(near)}?" if near else "`run.py status` lists the speakers",
    )
