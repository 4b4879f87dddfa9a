"""A row of any kind travels whole, with what a stage must know before it opens it."""

import numpy as np
import pyarrow as pa
import pytest

from actors import rows
from actors.rows import VideoId
from cluster.resources import Hardware, plan_pools
from configs.load import load_settings
from pipelines import wire
from pipelines.ingest import line

META = rows.VideoMeta("A talk", "https://example.org/a", duration_s=60.0)
UNKNOWN = rows.VideoMeta("A talk", "https://example.org/a")
MADE_BY = rows.Provenance("tiny", "int8", "cpu", {})
SEGMENTED = rows.SegmentedVideo(VideoId("a"), 2, META, "en", ())
SPOKEN = rows.SpokenSlice(VideoId("a"), 2, 5, None, None, 7.0, "en", (), MADE_BY)
VOICES = rows.SliceVoices("tiny", 10.0, 17.0, ((10.0, 13.0),), np.ones((1, 1), np.float32))
KINDS = [
    (rows.Request(VideoId("a"), 2, "https://example.org/a"), 0, 0.0),
    (rows.Video(VideoId("a"), 2, META, "{}"), 0, 60.0),
    (rows.Video(VideoId("a"), 2, UNKNOWN, "{}"), 0, 0.0),
    (rows.Audio(VideoId("a"), 2, META, b"sound", "mp3"), 0, 60.0),
    (rows.Slice(VideoId("a"), 2, 5, (rows.Clip(10.0, 17.0, 0.0),), b"\0\0"), 5, 7.0),
    (SPOKEN, 5, 7.0),
    (rows.VoicedSlice(SPOKEN, VOICES), 5, 7.0),
    (rows.Resumed(VideoId("a"), 2), 0, 0.0),
    (rows.Transcript(VideoId("a"), 2, META, "en", ()), 0, 60.0),
    (SEGMENTED, 0, 60.0),
    (rows.EmbeddedVideo(SEGMENTED, "model", np.zeros((0, 3), np.float32)), 0, 60.0),
    (rows.Stored(VideoId("a"), 2, 0, "written"), 0, 0.0),
]


@pytest.mark.parametrize(("item", "ordinal", "audio_s"), KINDS, ids=[type(k[0]).__name__ for k in KINDS])
def test_a_row_comes_out_of_a_block_as_it_went_in(item: object, ordinal: int, audio_s: float) -> None:
    """Also what stands beside the payload: video, fence, part and length."""
    (row,) = pa.Table.from_pylist([wire.pack(item)]).to_pylist()
    assert (row["id"], row["fence"], row["ordinal"], row["audio_s"]) == ("a", 2, ordinal, audio_s)
    assert row["kind"] == type(item).__name__
    assert repr(wire.unpack(row)) == repr(item)


def test_all_kinds_have_one_schema() -> None:
    """So that Ray Data never has to guess, and none is forgotten."""
    settings = load_settings("demo")
    stages = line(settings, plan_pools(settings, Hardware(2)))
    flowing = {kind for stage in stages for kind in stage.accepts} | {rows.Stored}
    assert {type(item) for item, _, _ in KINDS} == flowing
    (schema,) = {pa.Table.from_pylist([wire.pack(item)]).schema for item, _, _ in KINDS}
    assert schema.names == ["id", "fence", "ordinal", "kind", "audio_s", "payload"]
