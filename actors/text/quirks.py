"""What single embedding models need beyond a name, and how one tells that they work.

Owns: facts about named models that are not in their files. Loads nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Likeness:
    """Questions and texts whose scores are published: question i is answered by text i."""

    questions: tuple[str, ...]
    texts: tuple[str, ...]
    min_margin: float
    """Least distance in cosine between the worst right answer and the best wrong one."""


@dataclass(frozen=True, slots=True)
class Quirks:
    cuda_dtype: str = "auto"
    """Weights' type on CUDA; ``auto`` is what the checkpoint was saved in."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Passed on to transformers' configuration."""
    likeness: Likeness | None = None


_GTE_QWEN2 = Quirks(
    # float16 overflows in these models. Their own code asks the cache for a method that transformers
    # has dropped, and an encoder has no use for a cache.
    cuda_dtype="bfloat16",
    config={"use_cache": False},
    # The model card's example. Without the model's own code attention looks backwards only and the
    # vectors mean little, while nothing fails. Published: 0.785, 0.754 against 0.170, 0.149 (1.5B),
    # a margin of 0.58; half of it leaves room for bfloat16 and for the 7B model.
    likeness=Likeness(
        questions=("how much protein should a female eat", "summit define"),
        texts=(
            "As a general guideline, the CDC's average requirement of protein for women ages 19 to 70 is 46 "
            "grams per day. But, as you can see from this chart, you'll need to increase that if you're "
            "expecting or training for a marathon. Check out the chart below to see how much protein you "
            "should be eating each day.",
            "Definition of summit for English Language Learners. : 1  the highest point of a mountain : the "
            "top of a mountain. : 2  the highest level. : 3  a meeting or series of meetings between the "
            "leaders of two or more governments.",
        ),
        min_margin=0.29,
    ),
)

KNOWN: Mapping[str, Quirks] = {
    "gte-qwen2-1.5b-instruct": _GTE_QWEN2,
    "gte-qwen2-7b-instruct": _GTE_QWEN2,
}
"""By the last part of hub id or directory, in lower case."""


def quirks_of(location: str) -> Quirks:
    """What is known of the model at a hub id or directory; the plain case where nothing is."""
    return KNOWN.get(location.lower().replace("\\", "/").rstrip("/").rpartition("/")[2], Quirks())


def dtype_for(wanted: str, device: str, quirks: Quirks) -> str:
    """The weights' type: what the setting says, else float32 on CPU and the model's own on CUDA."""
    if wanted != "auto":
        return wanted
    return "float32" if device == "cpu" else quirks.cuda_dtype
