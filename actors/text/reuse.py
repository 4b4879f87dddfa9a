"""Vectors for a video of which some segments stay as they were: only the others go through the model."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from actors.rows import EmbeddedVideo, SegmentedVideo

Vector = npt.NDArray[np.float32]


def embed_missing(
    video: SegmentedVideo, known: Mapping[str, Vector], embed: Callable[[SegmentedVideo], EmbeddedVideo]
) -> EmbeddedVideo:
    """The video with a vector for each segment.

    Args:
        known: vectors of the same model by text, shape ``(dim,)``.
        embed: makes those of all segments of a video.

    Raises:
        Whatever ``embed`` raises.
    """
    missing = [segment for segment in video.segments if segment.text not in known]
    made = embed(replace(video, segments=tuple(missing)))
    fresh = iter(made.vectors)
    vectors = [known[segment.text] if segment.text in known else next(fresh) for segment in video.segments]
    return EmbeddedVideo(video, made.model, np.array(vectors, dtype=np.float32).reshape(len(vectors), -1))
