"""Search: what was said that is near in meaning, or holds the words; both rankings fused.

Owns: the hybrid query. Vector and full-text rankings are fused by reciprocal rank (Cormack, Clarke
and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet …", SIGIR 2009; k = 60). Doesn't know
how the query became a vector, nor how a link is made of a hit.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector
from psycopg import sql

from actors.errors import ConfigError
from actors.rows import VideoId
from actors.store.database import Conn, Database
from actors.store.sql import queries
from actors.store.storable import clean_text
from actors.store.vectors import EmbeddingTable

MIN_CANDIDATES = 50
"""Taken from each of the two rankings, at least."""
FEW = 5_000
"""Up to so many segments that pass the filters are ranked exactly: fast, and nothing is missed."""
TEXT_CAP = 2_000
"""Full-text matches that are ranked: a word in every row took 2.1 s without a limit."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must satisfy; ``None`` asks for nothing."""

    channel: str | None = None
    """Name or id, upper and lower case alike."""
    since: datetime | None = None
    """Published at or after."""
    until: datetime | None = None
    """Published before."""
    speaker: str | None = None
    video_id: str | None = None

    @property
    def any(self) -> bool:
        return any(value is not None for value in asdict(self).values())


@dataclass(frozen=True, slots=True)
class Hit:
    """One segment found, best first."""

    video_id: VideoId
    title: str
    url: str
    """The video's page; the link to the second is made from it and ``start_s``."""
    channel: str | None
    published_at: datetime | None
    ordinal: int
    start_s: float
    end_s: float
    speaker: str | None
    text: str
    score: float
    """Sum of reciprocal ranks: comparable within one result only."""
    similarity: float | None
    """Cosine of query and segment; ``None`` for a hit that came by its words alone."""


def search(
    database: Database,
    query_vector: npt.NDArray[np.float32],
    query_text: str,
    table: EmbeddingTable,
    *,
    filters: Filters | None = None,
    limit: int = 10,
) -> list[Hit]:
    """The ``limit`` best segments; as many as there are if fewer pass the filters.

    Args:
        query_vector: shape ``(dim,)``, made by the model of ``table``.
        query_text: as a person typed it: words, "phrases", or, -not. May be anything, also empty.

    Raises:
        ConfigError: the vector doesn't fit the table.
    """
    if query_vector.shape != (table.dim,):
        raise ConfigError(
            f"the query's vector has the shape {query_vector.shape}, and the corpus holds {table.dim} dimensions",
            remedy=f"Search with the model that the corpus was embedded with: {table.name}",
        )
    filters = filters or Filters()
    n_candidates = max(MIN_CANDIDATES, 2 * limit)
    what = {
        **{
            name: clean_text(value) if isinstance(value, str) else value
            for name, value in asdict(filters).items()
        },
        "vector": HalfVector(query_vector),
        "text": clean_text(query_text),
        "candidates": n_candidates,
        "text_cap": TEXT_CAP,
        "few": FEW,
        "limit": limit,
    }

    def look(connection: Conn) -> list[Hit]:
        exact = filters.any and _passing(connection, what) <= FEW
        hits = _fused(connection, table, what, exact=exact)
        if len(hits) < limit and not exact:
            hits = _fused(
                connection, table, what, exact=True
            )  # the index scan gave up early, or there are no more
        return hits

    return database.run(look)


def _passing(connection: Conn, what: dict[str, object]) -> int:
    row = connection.execute(queries("search")["n_passing"], what, prepare=False).fetchone()
    assert row is not None
    return int(row["n"])


def _fused(connection: Conn, table: EmbeddingTable, what: dict[str, object], *, exact: bool) -> list[Hit]:
    # An ordering that the index doesn't know (+ 0) makes Postgres compute every distance.
    order = sql.SQL("(e.embedding <=> %(vector)s) + 0" if exact else "e.embedding <=> %(vector)s")
    statement = sql.SQL(queries("search")["fused"]).format(table=table.identifier, order=order)
    # prepare=False: a plan made for other filters would be kept and used for these.
    return [Hit(**row) for row in connection.execute(statement, what, prepare=False)]
