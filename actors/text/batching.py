"""How waiting texts become batches: the embedder's decisions, all pure.

Owns: when to stop waiting, which texts go together, and what an error means. Knows no thread, clock
or model.
"""

from collections.abc import Sequence
from typing import Literal

WINDOW_BATCHES = 4
"""Texts are sorted by length over this many batches: more would pad less and delay the first video."""

Trouble = Literal["out_of_memory", "device", "text"]

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cublas_status_alloc_failed")


def seconds_to_wait(n_texts: int, batch_size: int, waited_s: float, linger_s: float) -> float:
    """How much longer a batch may fill; 0 when it is full or the first text has waited long enough.

    Args:
        n_texts: texts waiting, at least one.
        waited_s: how long the first of them has waited.
    """
    return 0.0 if n_texts >= batch_size else max(0.0, linger_s - waited_s)


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Positions of texts in batches of at most ``batch_size``, texts of like length together.

    The longest come first, so that a batch which is too large for the memory says so at once.
    """
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    return [order[first : first + batch_size] for first in range(0, len(order), batch_size)]


def diagnose(error: BaseException) -> Trouble:
    """What a failed forward pass means: a smaller batch may pass, nothing will pass any more in this
    process, or some text in the batch can't be embedded."""
    names = {kind.__name__ for kind in type(error).__mro__}
    message = str(error).lower()
    if "OutOfMemoryError" in names or isinstance(error, MemoryError):
        return "out_of_memory"
    if isinstance(error, RuntimeError) and any(phrase in message for phrase in _OUT_OF_MEMORY):
        return "out_of_memory"
    # After a failed kernel every later CUDA call of the process fails too.
    if "AcceleratorError" in names or (isinstance(error, RuntimeError) and "cuda error" in message):
        return "device"
    return "text"
