"""Slices into a transcript: committing one, seeing which commit completes the video, reading it back.

Owns: the slices' side of the ledger, on a connection inside a transaction whose video row is locked.
A video is complete when as many slices lie in the ledger as its last one said there are; the commit
that makes it so is told, and so is every later one until the video is stored: emission is
at-least-once, and storing is idempotent.
"""

from dataclasses import dataclass
from typing import Any

from actors.errors import PermanentError
from actors.rows import Transcript, VideoId, VoicedSlice
from actors.store.codec import (
    meta_from_json,
    provenance_from_json,
    provenance_to_json,
    utterances_from_json,
    utterances_to_json,
)
from actors.store.database import Conn
from actors.store.slice_voices import voices_from_columns, voices_to_columns
from actors.store.sql import queries


@dataclass(frozen=True, slots=True)
class Present:
    """Which slices of a video lie in the ledger under a recipe."""

    ordinals: frozenset[int]
    n_slices: int | None
    """How many there are in all; ``None`` until the last one was committed."""

    @property
    def complete(self) -> bool:
        return self.n_slices is not None and len(self.ordinals) >= self.n_slices


def slices_present(connection: Conn, video_id: VideoId, recipe: str | None) -> Present:
    row = connection.execute(
        queries("slices")["present"], {"video_id": video_id, "recipe": recipe}
    ).fetchone()
    assert row is not None
    return Present(frozenset(row["ordinals"]), row["n_slices"])


def slices_at_claim(connection: Conn, video_id: VideoId) -> frozenset[int]:
    """Ordinals of the slices that lay there when the video was claimed."""
    row = connection.execute(queries("slices")["at_claim"], {"video_id": video_id}).fetchone()
    assert row is not None
    return frozenset(row["ordinals"])


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A slice as the ledger takes it; made before the transaction, since it may fail on bad data."""

    values: dict[str, Any]

    @classmethod
    def of(cls, voiced: VoicedSlice) -> "SliceRow":
        """
        Raises:
            PermanentError: a number in it is not finite.
        """
        spoken = voiced.spoken
        return cls(
            {
                "video_id": spoken.video_id,
                "ordinal": spoken.ordinal,
                "n_slices": spoken.n_slices,
                "decoded_s": spoken.decoded_s,
                "speech_s": spoken.speech_s,
                "wordless_s": spoken.wordless_s,
                "language": spoken.language,
                "utterances": utterances_to_json(spoken.utterances),
                "provenance": provenance_to_json(spoken.provenance),
                **voices_to_columns(voiced.voices),
            }
        )


def commit_slice(connection: Conn, slice_row: SliceRow, locked: dict[str, Any]) -> bool:
    """Keep a slice, unless it is kept already; returns whether the video is complete now.

    Args:
        locked: the video's row of ``ingest_state``, whose recipe and edition the slice belongs to.

    Raises:
        PermanentError: the slice lies beyond the number of slices that the video is known to have.
    """
    values = {**slice_row.values, **{name: locked[name] for name in ("recipe", "edition", "run_id")}}
    inserted = connection.execute(queries("slices")["insert"], values).rowcount
    if not inserted and values["n_slices"] is not None:
        connection.execute(queries("slices")["learn_end"], values)
    tally = connection.execute(queries("slices")["tally"], values).fetchone()
    assert tally is not None
    n_slices = tally["n_slices"]
    if n_slices is not None and tally["last"] >= n_slices:
        raise PermanentError(
            f"video {values['video_id']} has more slices in the ledger than its last one said ({n_slices})",
            code="unexpected",
            remedy="Do it again from the start with --force",
        )
    progress = {**values, **tally}
    progress["provenance"] = values["provenance"] if inserted else None
    connection.execute(queries("slices")["note_progress"], progress)
    return bool(tally["n_done"] == n_slices)


def read_transcript(connection: Conn, video_id: VideoId, fence: int, locked: dict[str, Any]) -> Transcript:
    """The whole text of a complete video, and its voices where they were listened to.

    Args:
        locked: the video's row of ``ingest_state``.

    Raises:
        PermanentError: slices are missing, or the video was never described.
    """
    recipe = locked["recipe"]
    present = slices_present(connection, video_id, recipe)
    if not present.complete or locked["meta"] is None:
        raise PermanentError(
            f"video {video_id} is not complete in the ledger",
            code="unexpected",
            remedy="Do it again from the start with --force",
        )
    what = {"video_id": video_id, "recipe": recipe, "edition": locked["edition"]}
    rows = connection.execute(queries("slices")["text"], what).fetchall()
    utterances = tuple(spoken for row in rows for spoken in utterances_from_json(row["utterances"]))
    first = rows[0] if rows else None
    return Transcript(
        video_id=video_id,
        fence=fence,
        meta=meta_from_json(locked["meta"]),
        language=locked["language"] or (first["language"] if first else "und"),
        utterances=utterances,
        voices=tuple(voices for row in rows if (voices := voices_from_columns(row)) is not None),
        provenance=provenance_from_json(first["provenance"]) if first else None,
        wordless_s=sum(row["wordless_s"] for row in rows),
    )
