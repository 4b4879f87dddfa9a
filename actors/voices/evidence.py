"""What windows of sound say of each word, given who is taken to say it.

Owns: which windows count for a word, and their means. Decides nothing. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from actors.voices.clustering import Ints
from actors.voices.earshot import SHORTEST_S, Earshot
from actors.voices.matching import Comparable
from actors.voices.people import Person
from actors.voices.smoothing import Reals, Timing

ALONE = 0.9
"""Share of a window's speech that is one voice's, from which the window is heard as that voice alone."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Heard:
    """A video's words and windows, and how like each window is to whom."""

    timing: Timing
    earshot: Earshot
    people: Sequence[Person]
    profiles: Comparable
    likeness: Reals = field(repr=False)
    """Shape ``(n_windows, n_people)``: best cosine to a reference of each person."""
    of_profiles: Reals = field(repr=False)
    """Shape ``(n_windows, n_profiles)``: see ``matching.scores``."""
    whole: Bools = field(repr=False)
    """Shape ``(n_words,)``: the word stands for a whole utterance, which can't be cut."""

    @property
    def lengths_s(self) -> Reals:
        """Shape ``(n_words,)``: how long each word is said, more than 0."""
        return np.maximum(self.timing.ends_s - self.timing.starts_s, SHORTEST_S)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the windows in which a word's person alone is heard say of it; of a word without such windows, what all
    windows say that it is heard in. All arrays have a row for each word."""

    is_heard: Bools
    """Some window holds the word."""
    is_alone: Bools
    """Some window holds the word in which its person alone is heard."""
    near: Reals
    """Shape ``(n_words, n_people)``: mean likeness to each person."""
    of_profiles: Reals
    """Shape ``(n_words, n_profiles)``: mean score with each profile."""
    covered_s: Reals
    """Seconds of overlap with windows in which the word's person alone is heard."""
    lowest: Reals
    """Least likeness to the word's person in any window in which that person alone is heard; infinite without one."""


def gather(heard: Heard, proposed: Ints) -> Evidence:
    """The evidence for the proposed people.

    Args:
        heard: words and windows; at least one person.
        proposed: shape ``(n_words,)``: index of each word's person.
    """
    shares = heard.earshot.shares(proposed, len(heard.people))
    best = shares.argmax(axis=1)
    alone = np.where(shares[np.arange(len(best)), best] >= ALONE, best, -1)
    entries = heard.earshot.overlap_s.tocoo()
    words, windows, seconds = entries.row, entries.col, entries.data
    own = alone[windows] == proposed[words]
    of_own = csr_array((seconds[own], (words[own], windows[own])), shape=heard.earshot.overlap_s.shape)
    covered_s = np.bincount(words[own], seconds[own], len(proposed))
    is_alone = covered_s > 0
    lowest = np.full(len(proposed), np.inf)
    np.minimum.at(lowest, words[own], heard.likeness[windows[own], proposed[words[own]]])
    return Evidence(
        is_heard=np.bincount(words, minlength=len(proposed)) > 0,
        is_alone=is_alone,
        near=_means(heard.likeness, of_own, heard.earshot.overlap_s, is_alone),
        of_profiles=_means(heard.of_profiles, of_own, heard.earshot.overlap_s, is_alone),
        covered_s=covered_s,
        lowest=lowest,
    )


def _means(of_windows: Reals, own: csr_array, anyone: csr_array, is_alone: Bools) -> Reals:
    """Mean over each word's windows, weighted by overlap."""
    means: Reals = np.where(is_alone[:, None], _mean(of_windows, own), _mean(of_windows, anyone))
    return means


def _mean(of_windows: Reals, weights: csr_array) -> Reals:
    sums = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
    mean: Reals = (weights @ of_windows) / np.maximum(sums, 1e-9)
    return mean
