"""Doing stored videos again: choosing them, and putting them back on the queue with where to begin.

Owns the store's side of ``reprocess``. Nothing that is served is touched here: ``Writer`` replaces it
when the new version is whole. What a video is redone with depends on where it begins:

- ``prepare``: the recipe of the settings, and a new *edition* of slices beside the served one's;
- ``segment``: the slices that the served text was cut from, whatever recipe made them;
- ``identify``: the same, and the labels alone where that is possible (``relabel.py``);
- ``embed``: the segments that are served, unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from actors.errors import PermanentError
from actors.rows import RunId, Segment, SegmentedVideo, Start, VideoId, VideoMeta
from actors.store.asking import BATCH
from actors.store.codec import provenance_from_json
from actors.store.conditions import Conditions
from actors.store.database import Conn, Database
from actors.store.sql import queries
from actors.store.standing import Asked


@dataclass(frozen=True, slots=True)
class Chosen:
    """A stored video that is to be done again."""

    video_id: VideoId
    title: str
    url: str
    recipe: str | None
    """The one that made what is served."""
    status: str
    whole: bool
    """All slices of what is served lie in the ledger."""


@dataclass(frozen=True, slots=True)
class Redo:
    """What ``reprocess`` was asked to do."""

    start: Start
    videos: tuple[VideoId, ...]


def choose(database: Database, conditions: Conditions, limit: int | None = None) -> list[Chosen]:
    """The stored videos that meet the conditions, oldest in the corpus first."""
    what = {**conditions.values(), "limit": limit}
    rows = database.run(lambda connection: connection.execute(queries("redo")["chosen"], what).fetchall())
    return [Chosen(**row) for row in rows]


def redoable(chosen: Sequence[Chosen], start: Start) -> tuple[list[Chosen], list[Chosen]]:
    """Split into what can begin at ``start`` and what can't: text is cut again, and labelled, from slices only.
    Pure."""
    needs_slices = start in ("identify", "segment")
    can = [one for one in chosen if one.whole or not needs_slices]
    return can, [one for one in chosen if needs_slices and not one.whole]


def ask_again(database: Database, run_id: RunId, redo: Redo, recipe: str) -> Asked:
    """Put the videos on the queue for a run. Each batch is one transaction; one whose answer was lost
    counts for nothing, and the ledger's own figures are right even then.

    Args:
        recipe: of the settings in force: what ``prepare`` redoes them by.
    """
    total = Asked()
    for first in range(0, len(redo.videos), BATCH):
        ids = list(redo.videos[first : first + BATCH])
        what = {"run_id": run_id, "ids": ids, "start": redo.start, "recipe": recipe}
        total += database.run(partial(_ask_batch, what=what))
    return total


def _ask_batch(connection: Conn, *, what: dict[str, Any]) -> Asked:
    begun = connection.execute(queries("redo")["begin"], what).fetchall()
    connection.execute(queries("redo")["forget_tries"], {"ids": [row["video_id"] for row in begun]})
    noted = [row["standing"] for row in connection.execute(queries("redo")["note"], what).fetchall()]
    return Asked(again=noted.count("again"), held=noted.count("held"))


def unfinished(database: Database) -> dict[str, int]:
    """Served videos that were to be done again: ``to_do`` are not done yet, ``not_done`` ended otherwise."""
    row = database.run(lambda connection: connection.execute(queries("redo")["unfinished"]).fetchone())
    assert row is not None
    return {name: int(value) for name, value in row.items()}


def read_segmented(connection: Conn, video_id: VideoId, fence: int) -> SegmentedVideo:
    """A stored video as it is served, without its vectors.

    Raises:
        PermanentError: it isn't in the corpus.
    """
    what = {"video_id": video_id}
    source = connection.execute(queries("redo")["served"], what).fetchone()
    if source is None:
        raise PermanentError(f"video {video_id} is not in the corpus", code="not_stored")
    rows = connection.execute(queries("redo")["served_segments"], what).fetchall()
    provenance = source["provenance"]
    return SegmentedVideo(
        video_id=video_id,
        fence=fence,
        meta=VideoMeta(
            title=source["title"], url=source["url"], channel=source["channel"], channel_id=source["channel_id"],
            published_at=source["published_at"], duration_s=source["duration_s"], extractor=source["source_type"],
        ),
        language=source["language"] or "und",
        segments=tuple(Segment(**{**row, "flags": tuple(row["flags"])}) for row in rows),
        provenance=provenance_from_json(provenance) if provenance is not None else None,
    )  # fmt: skip
