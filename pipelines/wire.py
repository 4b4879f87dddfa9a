"""How a row travels between stages: one schema for every kind, so that Ray Data never has to guess.

A row is ``{"id", "kind", "payload"}``. The payload is the pickled dataclass, *bytes and all*: every
queue limit of Ray Data counts bytes, and a row that held a path instead would never be held back.
"""

import pickle
from typing import Any

from actors import rows

Row = dict[str, Any]
"""``id``: video id, ``kind``: class name of the payload, ``payload``: bytes."""


def pack(item: Any) -> Row:
    """A dataclass of ``actors.rows`` as a row."""
    return {"id": item.video_id, "kind": type(item).__name__, "payload": pickle.dumps(item, protocol=5)}


def unpack(row: Row) -> Any:
    """The dataclass that ``pack`` was given. Rows come from our own stages only, never from outside."""
    return pickle.loads(row["payload"])


def video_id(item: Any) -> rows.VideoId:
    """The video that a row belongs to; every kind has one."""
    found: rows.VideoId = item.video_id
    return found


def audio_seconds(item: Any) -> float:
    """Seconds of audio that a row stands for: what speeds are counted in."""
    match item:
        case rows.Slice():  # silence between its clips counts: speeds and lengths are of audio, not speech
            return item.clips[-1].end_s - item.clips[0].start_s if item.clips else 0.0
        case rows.SpokenSlice():
            return item.speech_s
        case rows.Video() | rows.Audio() | rows.Transcript() | rows.SegmentedVideo():
            return item.meta.duration_s or 0.0
        case rows.EmbeddedVideo():
            return item.video.meta.duration_s or 0.0
        case _:
            return 0.0
