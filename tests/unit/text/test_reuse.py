"""Vectors kept where the text stayed: each segment gets its own, and the model sees only what is new."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.rows import EmbeddedVideo, Segment, SegmentedVideo, VideoId, VideoMeta
from actors.text.reuse import embed_missing

DIM = 4


def vector(text: str) -> np.ndarray:
    return np.full(DIM, float(len(text)), np.float32)


@given(
    st.lists(st.sampled_from(["a", "bb", "ccc", "dddd"]), min_size=1, max_size=8),
    st.sets(st.sampled_from(["a", "ccc", "x"])),
)
def test_every_segment_gets_the_vector_of_its_text(texts: list[str], known: set[str]) -> None:
    """In order, whichever of them were known, and the model is asked for the others alone."""
    asked: list[str] = []

    def embed(video: SegmentedVideo) -> EmbeddedVideo:
        asked.extend(one.text for one in video.segments)
        vectors = np.array([vector(one.text) for one in video.segments], np.float32).reshape(-1, DIM)
        return EmbeddedVideo(video, "model", vectors)

    segments = tuple(Segment(n, text, n, n + 1, 1) for n, text in enumerate(texts))
    video = SegmentedVideo(VideoId("v"), 1, VideoMeta("T", "https://example.org"), "en", segments)
    made = embed_missing(video, {text: vector(text) for text in known}, embed)
    assert made.video is video and made.model == "model"
    assert made.vectors.dtype == np.float32
    assert np.array_equal(made.vectors, np.array([vector(text) for text in texts]))
    assert asked == [text for text in texts if text not in known]
