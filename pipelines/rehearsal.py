"""``ingest --dry-run``: what would be taken, listed flat; nothing is fetched and nothing written."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from actors.credentials import masked
from actors.errors import EarmarkError
from actors.fetch.identity import SourceItem
from actors.store.asking import BATCH, foresee
from actors.store.database import Database
from actors.store.standing import TO_WORK_ON, Standing
from actors.store.storable import clean_id
from configs.home import Home
from configs.settings import Settings
from pipelines.corpus import existing_database
from pipelines.sources import Refused, refusal


def rehearse(
    items: Iterable[SourceItem], settings: Settings, home: Home, refused: list[Refused], *,
    limit: int | None, force: bool,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """What ``ingest`` would take and what it would pass over, each with its standing in the ledger.

    Args:
        refused: lists that can't be read are added to it.
        limit: most videos to take; those passed over don't count. No more of a list is read than that
            takes.
    """
    taken: list[dict[str, Any]] = []
    passed_over: list[dict[str, Any]] = []
    seen: set[str] = set()
    wanted = _listed(items, settings, home.cache_dir, refused)
    url = existing_database(settings, home)
    with ExitStack() as opened:
        database = opened.enter_context(Database(url, pool_size=1)) if url else None
        while batch := list(islice(wanted, min(BATCH, limit - len(taken) if limit else BATCH))):
            known: dict[str, Standing] = {}
            if database is not None:
                ids = [item.video_id for item in batch]
                known = foresee(database, ids, recipe=settings.recipe(), force=force)
            for item in batch:
                standing = known.get(clean_id(item.video_id), Standing.NEW)
                if item.video_id in seen:
                    standing = Standing.DUPLICATE
                seen.add(item.video_id)
                (taken if standing in TO_WORK_ON else passed_over).append(_row(item, standing))
    return {"would_ingest": taken, "passed_over": passed_over}


def _listed(
    items: Iterable[SourceItem], settings: Settings, cache_dir: Path, refused: list[Refused]
) -> Iterator[SourceItem]:
    from actors.fetch.listing import list_entries

    for item in items:
        if item.kind != "unknown":
            yield item
            continue
        try:
            yield from list_entries(item.url, settings.prefilter, settings.download, cache_dir)
        except EarmarkError as error:
            refused.append(refusal(item.url, error))


def _row(item: SourceItem, standing: Standing) -> dict[str, Any]:
    hint = item.hint
    return {
        "id": item.video_id, "url": masked(item.url), "title": hint.title if hint else None,
        "duration_s": hint.duration_s if hint else None, "standing": standing.value,
    }  # fmt: skip
