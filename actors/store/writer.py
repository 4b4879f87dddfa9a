"""Puts a whole video into the corpus, or nothing of it.

Owns: the transaction that replaces whatever a video had with what it has now, and marks it stored. A
video that is only embedded again keeps its segments, and its vectors of other models. Slices that what is
stored now was not cut from are dropped with it; its own are kept, so that it can be cut again without ASR.
A label by a voice that has been removed meanwhile is not stored.
Two attempts at one video take turns at its ledger row; the later one finds another fence and drops
its work, or its own fence with the work already done. Doesn't know how text or vectors are made.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector
from psycopg import sql

from actors.credentials import masked
from actors.errors import PermanentError
from actors.rows import EmbeddedVideo, SegmentedVideo, Stored
from actors.store.codec import provenance_to_json
from actors.store.database import Conn, Database
from actors.store.fencing import demand_running, lock_row
from actors.store.sql import queries
from actors.store.storable import clean_text
from actors.store.vectors import EmbeddingTable
from actors.store.voices import forget_absent

HALF_MAX = 65_504.0
"""Largest finite number of a half-precision float."""
SEGMENT_TYPES = (
    "text", "int4", "text", "float8", "float8", "int4", "text", "float8", "float8", "text", "float8", "float8",
    "float8", "text[]",
)  # fmt: skip
"""Of the columns in the statement ``copy_segments``: binary COPY converts nothing."""


class Writer:
    """Stores videos with the vectors of one model. Threads may share one."""

    def __init__(self, database: Database, model: EmbeddingTable) -> None:
        self._database = database
        self._model = model

    def write(self, video: EmbeddedVideo) -> Stored:
        """Store ``video`` in one transaction; ``outcome`` says whether an earlier call had done so.

        Raises:
            LeaseLost: another worker has the video.
            PermanentError: vectors that can't be searched, or data that can't be stored.
            TransientError: the database is away or full.
        """
        check_vectors(video, self._model)
        rows = _segment_rows(video.video)

        def replace(connection: Conn) -> str:
            locked = lock_row(connection, video.video_id, video.fence)
            if locked["status"] == "stored":
                return "already"
            demand_running(locked, video.video_id)
            source = _source_row(video.video, locked)
            if locked["redo"] == "embed":
                self._delete_vectors(connection, source)
            else:
                connection.execute(queries("writer")["upsert_source"], source)
                connection.execute(queries("writer")["delete_segments"], source)
                _copy_segments(connection, rows)
                forget_absent(connection, video.video_id)
            self._copy_vectors(connection, rows, video.vectors)
            connection.execute(queries("writer")["mark_stored"], source)
            connection.execute(queries("ledger")["drop_work"], {"video_id": video.video_id})
            connection.execute(queries("slices")["drop_unserved"], {"ids": [video.video_id]})
            return "written"

        outcome = self._database.run(replace)
        return Stored(video.video_id, video.fence, len(rows), outcome)

    def _delete_vectors(self, connection: Conn, source: dict[str, object]) -> None:
        statement = sql.SQL(queries("writer")["delete_vectors"]).format(table=self._model.identifier)
        connection.execute(statement, source)

    def _copy_vectors(
        self, connection: Conn, rows: list[tuple[object, ...]], vectors: npt.NDArray[np.float32]
    ) -> None:
        statement = sql.SQL(queries("writer")["copy_vectors"]).format(table=self._model.identifier)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(("text", "int4", "halfvec"))
            for row, vector in zip(rows, vectors, strict=True):
                copy.write_row((row[0], row[1], HalfVector(vector)))


def _copy_segments(connection: Conn, rows: list[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(queries("writer")["copy_segments"]) as copy:
        copy.set_types(SEGMENT_TYPES)
        for row in rows:
            copy.write_row(row)


def check_vectors(video: EmbeddedVideo, model: EmbeddingTable) -> None:
    """Refuse vectors that search can't use: pgvector itself takes zero vectors, whose angle is undefined.

    Raises:
        PermanentError: wrong model, shape or numbers, or no segments at all.
    """
    vectors, n_segments = video.vectors, len(video.video.segments)
    wrong = None
    if n_segments == 0:
        wrong = "it has no segments"
    elif video.model != model.name:
        wrong = f"its vectors come from {video.model}, and this corpus takes those of {model.name}"
    elif vectors.shape != (n_segments, model.dim):
        wrong = f"its vectors have the shape {vectors.shape} where {(n_segments, model.dim)} is wanted"
    elif not np.isfinite(vectors).all() or np.abs(vectors).max() > HALF_MAX:
        wrong = "a vector holds a number that is not finite"
    elif (np.abs(vectors.astype(np.float16)).max(axis=1) == 0).any():
        wrong = "a vector is zero"
    if wrong is not None:
        raise PermanentError(f"video {video.video_id} can't be stored: {wrong}", code="bad_data")


def _segment_rows(video: SegmentedVideo) -> list[tuple[object, ...]]:
    return [
        (
            video.video_id, segment.ordinal, clean_text(segment.text), float(segment.start_s), float(segment.end_s),
            segment.n_words, clean_text(segment.speaker) if segment.speaker is not None else None,
            segment.speaker_score, segment.speaker_margin,
            clean_text(segment.speaker_method) if segment.speaker_method is not None else None,
            segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob, list(segment.flags),
        )
        for segment in video.segments
    ]  # fmt: skip


def _source_row(video: SegmentedVideo, locked: dict[str, Any]) -> dict[str, object]:
    """A row of ``sources``; what the ledger knows better than the video comes from its locked row."""
    meta, decoded_s = video.meta, locked["decoded_s"]
    ended_s = max(segment.end_s for segment in video.segments)
    duration_s = decoded_s if decoded_s is not None else meta.duration_s
    return {
        "source_id": video.video_id,
        "source_type": clean_text(meta.extractor),
        "title": clean_text(meta.title),
        "url": masked(clean_text(meta.url)),
        "channel": clean_text(meta.channel) if meta.channel is not None else None,
        "channel_id": clean_text(meta.channel_id) if meta.channel_id is not None else None,
        "published_at": meta.published_at,
        "duration_s": duration_s if duration_s is not None else ended_s,
        "language": video.language,
        "recipe": locked["recipe"],
        "edition": locked["edition"],
        "n_words_collapsed": video.n_words_collapsed,
        "provenance": provenance_to_json(video.provenance) if video.provenance is not None else None,
    }
