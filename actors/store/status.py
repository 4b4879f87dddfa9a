"""What the ledger and the corpus hold, for people and programs to read. Changes nothing.

Owns: the read side of ``status``, ``show`` and the run's report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from actors.credentials import masked
from actors.rows import RunId
from actors.store.database import Database
from actors.store.sql import queries

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class VideoStatus:
    """One video of the ledger."""

    id: str
    url: str
    """To be shown: secrets in it are masked, and it may not lead there any more."""
    title: str | None
    kind: str
    status: str
    stage: str | None
    code: str | None
    reason: str | None
    remedy: str | None
    permanent: bool
    attempts: int
    not_before: datetime | None
    n_slices: int | None
    n_slices_done: int
    in_corpus: bool
    """Its segments are served, whatever became of a later attempt."""
    redo: str | None
    """Where doing it again begins, if that hasn't come to its end."""
    started_at: datetime | None
    finished_at: datetime | None
    queue_no: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A processing rate. ``None`` where there is too little to divide by."""

    videos: int
    audio_h: float
    processing_h: float | None
    throughput: float | None
    """Hours of audio an hour."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """A stored video with its segments."""

    source: dict[str, Any]
    segments: list[dict[str, Any]]


def by_status(database: Database) -> dict[str, int]:
    """Videos of each status; every status appears. Lists that were taken apart count as ``lists``."""
    found = {row["status"]: int(row["n"]) for row in _rows(database, queries("status")["by_status"])}
    return {
        name: found.get(name, 0) for name in ("pending", "running", "stored", "skipped", "failed", "lists")
    }


def videos(
    database: Database, *, status: str | None = None, run_id: RunId | None = None
) -> Iterator[VideoStatus]:
    """Every video of the ledger, oldest first, fetched in pages.

    Args:
        status: only those of this status (``failed`` …).
        run_id: only those that this run asked for.
    """
    after = -1
    while True:
        what = {"status": status, "run_id": run_id, "after": after, "limit": PAGE}
        rows = _rows(database, queries("status")["videos"], what)
        yield from map(_video, rows)
        if len(rows) < PAGE:
            return
        after = rows[-1]["queue_no"]


def corpus_size(database: Database) -> dict[str, Any]:
    """``videos``, ``audio_h`` and ``segments`` of the whole corpus."""
    return dict(_rows(database, queries("status")["corpus_size"])[0])


def processing_rate(database: Database) -> Rate:
    """The last 24 hours by the query of the system that Earmark replaces, unchanged.

    It divides by the time between the first and the last completion: too kind with few videos.
    """
    row = _rows(database, queries("status")["seed_rate"])[0]
    return Rate(
        int(row["videos_processed"]),
        float(row["total_hours"] or 0.0),
        _float(row["processing_hours"]),
        _float(row["throughput"]),
    )


def run_rate(database: Database, run_id: RunId) -> Rate:
    """A run's speed from the start of its first video to the end of its last."""
    row = _rows(database, queries("status")["run_rate"], {"run_id": run_id})[0]
    return Rate(
        int(row["videos"]), float(row["audio_h"]), _float(row["processing_h"]), _float(row["throughput"])
    )


def last_run(database: Database) -> dict[str, Any] | None:
    """The newest run's row, its settings and figures included; ``None``: there was none."""
    rows = _rows(database, queries("status")["last_run"])
    return dict(rows[0]) if rows else None


def show(database: Database, video_id: str) -> SourceView | None:
    """A stored video and its segments; ``None``: it isn't in the corpus."""
    sources = _rows(database, queries("status")["source"], {"video_id": video_id})
    if not sources:
        return None
    return SourceView(
        dict(sources[0]), _rows(database, queries("status")["segments"], {"video_id": video_id})
    )


def video(database: Database, video_id: str) -> VideoStatus | None:
    """One video's row of the ledger."""
    rows = _rows(database, queries("status")["video"], {"video_id": video_id})
    return _video(rows[0]) if rows else None


def _video(row: dict[str, Any]) -> VideoStatus:
    return VideoStatus(**{**row, "url": masked(row["url"])})


def _rows(
    database: Database, statement: LiteralString, what: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    return database.run(lambda connection: connection.execute(statement, what).fetchall())


def _float(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]
