"""How near a window must come to an enrolled voice to count as it: a threshold, and what it rests on. Pure.

Owns the choice between two errors. Foreign speech under the voice's name is the worse one, so the threshold lies
midway between what other voices reach at most and what the voice's own held-out windows reach at least, and where
the two overlap it lies at the former. Floats are cosines of single windows to the centroid, as in deciding; the
equal-error rate is read off the ROC curve (Martin et al., "The DET curve in assessment of detection task
performance", Eurospeech 1997).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from actors.voices.clustering import centre
from actors.voices.matching import Floats
from actors.voices.profile import Profile
from actors.voices.voice import Calibration

N_FOLDS = 5
OWN_LOW = 0.05
"""Share of own windows that may lie under what counts as the voice's least."""
OTHERS_HIGH = 0.999
"""Share of windows of others that lie under what counts as their most."""
ENOUGH_VOICES = 20
"""From so many other voices on their scores stand for everybody's; before, the model's own bound holds too."""
CEILING = 0.95
"""No threshold is higher: not even a clean recording of one afternoon is nearer to itself on the next day."""
OTHERS_AT_MOST = {"spkrec-ecapa-voxceleb": 0.45}
"""What windows of three seconds of another person reach at most, by model: the cosine at a false-accept rate
of about 0.1 % on clean speech."""
OTHERS_OF_ANY_MODEL = 0.65
"""The same for a model that nothing is known of; of the small one that ships it was measured."""


@dataclass(frozen=True, slots=True)
class OtherVoice:
    """Somebody who may not be the one that is enrolled."""

    vectors: Floats = field(repr=False)
    """Shape ``(n, dim)``, rows of unit length: windows of one voice."""
    name: str | None = None
    """Of an enrolled voice; ``None``: a voice of the corpus, which may be anybody, this one too."""


def held_out_scores(vectors: Floats, n_folds: int = N_FOLDS) -> Floats:
    """Cosine of each window to the centroid of windows that it had no part in.

    Folds are stretches of time, and the windows beside a stretch are left out of its centroid too, since they
    overlap with its first and last.

    Args:
        vectors: shape ``(n, dim)``, in order of time, unit length; n at least 4.

    Returns:
        Shape ``(n,)``.
    """
    n = len(vectors)
    scores = np.empty(n, dtype=np.float32)
    edges = np.linspace(0, n, min(n_folds, n // 2) + 1).astype(int)
    for first, after in pairwise(edges.tolist()):
        others = np.concatenate([vectors[: max(0, first - 1)], vectors[after + 1 :]])
        scores[first:after] = vectors[first:after] @ centre(others)
    return scores


def calibrate(
    own: Floats, model: str, enrolled: Iterable[Profile], corpus: Sequence[OtherVoice] = ()
) -> tuple[float, Calibration]:
    """The threshold of a voice.

    Args:
        own: windows of the enrolled speech, shape ``(n, dim)``, in order of time, unit length.
        model: the voice model, by name.
        enrolled: other voices; those of another model are passed over.
        corpus: voices of stored videos, one for each voice of a video as far as they were told apart.

    Returns:
        (least cosine that counts as this voice, what that rests on)
    """
    centroid, own_scores = centre(own), held_out_scores(own)
    low = float(np.quantile(own_scores, OWN_LOW))
    stated = _stated(model)
    peers = [OtherVoice(each.vectors, each.name) for each in enrolled if each.model == model]
    strangers, n_set_aside = _strangers(corpus, centroid, (float(np.median(own_scores)) + stated) / 2)
    others = [*peers, *strangers]
    scores = _scores(others, centroid)
    bound, basis = _bound(scores, len(others), stated, model)
    threshold = min((low + bound) / 2 if bound < low else bound, CEILING)
    nearest = max(peers, key=lambda peer: _likeness(peer, centroid), default=None)
    return threshold, Calibration(
        basis=basis,
        eer=equal_error_rate(own_scores, scores),
        n_own=len(own),
        n_other=len(scores),
        n_other_voices=len(others),
        n_set_aside=n_set_aside,
        missed=float(np.mean(own_scores < threshold)),
        mistaken=float(np.mean(scores >= threshold)) if len(scores) else None,
        nearest=nearest.name if nearest else None,
        nearest_score=_likeness(nearest, centroid) if nearest else None,
    )


def equal_error_rate(own: Floats, others: Floats) -> float | None:
    """Share of errors where as many own windows are missed as others are mistaken; ``None`` without others."""
    if not len(own) or not len(others):
        return None
    from sklearn.metrics import roc_curve

    truth = np.concatenate([np.ones(len(own)), np.zeros(len(others))])
    mistaken, found, _ = roc_curve(truth, np.concatenate([own, others]))
    at = int(np.argmin(np.abs(mistaken - (1 - found))))
    return float((mistaken[at] + 1 - found[at]) / 2)


def _strangers(
    corpus: Sequence[OtherVoice], centroid: Floats, too_near: float
) -> tuple[list[OtherVoice], int]:
    """The voices of the corpus that can't be the one in hand, and how many windows the others have.

    A corpus is mostly about the very person who is enrolled. A voice as a whole is told from him more surely than
    a window of it: its centre is compared.
    """
    apart = [each for each in corpus if _likeness(each, centroid) < too_near]
    return apart, sum(len(each.vectors) for each in corpus) - sum(len(each.vectors) for each in apart)


def _bound(scores: Floats, n_voices: int, stated: float, model: str) -> tuple[float, str]:
    """What others reach at most, and how that is known."""
    if not len(scores):
        return stated, (
            f"no other voice to compare with yet: others are taken to reach {stated:.2f} at most, as is usual for {model}"
        )
    measured = float(np.quantile(scores, OTHERS_HIGH))
    if n_voices >= ENOUGH_VOICES:
        return measured, f"measured on {len(scores)} windows of {n_voices} other voices"
    return max(measured, stated), (
        f"measured on {len(scores)} windows of {n_voices} other voices; with fewer than {ENOUGH_VOICES} of them others"
        f" are taken to reach {stated:.2f} at least, as is usual for {model}"
    )


def _stated(model: str) -> float:
    return OTHERS_AT_MOST.get(PurePosixPath(model).name.partition("@")[0], OTHERS_OF_ANY_MODEL)


def _scores(others: Sequence[OtherVoice], centroid: Floats) -> Floats:
    if not others:
        return np.zeros(0, dtype=np.float32)
    return np.concatenate([each.vectors @ centroid for each in others])


def _likeness(other: OtherVoice, centroid: Floats) -> float:
    return float(centre(other.vectors) @ centroid)
