"""Who is heard in a video: enrolled voices, and people whom nobody enrolled.

Owns: what a group of windows is taken for. Pure; knows no words and no times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from actors.voices.clustering import MIN_GROUP, Bools, Ints, centre, cluster, is_mixture, split
from actors.voices.matching import Comparable, Floats, match, scores

MAX_GROUPS = 60
"""Most groups that are people, the largest ones: hours of music or of callers make hundreds, and who says two words in
ten hours is nobody whom one could search for. The windows of the others are nobody's."""

MIXED_AT_MOST = 0.75
"""A mixture has at most this share of the windows of the voices that it is made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A voice that words can be given to."""

    references: Floats = field(repr=False)
    """Shape ``(n, dim)``, rows of unit length: what the voice sounds like, in this video or as enrolled."""
    profile: int | None = None
    """Index of the enrolled voice; ``None``: nobody enrolled it."""
    doubt: str | None = None
    """Why it can't be said who this is, though somebody enrolled is near."""

    def likeness(self, vectors: Floats) -> Floats:
        """Best cosine of each vector to a reference, shape ``(n,)``."""
        best: Floats = (vectors @ self.references.T).max(axis=1)
        return best


def find_people(vectors: Floats, profiles: Comparable, same_voice: float, margin: float) -> list[Person]:
    """The people in a video.

    Groups of windows are matched to profiles by the mean score of their windows: that is what thresholds hold for; a
    group's centre has less noise than a window and so is nearer to everybody who is like it. One that holds an
    enrolled voice and another is split before; several groups of one enrolled voice are one person. Enrolled voices that some window is near are there
    even without a group: who says one sentence in an hour has none.

    Args:
        vectors: shape ``(n, dim)``, rows of unit length, in the order of time.
        profiles: whom they may be.
        same_voice: see ``cluster``.
        margin: see ``match``.
    """
    if not len(vectors):
        return []
    of_profiles = scores(vectors, profiles)
    groups = _groups(vectors, of_profiles, profiles, same_voice)
    groups, centres = _without_mixtures(groups, [centre(vectors[group]) for group in groups])
    matches = [match(of_profiles[group].mean(axis=0), profiles, margin) for group in groups]
    people = [
        Person(one[None], doubt=found.doubt)
        for one, found in zip(centres, matches, strict=True)
        if found.profile is None
    ]
    for index, profile in enumerate(profiles.profiles):
        own = [one for one, found in zip(centres, matches, strict=True) if found.profile == index]
        if own or (of_profiles[:, index] >= profile.threshold).any():
            people.append(Person(np.stack([profiles.centroids[index], *own]), profile=index))
    return people


def _groups(vectors: Floats, of_profiles: Floats, profiles: Comparable, same_voice: float) -> list[Ints]:
    """Window numbers of each voice, largest group first; too small ones are left out."""
    labels = cluster(vectors, same_voice)
    waiting = [np.flatnonzero(labels == label) for label in range(int(labels.max()) + 1)]
    groups = []
    while waiting:
        group = waiting.pop()
        parts = _parted(of_profiles[group], profiles)
        if parts is not None:
            waiting += [group[parts], group[~parts]]
        elif len(group) >= MIN_GROUP:
            groups.append(group)
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))[:MAX_GROUPS]


def _parted(of_profiles: Floats, profiles: Comparable) -> Bools | None:
    for index, profile in enumerate(profiles.profiles):
        parts = split(of_profiles[:, index], profile.threshold)
        if parts is not None:
            return parts
    return None


def _without_mixtures(groups: Sequence[Ints], centres: Sequence[Floats]) -> tuple[list[Ints], list[Floats]]:
    """The groups that are not made of larger ones, and their centres."""
    kept: list[tuple[Ints, Floats]] = []
    for group, one in zip(groups, centres, strict=True):
        larger = [other for known, other in kept if len(group) <= MIXED_AT_MOST * len(known)]
        if not is_mixture(one, np.array(larger)):
            kept.append((group, one))
    return [group for group, _ in kept], [one for _, one in kept]
