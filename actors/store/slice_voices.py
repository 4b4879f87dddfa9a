"""Voices of a slice ↔ columns of the ledger. Pure; knows neither SQL nor connections.

Owns the form in which voice vectors are kept; why it is that one stands in migration 0006.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from actors.errors import PermanentError
from actors.rows import DAMAGED_VOICES, SliceVoices
from actors.store.storable import clean_text

STORED_DTYPE = "<f2"
VECTOR_BYTES = 2
"""Of one number of a vector."""


def voices_to_columns(voices: SliceVoices) -> dict[str, Any]:
    """
    Raises:
        PermanentError: a number is not finite, or windows and vectors are not as many.
    """
    windows = np.asarray(voices.windows, dtype=np.float64).reshape(-1, 2)
    vectors = np.asarray(voices.vectors, dtype=np.float32)
    finite = np.isfinite(windows).all() and np.isfinite(vectors).all()
    if not finite or len(windows) != len(vectors) or bool(len(windows)) == bool(voices.reason):
        raise PermanentError(
            f"the voice model {voices.model} gave {len(vectors)} vectors for {len(windows)} windows"
            f"{'' if finite else ', with a number that is not finite'}",
            code="bad_data",
        )
    return {
        "voice_model": clean_text(voices.model),
        "voice_start_s": voices.start_s,
        "voice_end_s": max(voices.start_s, voices.end_s),
        "voice_windows": windows.ravel().tolist(),
        "voice_vectors": vectors.astype(STORED_DTYPE).tobytes(),
        "voice_dense": voices.dense,
        "voice_reason": clean_text(voices.reason) if voices.reason else None,
    }


def voices_from_columns(row: Mapping[str, Any]) -> SliceVoices | None:
    """``None``: the slice was stored before voices were listened to. Vectors come back at unit length, float32. Of columns
    that don't agree nothing is taken but the reason: whoever reads many slices goes on."""
    if row["voice_model"] is None:
        return None
    flat, blob = np.asarray(row["voice_windows"], dtype=np.float64), row["voice_vectors"]
    width = VECTOR_BYTES * (len(flat) // 2)
    damaged = len(flat) % 2 or bool(width) != bool(blob) or (width and len(blob) % width)
    windows = np.zeros((0, 2)) if damaged else flat.reshape(-1, 2)
    kept = np.zeros(0, np.float32) if damaged else np.frombuffer(blob, dtype=STORED_DTYPE).astype(np.float32)
    vectors = kept.reshape(len(windows), -1) if len(windows) else np.zeros((0, 0), dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return SliceVoices(
        model=row["voice_model"],
        start_s=row["voice_start_s"],
        end_s=row["voice_end_s"],
        windows=tuple((float(start_s), float(end_s)) for start_s, end_s in windows),
        vectors=vectors / np.maximum(lengths, np.finfo(np.float32).tiny),
        dense=row["voice_dense"],
        reason=DAMAGED_VOICES if damaged else row["voice_reason"],
    )
