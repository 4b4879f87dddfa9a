"""What failed for now, as something that a run can be asked for again, by its id and out of the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from actors.rows import VideoMeta
from actors.store.database import Conn, Database
from actors.store.sql import queries

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class FailedForNow:
    """How many videos failed and may be tried again."""

    due: int
    later: int
    next_due: datetime | None
    """When the first of the later ones is due."""


@dataclass(frozen=True, slots=True)
class Known:
    """A video that the ledger knows: what ``Ledger.ask`` takes."""

    video_id: str
    url: str
    kind: str
    hint: VideoMeta | None = None


def overview(database: Database, codes: Sequence[str] = ()) -> FailedForNow:
    """
    Args:
        codes: only failures with one of these; none given: all.
    """
    return FailedForNow(**database.run(partial(_overview, codes=list(codes))))


def bring_forward(database: Database, codes: Sequence[str] = ()) -> None:
    """Make due what is not yet."""
    what = {"codes": list(codes)}
    database.run(lambda connection: connection.execute(queries("retries")["bring_forward"], what))


def reopen(database: Database, codes: Sequence[str]) -> None:
    """Make due what failed for good with one of these codes: somebody knows that its reason is gone."""
    what = {"codes": list(codes)}
    database.run(lambda connection: connection.execute(queries("retries")["reopen"], what))


def due(database: Database, codes: Sequence[str] = ()) -> Iterator[Known]:
    """What is due, oldest first, read in pages while it is asked for."""
    after = -1
    while True:
        rows = database.run(partial(_page, codes=list(codes), after=after))
        yield from (Known(row["video_id"], row["url"], row["kind"]) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1]["queue_no"]


def _overview(connection: Conn, codes: list[str]) -> dict[str, Any]:
    row = connection.execute(queries("retries")["overview"], {"codes": codes}).fetchone()
    assert row is not None
    return dict(row)


def _page(connection: Conn, codes: list[str], after: int) -> list[dict[str, Any]]:
    what = {"codes": codes, "after": after, "limit": PAGE}
    return list(connection.execute(queries("retries")["due"], what).fetchall())
