"""Sums over what a run stored, for somebody to compare. Changes nothing.

Owns: adding up segments, vectors, words and slices in the database, so that memory stays the same
whatever a run's length. Judges nothing: ``pipelines/accounts.py`` and ``quality.py`` do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from actors.rows import RunId
from actors.store.database import Database
from actors.store.sql import queries
from actors.store.vectors import EmbeddingTable

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class VideoSums:
    """One stored video: what it has, and what its slices say that it should have."""

    video_id: str
    in_corpus: bool
    """The ledger says stored; whether there is a row of the corpus."""
    n_segments: int
    n_vectors: int
    """Of the model that the run used."""
    n_words_in: int
    """In its slices."""
    n_words_out: int
    """In its segments."""
    n_words_collapsed: int
    """Left out as repetitions of a loop."""
    n_slices: int
    n_slices_said: int | None
    """What its last slice says; ``None``: that one is missing."""
    last_slice: int | None
    """Highest ordinal, which counts from 0."""


@dataclass(frozen=True, slots=True)
class SegmentSums:
    """All segments of a run or of the corpus, counted by what they have."""

    n_segments: int
    n_from_asr: int
    """With text, and with the name of the recogniser that wrote it."""
    n_with_vector: int
    n_with_speaker: int
    """With a speaker, or a reason why there is none."""
    n_identified: int
    """With a speaker."""
    n_under: int
    """Shorter than ``segment.min_chars`` of the run that made them."""
    n_over: int
    n_flagged: int
    lengths: tuple[int, int, int] | None
    """Characters at the 5th, 50th and 95th percentile; ``None`` where there are no segments."""
    flags: dict[str, int]
    """Segments by flag; one segment may have several."""


@dataclass(frozen=True, slots=True)
class Wordless:
    """Speech in which the recogniser heard no word, in its second decoding neither: in no segment, so it is told of
    by itself."""

    wordless_s: float
    speech_s: float
    """All speech, with and without words."""
    n_videos: int
    """With some of it."""
    worst: tuple[str, ...]
    """The first of them by seconds."""


@dataclass(frozen=True, slots=True)
class BadSegment:
    """A segment without what every segment must have."""

    video_id: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """A video that a run was to do and that has not come to an end."""

    video_id: str
    status: str
    stage: str | None


def video_sums(database: Database, run_id: RunId, table: EmbeddingTable) -> Iterator[VideoSums]:
    """The sums of each video that this run stored, by id, fetched in pages."""
    after = ""
    while True:
        what = {"run_id": run_id, "after": after, "limit": PAGE}
        rows = _rows(database, "video_sums", table, what)
        yield from (VideoSums(**row) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1]["video_id"]


def left_open(database: Database, run_id: RunId, limit: int) -> list[LeftOpen]:
    """The first videos that this run leaves neither stored nor skipped nor failed."""
    what = {"run_id": run_id, "limit": limit}
    rows = database.run(lambda c: c.execute(queries("accounting")["left_open"], what).fetchall())
    return [LeftOpen(**row) for row in rows]


def segment_sums(database: Database, table: EmbeddingTable, run_id: RunId | None = None) -> SegmentSums:
    """Counts over the segments that a run stored; without ``run_id`` over the whole corpus."""
    what = {"run_id": run_id}
    (row,) = _rows(database, "segment_sums", table, what)
    flags = database.run(lambda c: c.execute(queries("accounting")["flags"], what).fetchall())
    lengths = tuple(row.pop("lengths") or ())
    return SegmentSums(
        **row, lengths=lengths if lengths else None, flags={each["flag"]: each["n"] for each in flags}
    )


def wordless(database: Database, limit: int, run_id: RunId | None = None) -> Wordless:
    """Speech without a word in what a run stored; without ``run_id`` in the whole corpus.

    Args:
        limit: most videos that are named.
    """
    what = {"run_id": run_id, "limit": limit}
    row = database.run(lambda c: c.execute(queries("accounting")["wordless"], what).fetchone())
    assert row is not None
    return Wordless(**{**row, "worst": tuple(row["worst"])})


def bad_segments(
    database: Database, table: EmbeddingTable, gate: str, limit: int, run_id: RunId | None = None
) -> list[BadSegment]:
    """The first segments that break a gate.

    Args:
        gate: ``asr`` (text and its origin), ``vector``, or ``speaker`` (or a reason for none).
    """
    what = {"run_id": run_id, "gate": gate, "limit": limit}
    return [BadSegment(**row) for row in _rows(database, "bad_segments", table, what)]


def _rows(database: Database, name: str, table: EmbeddingTable, what: dict[str, Any]) -> list[dict[str, Any]]:
    composed = sql.SQL(queries("accounting")[name]).format(table=table.identifier)
    return database.run(lambda connection: connection.execute(composed, what).fetchall())
