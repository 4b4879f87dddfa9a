"""What the embedder asks of a model, and what it accepts as a vector.

Owns: the Protocol between ``Embedder`` and any model, and the check of vectors. Knows no library.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from actors.errors import PermanentError

Vectors = npt.NDArray[np.float32]


class TextModel(Protocol):
    """A model that turns texts into vectors of unit length."""

    @property
    def name(self) -> str:
        """What the corpus is labelled with."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """One forward pass: shape ``(n, dimensions)``, float32, rows of unit length, in order."""

    def release_memory(self) -> None:
        """Give back what the library holds in reserve, after it ran out of memory."""


def unit_vectors(raw: npt.ArrayLike, n_texts: int, dimensions: int) -> Vectors:
    """A model's output as rows of unit length, float32 ``(n_texts, dimensions)``.

    Raises:
        PermanentError: ``bad_vector``, wrong shape, or a row that holds NaN or infinity or is zero: it
            would be found by no search, or by every one.
    """
    vectors = np.asarray(raw, dtype=np.float32)
    if vectors.shape != (n_texts, dimensions):
        message = f"the embedding model returned an array of shape {vectors.shape} for {n_texts} texts"
        raise PermanentError(message, code="bad_vector", remedy=f"Expected ({n_texts}, {dimensions})")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths < 1e-12))
    if bad.size:
        raise PermanentError(
            f"the embedding model returned a vector without direction for text {bad[0]} of {n_texts}",
            code="bad_vector",
            remedy="Half precision can overflow in some models: try embed.dtype float32 or bfloat16",
        )
    return np.ascontiguousarray(vectors / lengths[:, None], dtype=np.float32)
