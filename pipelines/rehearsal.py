"""``ingest --dry-run``: what would be taken, listed flat, nothing fetched and nothing written."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from actors.credentials import masked
from actors.errors import EarmarkError
from actors.fetch.identity import SourceItem
from configs.home import home
from configs.settings import Settings


def rehearse(items: Iterable[SourceItem], settings: Settings, limit: int | None) -> list[dict[str, Any]]:
    """Up to ``limit`` videos with their standing in the ledger; a list that can't be read is named with why."""
    from actors.store.database import Database
    from actors.store.status import standings
    from pipelines.corpus import open_database

    planned = list(islice(_listed(items, settings), limit))
    with Database(open_database(settings, home())) as database:
        known = standings(database, [row["id"] for row in planned])
    for row in planned:
        row.setdefault("standing", known.get(row["id"], "new"))
    return planned


def _listed(items: Iterable[SourceItem], settings: Settings) -> Iterator[dict[str, Any]]:
    from actors.fetch.listing import list_entries

    for item in items:
        if item.kind != "unknown":
            yield _row(item)
            continue
        try:
            for entry in list_entries(item.url, settings.prefilter, settings.download, home().cache_dir):
                yield _row(entry)
        except EarmarkError as error:
            yield {**_row(item), "standing": f"can't be listed: {error}"}


def _row(item: SourceItem) -> dict[str, Any]:
    hint = item.hint
    return {
        "id": item.video_id, "url": masked(item.url), "title": hint.title if hint else None,
        "duration_s": hint.duration_s if hint else None,
    }  # fmt: skip
