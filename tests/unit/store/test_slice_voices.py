"""Voices of a slice as the ledger keeps them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actors.errors import PermanentError
from actors.rows import SliceVoices
from actors.store.slice_voices import voices_from_columns, voices_to_columns

WINDOWS = ((10.0, 13.0), (11.5, 14.5))


def unit(raw: np.ndarray) -> np.ndarray:
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


@given(arrays(np.float32, (2, 192), elements=st.floats(-1, 1, width=32)).filter(lambda a: (abs(a).max(axis=1) > 0.1).all()))  # fmt: skip
def test_vectors_come_back_as_near_as_half_precision_allows(raw: np.ndarray) -> None:
    """At unit length; cosines between them are off by less than a thousandth. 384 bytes each."""
    voices = SliceVoices("tiny", 10.0, 30.25, WINDOWS, unit(raw), dense=False)
    columns = voices_to_columns(voices)
    assert len(columns["voice_vectors"]) == 2 * 384
    back = voices_from_columns(columns)
    assert back is not None
    assert repr(back) == repr(voices)
    assert back.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(back.vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(back.vectors @ back.vectors.T, voices.vectors @ voices.vectors.T, atol=1e-3)


def test_a_reason_comes_back_without_vectors() -> None:
    """And the name of the model that was meant to hear it."""
    none = np.zeros((0, 0), np.float32)
    voices = SliceVoices("tiny", 10.0, 30.0, (), none, reason="the voice model failed")
    back = voices_from_columns(voices_to_columns(voices))
    assert back is not None and repr(back) == repr(voices) and back.vectors.shape == (0, 0)


def test_a_slice_from_before_has_no_voices() -> None:
    """All its columns are null."""
    assert voices_from_columns(dict.fromkeys(voices_to_columns(voices_of()))) is None


def voices_of() -> SliceVoices:
    return SliceVoices("tiny", 10.0, 30.0, WINDOWS, unit(np.ones((2, 4))))


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": np.full((2, 4), np.nan, np.float32)},
        {"vectors": np.ones((1, 4), np.float32)},
        {"windows": ((10.0, float("inf")), (11.0, 14.0))},
        {"reason": "a reason beside vectors"},
        {"windows": (), "vectors": np.zeros((0, 4), np.float32)},
    ],
    ids=["NaN", "a vector too few", "infinite", "reason and vectors", "neither"],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    """Before it is in the ledger."""
    with pytest.raises(PermanentError) as caught:
        voices_to_columns(replace(voices_of(), **change))
    assert caught.value.code == "bad_data"
