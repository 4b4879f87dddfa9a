"""How a row travels between stages: one schema for every kind, so that Ray Data never has to guess.

A row is ``{"id", "fence", "ordinal", "kind", "audio_s", "payload"}``. The payload is the pickled dataclass,
*bytes and all*: every queue limit of Ray Data counts bytes, and a row that held a path instead would never
be held back. What a stage must know before it opens the payload stands beside it: opening may already be
what kills its actor.
"""

import pickle
from typing import Any

from actors import rows

Row = dict[str, Any]
"""``id``: video id, ``fence``: of its claim, ``ordinal``: of the slice, else 0, ``kind``: class name of the
payload, ``audio_s``: see ``audio_seconds``, ``payload``: bytes."""


def pack(item: Any) -> Row:
    """A dataclass of ``actors.rows`` as a row."""
    return {
        "id": item.video_id, "fence": item.fence, "ordinal": getattr(item, "ordinal", 0),
        "kind": type(item).__name__, "audio_s": float(audio_seconds(item)),
        "payload": pickle.dumps(item, protocol=5),
    }  # fmt: skip


def unpack(row: Row) -> Any:
    """The dataclass that ``pack`` was given. Rows come from our own stages only, never from outside."""
    return pickle.loads(row["payload"])


def audio_seconds(item: Any) -> float:
    """Seconds of audio that a row stands for: what speeds are counted in."""
    match item:
        case rows.Slice():  # silence between its clips counts: speeds and lengths are of audio, not speech
            return item.clips[-1].end_s - item.clips[0].start_s if item.clips else 0.0
        case rows.SpokenSlice():
            return item.speech_s
        case rows.VoicedSlice():
            return item.spoken.speech_s
        case rows.Video() | rows.Audio() | rows.Transcript() | rows.SegmentedVideo():
            return item.meta.duration_s or 0.0
        case rows.EmbeddedVideo():
            return item.video.meta.duration_s or 0.0
        case _:
            return 0.0
