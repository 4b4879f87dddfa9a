"""Labels of stored segments, written anew in place; and the voices that were heard in the corpus.

Owns the store's side of ``reprocess --from identify``: reading what is served and what it was cut from, a batch of
videos at a time, and replacing labels in one transaction a video. Decides nothing: see ``actors/voices`` and
``actors/text/relabelling.py``.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actors.rows import Segment, SliceVoices, Transcript, VideoId, VideoMeta
from actors.store.codec import utterances_from_json
from actors.store.database import Conn, Database
from actors.store.slice_voices import voices_from_columns
from actors.store.sql import queries
from actors.store.voices import forget_absent

NOT_NEEDED = VideoMeta(title="", url="")
"""Labels depend on what was said and heard alone."""


@dataclass(frozen=True, slots=True)
class Served:
    """A stored video: its segments, and the text and voices that they were cut from."""

    transcript: Transcript
    """Nothing is attributed in it; its ``meta`` is empty."""
    segments: tuple[Segment, ...]
    """Without the recogniser's scores."""
    has_loops: bool
    """Words of the text stand in no segment, or that wasn't counted."""
    updated_at: datetime

    @property
    def video_id(self) -> VideoId:
        return self.transcript.video_id


def read_served(database: Database, video_ids: Sequence[VideoId]) -> list[Served]:
    """Those of the videos that are in the corpus, in the order given."""
    what = {"ids": list(video_ids)}

    def read(connection: Conn) -> list[Served]:
        sources = {row["video_id"]: row for row in connection.execute(queries("relabel")["sources"], what)}
        texts, segments = _grouped(connection, "texts", what), _grouped(connection, "segments", what)
        return [
            Served(
                transcript=_transcript(VideoId(video_id), sources[video_id], texts[video_id]),
                segments=tuple(
                    Segment(**{**row, "flags": tuple(row["flags"])}) for row in segments[video_id]
                ),
                has_loops=sources[video_id]["n_words_collapsed"] != 0,
                updated_at=sources[video_id]["updated_at"],
            )
            for video_id in video_ids
            if video_id in sources
        ]

    return database.run(read)


def relabel(database: Database, served: Served, changed: Sequence[Segment]) -> bool:
    """Write the labels of these segments in one transaction; False: somebody has stored the video anew since it was
    read, and nothing was written. A label by a voice that was removed meanwhile becomes unknown."""
    what = {
        "video_id": served.video_id,
        "ordinals": [segment.ordinal for segment in changed],
        "speakers": [segment.speaker for segment in changed],
        "scores": [segment.speaker_score for segment in changed],
        "margins": [segment.speaker_margin for segment in changed],
        "methods": [segment.speaker_method for segment in changed],
    }
    begun: list[datetime] = [served.updated_at]

    def write(connection: Conn) -> bool:
        held = connection.execute(queries("relabel")["hold"], what).fetchone()
        if held is None or held["updated_at"] not in begun:
            return False
        connection.execute(queries("relabel")["label"], what)
        forget_absent(connection, served.video_id)
        connection.execute(queries("relabel")["touch"], what)
        touched = connection.execute(queries("relabel")["hold"], what).fetchone()
        assert touched is not None
        begun.append(touched["updated_at"])  # where only the answer to the commit was lost, it is ours
        return True

    return database.run(write)


def heard_in_corpus(
    database: Database, model: str, *, n_videos: int = 100, n_slices: int = 2
) -> dict[VideoId, list[SliceVoices]]:
    """What this model heard in some videos of the corpus, drawn at random.

    Args:
        n_slices: most slices of each; one has up to five minutes of speech.
    """
    what = {"model": model, "n_videos": n_videos, "n_slices": n_slices}
    rows = database.run(lambda connection: connection.execute(queries("relabel")["heard"], what).fetchall())
    found: dict[VideoId, list[SliceVoices]] = defaultdict(list)
    for row in rows:
        voices = voices_from_columns(row)
        if voices is not None:
            found[VideoId(row["video_id"])].append(voices)
    return found


def _grouped(connection: Conn, name: str, what: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(queries("relabel")[name], what):
        found[row.pop("video_id")].append(row)
    return found


def _transcript(video_id: VideoId, source: dict[str, Any], slices: Sequence[dict[str, Any]]) -> Transcript:
    return Transcript(
        video_id=video_id,
        fence=0,
        meta=NOT_NEEDED,
        language=source["language"] or "und",
        utterances=tuple(spoken for row in slices for spoken in utterances_from_json(row["utterances"])),
        voices=tuple(voices for row in slices if (voices := voices_from_columns(row)) is not None),
    )
