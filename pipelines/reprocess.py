"""``reprocess``: which stored videos are done again, from where, and with which stages of the line."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from actors import rows
from actors.store.conditions import parse_conditions
from actors.store.database import Database
from actors.store.redo import Chosen, Redo, choose, redoable
from cluster.resources import Pools
from configs.home import home
from configs.settings import Settings
from pipelines.corpus import open_database
from pipelines.present import relabelling

if TYPE_CHECKING:
    from pipelines.stage import StageSpec

DOES = {
    "prepare": "decoded, cut and transcribed again by the settings in force",
    "identify": "told anew who speaks in them, by what was heard when they were ingested",
    "segment": "cut into segments again from the slices in the ledger, without audio or ASR",
    "embed": "embedded again; their segments stay",
}

NOTHING = "No stored video meets these conditions"


@dataclass(frozen=True, slots=True)
class Intended:
    """What ``reprocess`` will do."""

    start: rows.Start
    videos: Sequence[Chosen]
    left_out: Sequence[Chosen]
    """They meet the conditions, and can't begin there: slices of theirs are gone."""

    @property
    def redo(self) -> Redo:
        return Redo(self.start, tuple(video.video_id for video in self.videos))

    def document(self) -> dict[str, Any]:
        """As data, every video named."""
        return {
            "from": self.start,
            "would_redo": [_entry(video) for video in self.videos],
            "left_out": [_entry(video) for video in self.left_out],
        }

    def lines(self) -> Iterator[str]:
        """What is said before the work starts."""
        if self.videos:
            n = len(self.videos)
            yield f"{n:,} stored video{'' if n == 1 else 's'}: {DOES[self.start]}. Old rows are served meanwhile"
        if self.left_out:
            yield (
                f"{len(self.left_out):,} left out: their slices are no longer in the ledger;"
                " `run.py reprocess --from prepare` makes them again"
            )
        if not self.videos and not self.left_out:
            yield NOTHING


def intend(settings: Settings, start: rows.Start, where: Sequence[str], limit: int | None) -> Intended:
    """Look for the stored videos that meet the conditions. Changes nothing.

    Raises:
        ConfigError: a condition that there is none of, or the database.
    """
    conditions = parse_conditions(where, recipe=settings.recipe())
    with Database(open_database(settings, home()), pool_size=1) as database:
        videos, left_out = redoable(choose(database, conditions, limit), start)
    return Intended(start, videos, left_out)


def line_from(start: rows.Start, settings: Settings, pools: Pools) -> "list[StageSpec]":
    """The stages that such a run needs: nothing fetches, decodes or recognises where text is at hand."""
    from pipelines.ingest import line
    from pipelines.recall import build_recall
    from pipelines.stage import StageSpec

    whole = line(settings, pools)
    if start not in ("segment", "embed"):
        return whole
    recall = StageSpec(
        name="Recall", accepts=(rows.Request,), build=build_recall,
        min_actors=1, max_actors=1, initial_actors=1, marks_stage=True,
    )  # fmt: skip
    # What ``identify`` can't label in place comes here as ``segment``.
    needed = {"segment": ("Segment", "Embed", "Store"), "embed": ("Embed", "Store")}[start]
    return [recall, *(stage for stage in whole if stage.name in needed)]


def told(document: dict[str, Any]) -> Iterator[str]:
    """A rehearsal for a person."""
    for video in document["would_redo"]:
        yield f"{video['id']}  {video['title']}  {video['url']}  [{video['status']}, recipe {video['recipe']}]"
    for video in document["left_out"]:
        yield f"left out {video['id']}  {video['title']}: slices of it are no longer in the ledger"
    if "relabelled" in document:
        yield from relabelling(document["relabelled"])
    elif document["would_redo"] or document["left_out"]:
        yield f"{len(document['would_redo'])} would be done again from {document['from']}"
    else:
        yield NOTHING


def _entry(video: Chosen) -> dict[str, Any]:
    values = asdict(video)
    return {"id": values["video_id"], **{name: values[name] for name in ("title", "url", "recipe", "status")}}
