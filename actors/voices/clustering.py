"""Windows of one video into groups of one voice each.

Owns: which windows sound like one person, without knowing anybody. Pure; knows neither profiles nor words.

Agglomerative clustering with average linkage (SciPy), stopped where two groups are less alike on average
than ``same_voice``. It needs every pair of windows, which for a video of ten hours (24,000 windows) would be 2.3 GB.
So windows are clustered a stretch at a time (``STRETCH`` windows, 8 MB of distances), and then the groups of all
stretches. For vectors of unit length the mean cosine between two groups is the dot product of their sums over
the product of their sizes, so the second step is the same average linkage, exactly, from the sums alone.
"""

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.spatial.distance import squareform

from actors.voices.matching import Floats, unit

STRETCH = 1_000
"""Windows clustered at once: 25 minutes of speech."""

MIN_GROUP = 2
"""Windows from which a group is a voice: a single one is as likely two people's, or a noise."""

MIN_SPLIT = 0.2
"""Distance between the mean scores of two parts of a group from which they are two people's."""

MIXTURE = 0.7
"""A group's centre that two others explain to this cosine, both with weight, is a mixture of them: windows over a
change of speakers, or of people who talk at once. Measured on the scenes of ``dev``: mixtures 0.68 to 0.93, people
0.47 at most."""

MIN_PART = 0.25
"""Least weight of a voice in such a mixture."""

Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


def cluster(vectors: Floats, same_voice: float) -> Ints:
    """Group windows by voice.

    Args:
        vectors: shape ``(n, dim)``, rows of unit length, in the order of time.
        same_voice: least mean cosine between the windows of two groups at which they are one voice.

    Returns:
        Shape ``(n,)``: each window's group, numbered from 0 in the order of their first windows.
    """
    groups = np.zeros(len(vectors), np.intp)
    n_groups = 0
    for first in range(0, len(vectors), STRETCH):
        within = _agglomerate(vectors[first : first + STRETCH], same_voice)
        groups[first : first + STRETCH] = within + n_groups
        n_groups += int(within.max()) + 1
    joined = _join(_sums(vectors, groups, n_groups), np.bincount(groups, minlength=n_groups), same_voice)
    return _by_first(joined[groups])


def split(of_profile: Floats, threshold: float) -> Bools | None:
    """Tell the part of a group that is an enrolled voice from a part that isn't: the group holds two people.

    The scores are cut where that leaves least variance on both sides (Otsu's method); a cut counts if the means of
    the two parts lie at least ``MIN_SPLIT`` apart, on both sides of the threshold.

    Args:
        of_profile: shape ``(n,)``, scores of the group's windows with one profile.
        threshold: the profile's.

    Returns:
        Shape ``(n,)``, true for the windows of the voice; ``None``: the group is one.
    """
    ordered = np.sort(of_profile.astype(np.float64))
    n = len(ordered)
    if n < 2 * MIN_GROUP:
        return None
    sizes = np.arange(1, n)
    low = np.cumsum(ordered)[:-1] / sizes
    high = (ordered.sum() - np.cumsum(ordered)[:-1]) / (n - sizes)
    between = sizes * (n - sizes) * (high - low) ** 2
    cut = int(np.argmax(between))
    is_two = MIN_GROUP <= cut + 1 <= n - MIN_GROUP and high[cut] - low[cut] >= MIN_SPLIT
    if not (is_two and low[cut] < threshold <= high[cut]):
        return None
    is_voice: Bools = of_profile > (ordered[cut] + ordered[cut + 1]) / 2
    return is_voice


def is_mixture(centre: Floats, others: Floats) -> bool:
    """Whether a group's centre lies between those of two others.

    Args:
        centre: shape ``(dim,)``, unit length.
        others: shape ``(n, dim)``, rows of unit length: centres of larger groups.
    """
    if len(others) < 2:
        return False
    cosines = others @ centre
    between = others @ others.T
    for one in range(len(others)):
        for other in range(one):
            apart = 1 - between[one, other] ** 2
            if apart < 1e-3:
                continue
            weight = (cosines[one] - between[one, other] * cosines[other]) / apart
            weight_other = (cosines[other] - between[one, other] * cosines[one]) / apart
            explained = weight * cosines[one] + weight_other * cosines[other]
            if min(weight, weight_other) >= MIN_PART and explained >= MIXTURE**2:
                return True
    return False


def centre(vectors: Floats) -> Floats:
    """Mean direction of a group, shape ``(dim,)``, unit length."""
    return unit(vectors.mean(axis=0))


def _agglomerate(vectors: Floats, same_voice: float) -> Ints:
    if len(vectors) == 1:
        return np.zeros(1, np.intp)
    # Of unit vectors one product gives all cosines, five times as fast as SciPy's own pairs.
    distances = np.maximum(1 - vectors @ vectors.T, 0).astype(np.float64)
    tree = linkage(squareform(distances, checks=False), method="average")
    labels: Ints = fcluster(tree, 1 - same_voice, criterion="distance").astype(np.intp) - 1
    return labels


def _sums(vectors: Floats, groups: Ints, n_groups: int) -> npt.NDArray[np.float64]:
    n = len(vectors)
    members = csr_array((np.ones(n), (groups, np.arange(n))), shape=(n_groups, n))
    sums: npt.NDArray[np.float64] = members @ vectors.astype(np.float64)
    return sums


def _join(sums: npt.NDArray[np.float64], sizes: Ints, same_voice: float) -> Ints:
    """Average linkage over groups known by their sums and sizes: joins the two most alike while they are one voice.

    Returns:
        For each group the number of the one that it ended in.
    """
    ended_in = np.arange(len(sums))
    alike = (sums @ sums.T) / np.outer(sizes, sizes)
    np.fill_diagonal(alike, -np.inf)
    sums, weights, left = sums.copy(), sizes.astype(np.float64), np.ones(len(sums), np.bool_)
    while left.sum() > 1:
        one, other = divmod(int(np.argmax(alike)), len(sums))
        if alike[one, other] < same_voice:
            break
        sums[one] += sums[other]
        weights[one] += weights[other]
        left[other] = False
        ended_in[ended_in == other] = one
        row = (sums @ sums[one]) / (weights * weights[one])
        row[~left] = row[one] = -np.inf
        alike[one, :] = alike[:, one] = row
        alike[other, :] = alike[:, other] = -np.inf
    return ended_in


def _by_first(groups: Ints) -> Ints:
    _, firsts, renumbered = np.unique(groups, return_index=True, return_inverse=True)
    order: Ints = np.argsort(np.argsort(firsts))
    return order[renumbered]
