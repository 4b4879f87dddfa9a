"""Rows as they travel: whole, named, and measured in audio."""

import numpy as np
import pytest

from actors import rows
from pipelines import wire

META = rows.VideoMeta("A talk", "https://example.org/v", duration_s=90.0)
VIDEO = rows.VideoId("v")
WHO = rows.Provenance("tiny", "int8", "cpu", {})
SLICE = rows.Slice(VIDEO, 2, 1, (rows.Clip(10.0, 14.0, 0.0), rows.Clip(30.0, 35.0, 4.0)), b"\0\1" * 9, "en")
SPOKEN = rows.SpokenSlice(VIDEO, 2, 1, None, None, 9.0, "en", (), WHO)
SEGMENTED = rows.SegmentedVideo(VIDEO, 2, META, "en", (rows.Segment(0, "said", 1.0, 2.0, 1),))
EMBEDDED = rows.EmbeddedVideo(SEGMENTED, "model", np.ones((1, 3), np.float32))

KINDS = [
    (rows.Request(VIDEO, 2, "https://example.org/v"), 0.0),
    (rows.Video(VIDEO, 2, META, "{}"), 90.0),
    (rows.Audio(VIDEO, 2, META, b"\0" * 5, "m4a"), 90.0),
    (SLICE, 25.0),
    (SPOKEN, 9.0),
    (rows.Resumed(VIDEO, 2), 0.0),
    (rows.Transcript(VIDEO, 2, META, "en", ()), 90.0),
    (SEGMENTED, 90.0),
    (EMBEDDED, 90.0),
    (rows.Stored(VIDEO, 2, 1, "written"), 0.0),
]


@pytest.mark.parametrize(("item", "audio_s"), KINDS, ids=[type(item).__name__ for item, _ in KINDS])
def test_every_kind_of_row_arrives_as_it_was_sent(item: object, audio_s: float) -> None:
    """One schema for all, which names video and kind for whoever looks at a queue; and the audio that a row
    stands for, a slice's silence between its clips included."""
    row = wire.pack(item)
    assert (set(row), row["id"], row["kind"]) == ({"id", "kind", "payload"}, "v", type(item).__name__)
    arrived = wire.unpack(row)
    if isinstance(item, rows.EmbeddedVideo):
        np.testing.assert_array_equal(arrived.vectors, item.vectors)
        assert arrived.video == item.video
    else:
        assert arrived == item
    assert wire.video_id(arrived) == "v"
    assert wire.audio_seconds(arrived) == audio_s


def test_a_row_weighs_what_it_carries() -> None:
    """Queues are limited by bytes: the sound must be in the row, not beside it."""
    heavy = rows.Audio(VIDEO, 2, META, bytes(1_000_000), "m4a")
    assert len(wire.pack(heavy)["payload"]) > 1_000_000
