"""Proof, at a model's start, that its vectors mean something.

Owns: what an embedding model must get right before it may work. Knows models only as functions.

A model with the wrong pooling, wrong attention or overflowing arithmetic returns vectors all the
same. They fill a corpus that finds nothing, and nobody notices for days.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from actors.errors import ConfigError
from actors.text.quirks import Likeness
from actors.text.text_model import Vectors

ALIKE = (
    "The doctor told her patients to sleep at least eight hours every night.",
    "Physicians recommend that people get enough rest while it is dark.",
)
UNRELATED = "The train to the coast leaves from platform four at noon."
QUESTION = "how long should a person sleep"

Encode = Callable[[Sequence[str]], Vectors]

_REMEDY = "Its files may be damaged, or it may need embed.trust_remote_code or another embed.dtype"


@dataclass(frozen=True, slots=True)
class Proof:
    """Cosines of sentences whose likeness is known."""

    alike: float
    """Of two that say the same."""
    unlike: float
    """The largest of two that don't."""


def prove(name: str, encode_documents: Encode, encode_queries: Encode, likeness: Likeness | None) -> Proof:
    """Embed texts whose likeness is known.

    Raises:
        ConfigError: two sentences that say the same are less alike than two that don't, a question
            is nearer to the wrong text, or the model misses its own published margin.
    """
    first, same, other = encode_documents([*ALIKE, UNRELATED])
    question = encode_queries([QUESTION])[0]
    proof = Proof(alike=float(first @ same), unlike=float(max(first @ other, same @ other)))
    if not (proof.alike > proof.unlike and question @ first > question @ other):
        raise ConfigError(
            f"the embedding model {name} tells like texts from unlike ones wrongly", remedy=_REMEDY
        )
    if likeness is None:
        return proof
    scores = encode_queries(likeness.questions) @ encode_documents(likeness.texts).T
    right = np.eye(len(scores), dtype=bool)
    margin = float(scores[right].min() - scores[~right].max())
    if margin < likeness.min_margin:
        raise ConfigError(
            f"the embedding model {name} separates its own examples by {margin:.2f}, and should by"
            f" {likeness.min_margin:.2f} at least",
            remedy=_REMEDY,
        )
    return proof
