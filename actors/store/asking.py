"""Putting videos on the queue, in batches, from a list that may have no end.

Owns: the I/O of asking; ``standing.py`` owns its rules. Used by ``ledger.py``.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Protocol

from actors.fetch.asker import site_of
from actors.rows import RunId, VideoMeta
from actors.store.codec import meta_to_json
from actors.store.database import Conn, Database
from actors.store.sql import queries
from actors.store.standing import Asked, Standing, State, standing
from actors.store.storable import clean_id, clean_text

BATCH = 1000
KINDS = frozenset({"video", "list", "unknown"})


class Wanted(Protocol):
    """Something to ask for: what the sources yield."""

    @property
    def video_id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def kind(self) -> str:
        """``video``, ``list`` or ``unknown``."""

    @property
    def hint(self) -> VideoMeta | None:
        """What a list said of it: its title stands in the ledger before the video was looked at."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One wanted video as the database can hold it."""

    video_id: str
    url: str
    site: str
    kind: str
    title: str | None
    meta: str | None
    """The hint as JSON."""

    @classmethod
    def of(cls, wanted: Wanted) -> "_Item":
        return cls(
            clean_id(wanted.video_id),
            clean_text(wanted.url),
            site_of(clean_text(wanted.url)),
            wanted.kind if wanted.kind in KINDS else "unknown",
            clean_text(wanted.hint.title) if wanted.hint and wanted.hint.title else None,
            meta_to_json(wanted.hint) if wanted.hint else None,
        )


def ask(
    database: Database, run_id: RunId, items: Iterable[Wanted], *, recipe: str, force: bool, limit: int | None
) -> Asked:
    """Put ``items`` on the queue for a run, as far as the rules of ``standing`` want them there.

    Each batch is one transaction. After a lost answer a batch counts as duplicates; the ledger's own
    figures (``Ledger.counts``) are right even then.

    Args:
        limit: most videos that the run works on, lists not counted; no more of ``items`` is read than
            it takes to reach it.
    """
    total = Asked()
    remaining = iter(items)
    while (room := _room(database, run_id, limit)) > 0:
        batch = [_Item.of(item) for item in islice(remaining, min(BATCH, room))]
        if not batch:
            break
        total += database.run(
            partial(_ask_batch, run_id=run_id, batch=batch, recipe=recipe, force=force, limit=limit)
        )
    return total


def foresee(database: Database, video_ids: Iterable[str], *, recipe: str, force: bool) -> dict[str, Standing]:
    """How these videos would stand if they were asked for now. Writes nothing.

    Returns:
        By id as the ledger spells it (``clean_id``), only those that it knows; any other is new.
    """
    ids = [clean_id(video_id) for video_id in video_ids]
    known = database.run(lambda connection: _states(connection, None, ids))
    now = datetime.now(UTC)
    return {video_id: standing(state, recipe=recipe, force=force, now=now) for video_id, _, state in known}


def _room(database: Database, run_id: RunId, limit: int | None) -> int:
    return BATCH if limit is None else limit - database.run(partial(_n_to_do, run_id=run_id))


def _n_to_do(connection: Conn, run_id: RunId) -> int:
    row = connection.execute(queries("asking")["n_to_do"], {"run_id": run_id}).fetchone()
    assert row is not None
    return int(row["n"])


def _ask_batch(
    connection: Conn, *, run_id: RunId, batch: list[_Item], recipe: str, force: bool, limit: int | None
) -> Asked:
    if limit is not None:  # two lists are taken apart at the same time, and share what is left
        connection.execute(queries("asking")["take_turns"], {"run_id": run_id})
        batch = batch[: max(0, limit - _n_to_do(connection, run_id))]
    items = {item.video_id: item for item in batch}
    unknown = connection.execute(
        queries("asking")["insert_unknown"], {**_columns(list(items.values())), "recipe": recipe}
    )
    found = {row["video_id"]: Standing.NEW for row in unknown.fetchall()}
    known = [video_id for video_id in items if video_id not in found]
    fences: dict[str, int] = {}
    now = datetime.now(UTC)
    for video_id, fence, state in _states(connection, run_id, known):
        found[video_id] = standing(state, recipe=recipe, force=force, now=now)
        # What was postponed is due again: the source's pause, where it lasts, is known to the governor.
        was_put_off = state.status != "pending" or state.not_before is not None
        if found[video_id] is Standing.AGAIN and (force or was_put_off):
            fences[video_id] = fence
    _requeue(connection, items, fences, force)
    what = {
        "run_id": run_id,
        "recipe": recipe,
        "ids": list(found),
        "standings": list(map(str, found.values())),
    }
    connection.execute(queries("asking")["note_standings"], what)
    counted = Counter(each.value for each in found.values())
    counted[Standing.DUPLICATE.value] += len(batch) - len(items)
    return Asked(**counted)


def _states(connection: Conn, run_id: RunId | None, ids: list[str]) -> list[tuple[str, int, State]]:
    """Id, fence and state of each of these videos that the ledger knows."""
    rows = connection.execute(queries("asking")["states"], {"run_id": run_id, "ids": ids}).fetchall()
    return [(row.pop("video_id"), row.pop("fence"), State(**row)) for row in rows]


def _requeue(connection: Conn, items: dict[str, _Item], fences: dict[str, int], force: bool) -> None:
    if not fences:
        return
    what = _columns([items[video_id] for video_id in fences])
    what |= {"fences": list(fences.values()), "force": force}
    taken = [row["video_id"] for row in connection.execute(queries("asking")["requeue"], what).fetchall()]
    if force:
        connection.execute(queries("asking")["forget_work"], {"ids": taken})
        connection.execute(queries("slices")["drop_unserved"], {"ids": taken})


def _columns(items: list[_Item]) -> dict[str, object]:
    return {
        "ids": [item.video_id for item in items],
        "urls": [item.url for item in items],
        "sites": [item.site for item in items],
        "kinds": [item.kind for item in items],
        "titles": [item.title for item in items],
        "metas": [item.meta for item in items],
    }
