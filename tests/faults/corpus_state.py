"""What a database holds after a run, and how that differs from what it should hold.

Owns reading the corpus and the ledger, and the comparison, which is pure. Times of day, run numbers and
fences may differ; everything else may not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import Connection, sql
from psycopg.rows import dict_row

LEAST_LIKENESS = 0.999
"""Cosine of two vectors of the same text: the numbers depend a little on what shared the batch."""
OTHER_EACH_TIME = frozenset({"created_at", "updated_at"})

SegmentKey = tuple[str, int]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class CorpusState:
    """Everything that can be searched."""

    sources: dict[str, Row] = field(default_factory=dict)
    segments: dict[SegmentKey, Row] = field(default_factory=dict)
    vectors: dict[SegmentKey, npt.NDArray[np.float32]] = field(default_factory=dict)
    n_vectors: int = 0


@dataclass(frozen=True)
class LedgerState:
    """What the ledger says of work."""

    by_status: dict[str, int]
    n_in_hand: int
    n_unfinished_runs: int
    n_connections: int
    n_begun: int
    """Slices that recognisers took in hand, each time counted."""
    n_begun_slices: int
    """The same, each slice counted once."""
    n_slices: int


def read_corpus(url: str) -> CorpusState:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        sources = connection.execute("select * from sources").fetchall()
        segments = connection.execute("select * from segments").fetchall()
        vectors = list(_vectors(connection))
    return CorpusState(
        {row["source_id"]: {k: v for k, v in row.items() if k not in OTHER_EACH_TIME} for row in sources},
        {(row["source_id"], row["ordinal"]): row for row in segments},
        dict(vectors),
        len(vectors),
    )


def _vectors(connection: Connection[Any]) -> Iterator[tuple[SegmentKey, npt.NDArray[np.float32]]]:
    for model in connection.execute("select table_name from embedding_models").fetchall():
        table = sql.Identifier(model["table_name"])
        query = sql.SQL("select source_id, ordinal, embedding::real[] as vector from {}").format(table)
        for row in connection.execute(query):
            yield (row["source_id"], row["ordinal"]), np.array(row["vector"], dtype=np.float32)


def read_ledger(url: str) -> LedgerState:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        statuses = connection.execute("select status, count(*) as n from ingest_state group by 1").fetchall()
        row = connection.execute(
            """select (select count(*) from work_in_hand) as n_in_hand,
                      (select count(*) from runs where finished_at is null) as n_unfinished_runs,
                      (select count(*) from pg_stat_activity
                       where datname = current_database() and application_name = 'earmark') as n_connections,
                      (select count(*) from asr_begun) as n_begun,
                      (select count(*) from (select distinct video_id, ordinal from asr_begun) b) as n_begun_slices,
                      (select count(*) from slices) as n_slices"""
        ).fetchone()
    assert row is not None
    return LedgerState({status["status"]: status["n"] for status in statuses}, **row)


def n_slices_in_hand(url: str) -> int:
    """Slices that a recogniser took in hand and that aren't in the ledger: what a kill can cost."""
    query = """
        select count(*) from (select video_id, ordinal from asr_begun
                              except select video_id, ordinal from slices) as in_hand
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def differences(expected: CorpusState, found: CorpusState) -> list[str]:
    """What is missing, too much or other in ``found``; nothing where the two are the same."""
    return [
        *_differing("source", expected.sources, found.sources),
        *_differing("segment", expected.segments, found.segments),
        *_vector_faults(expected, found),
    ]


def _differing(what: str, expected: Mapping[Any, Row], found: Mapping[Any, Row]) -> Iterator[str]:
    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            yield f"{what} {key} is missing"
        elif key not in expected:
            yield f"{what} {key} is too much"
        else:
            for column, value in expected[key].items():
                if found[key][column] != value:
                    yield f"{what} {key}: {column} is {found[key][column]!r} and should be {value!r}"


def _vector_faults(expected: CorpusState, found: CorpusState) -> Iterator[str]:
    if found.n_vectors != len(found.segments):
        yield f"{found.n_vectors} vectors for {len(found.segments)} segments"
    for key in sorted(found.segments):
        if key not in found.vectors:
            yield f"segment {key} has no vector"
        elif key in expected.vectors:
            likeness = float(found.vectors[key] @ expected.vectors[key])
            if likeness < LEAST_LIKENESS:
                yield f"the vector of segment {key} is another (cosine {likeness:.4f})"


def ledger_faults(ledger: LedgerState, n_videos: int, n_allowed_twice: int) -> list[str]:
    """What a finished ledger may not hold."""
    twice = ledger.n_begun - ledger.n_begun_slices
    found = {
        f"the ledger holds {ledger.by_status}, not {n_videos} stored": ledger.by_status != {"stored": n_videos},
        f"{ledger.n_in_hand} rows of work in hand are left": ledger.n_in_hand,
        f"{ledger.n_unfinished_runs} runs count as running": ledger.n_unfinished_runs,
        f"{ledger.n_connections} connections are open": ledger.n_connections,
        f"{ledger.n_begun_slices} slices were begun and {ledger.n_slices} kept":
            ledger.n_begun_slices != ledger.n_slices,
        f"{twice} slices were transcribed again and {n_allowed_twice} were in hand": twice > n_allowed_twice,
    }  # fmt: skip
    return [fault for fault, is_so in found.items() if is_so]
