"""Which words may be given to whom, and how sure that is; else why not.

Owns the last word before a name is written down. What fits best (``smoothing.py``) is not yet good enough: a word
gets a speaker only from windows in which that speaker alone is heard, and only where these are near enough to the
voice and clearly nearer than to others. Everything else is unknown, with the reason. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from actors.voices.clustering import Ints
from actors.voices.earshot import Earshot
from actors.voices.matching import TOO_CLOSE, Comparable, margins
from actors.voices.people import Person
from actors.voices.smoothing import Reals, Timing

ALONE = 0.9
"""Share of a window's speech that is one voice's, from which the window is heard as that voice alone."""

COVERED = 0.5
"""Share of a stretch between two breaks that such windows cover, from which all of its words are the voice's."""

SLACK = 0.05
"""How far below its threshold a voice may be for a moment in a turn that is above it as a whole."""

ISLAND_S = 2.0
"""Longest stretch that is given to the voice on both sides of it, where the windows over it are that voice's."""

NO_WINDOW = "no voice was heard over these words"
NOT_ALONE = "more than one voice in the same moment"
TOO_LITTLE = "too little speech of this voice"
NOT_NEAR = "not clearly one voice"

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


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The decision for each word; all arrays have ``n_words`` entries."""

    people: Ints
    """Index of the person, -1: unknown."""
    scores: Reals
    """NaN for unknown."""
    margins: Reals
    """Distance to the next nearest enrolled voice; NaN where there is none, or the person is unknown."""
    reasons: tuple[str, ...]
    """Why unknown; empty for the others."""


def judge(heard: Heard, proposed: Ints, same_voice: float, margin: float) -> Verdicts:
    """Confirm the proposed people word by word.

    Args:
        heard: words and windows.
        proposed: shape ``(n_words,)``: the person who fits each word best, -1 for words that are not in question.
        same_voice: least likeness to somebody whom nobody enrolled.
        margin: least distance to other voices.
    """
    n_words = len(proposed)
    alone = _alone(heard, proposed)
    evidence = _Evidence(heard, proposed, alone)
    confirmed = evidence.good(same_voice, margin)
    given = np.where(_spread(heard, proposed, confirmed), proposed, -1)
    given = _fill_islands(heard, proposed, given, same_voice, margin)
    scores = np.full(n_words, np.nan)
    apart = np.full(n_words, np.nan)
    known = np.flatnonzero(given >= 0)
    scores[known], apart[known] = evidence.figures(known, given[known])
    reasons = tuple(
        "" if given[word] >= 0 or proposed[word] < 0 else evidence.reason(word) for word in range(n_words)
    )
    return Verdicts(given, scores, apart, reasons)


def _alone(heard: Heard, proposed: Ints) -> Ints:
    """For each window the person who alone is heard in it, -1: nobody alone."""
    shares = heard.earshot.shares(proposed, len(heard.people))
    best = shares.argmax(axis=1)
    return np.where(shares[np.arange(len(best)), best] >= ALONE, best, -1)


class _Evidence:
    """What the windows in which a word's person alone is heard say of the word."""

    def __init__(self, heard: Heard, proposed: Ints, alone: Ints) -> None:
        self._heard, self._proposed = heard, proposed
        entries = heard.earshot.overlap_s.tocoo()
        own = alone[entries.col] == proposed[entries.row]
        self._words, self._windows = entries.row[own], entries.col[own]
        self._seconds = entries.data[own]
        n_words = len(proposed)
        self.covered_s = np.bincount(self._words, self._seconds, n_words)
        self._heard_at_all = np.bincount(entries.row, minlength=n_words) > 0
        self._profile_of = np.array(
            [-1 if one.profile is None else one.profile for one in heard.people], np.intp
        )

    def good(self, same_voice: float, margin: float) -> Bools:
        """Shape ``(n_words,)``: near enough to the proposed person, and to nobody else."""
        heard, person = self._heard, np.maximum(self._proposed, 0)
        near = self._means(heard.likeness)
        own = near[np.arange(len(near)), person]
        clear = own - self._next(near, person) >= 0
        bar, standing = np.full(len(near), same_voice), own
        enrolled = self._profile_of[person]
        doubted = np.array([one.doubt is not None for one in heard.people], np.bool_)[person]
        if heard.of_profiles.shape[1]:
            to_profile = self._means(heard.of_profiles)
            mine = np.maximum(enrolled, 0)
            rows = np.arange(len(near))
            is_enrolled = enrolled >= 0
            bar = np.where(is_enrolled, heard.profiles.thresholds[mine], bar)
            standing = np.where(is_enrolled, to_profile[rows, mine], standing)
            clear &= ~is_enrolled | (margins(to_profile)[rows, mine] >= margin)
        turn = self._turn_means(standing)
        near_enough = (standing >= bar) | ((standing >= bar - SLACK) & (turn >= bar))
        lowest = self._lowest(heard.likeness, person)
        near_enough &= ~heard.whole | (lowest >= bar - SLACK)
        result: Bools = (self.covered_s > 0) & near_enough & clear & ~doubted & (self._proposed >= 0)
        return result

    def figures(self, words: Ints, people: Ints) -> tuple[Reals, Reals]:
        """Score and margin of words for the people they were given to, from all windows that they are heard in if
        there is none in which that person alone is."""
        heard = self._heard
        near = self._means(heard.likeness, words)[np.arange(len(words)), people]
        enrolled = self._profile_of[people]
        if not heard.of_profiles.shape[1]:
            return near, np.full(len(words), np.nan)
        to_profile = self._means(heard.of_profiles, words)
        rows, mine = np.arange(len(words)), np.maximum(enrolled, 0)
        score = np.where(enrolled >= 0, to_profile[rows, mine], near)
        apart = np.where(enrolled >= 0, margins(to_profile)[rows, mine], near - to_profile.max(axis=1))
        return score, np.where(np.isfinite(apart), apart, np.nan)

    def reason(self, word: int) -> str:
        """Why a word that was proposed for somebody wasn't given to him."""
        person = self._heard.people[self._proposed[word]]
        if not self._heard_at_all[word]:
            return NO_WINDOW
        if self.covered_s[word] <= 0:
            return NOT_ALONE
        if person.doubt is not None:
            return person.doubt
        near = self._means(self._heard.likeness, np.array([word]))[0]
        if self._heard.of_profiles.shape[1] and person.profile is not None:
            to_profile = self._means(self._heard.of_profiles, np.array([word]))[0]
            if to_profile[person.profile] >= self._heard.profiles.thresholds[person.profile]:
                return TOO_CLOSE
        return TOO_LITTLE if near.max() < MIN_LIKENESS else NOT_NEAR

    def _means(self, of_windows: Reals, words: Ints | None = None) -> Reals:
        """Mean over each word's windows, weighted by overlap; shape ``(n_words, columns)``."""
        from scipy.sparse import csr_array

        shape = (len(self._proposed), len(of_windows))
        own = csr_array((self._seconds, (self._words, self._windows)), shape=shape)
        anyone = self._heard.earshot.overlap_s
        if words is not None:
            own, anyone = own[words], anyone[words]
        sums = np.asarray(own.sum(axis=1)).reshape(-1, 1)
        sums_any = np.asarray(anyone.sum(axis=1)).reshape(-1, 1)
        of_own = (own @ of_windows) / np.maximum(sums, 1e-9)
        of_any = (anyone @ of_windows) / np.maximum(sums_any, 1e-9)
        return np.where(sums > 0, of_own, of_any)

    def _lowest(self, of_windows: Reals, person: Ints) -> Reals:
        """The least likeness of a word's person in any window that the word is heard in."""
        entries = self._heard.earshot.overlap_s.tocoo()
        lowest = np.full(len(person), np.inf)
        np.minimum.at(lowest, entries.row, of_windows[entries.col, person[entries.row]])
        return lowest

    def _next(self, near: Reals, person: Ints) -> Reals:
        others = near.copy()
        others[np.arange(len(near)), person] = -np.inf
        best: Reals = others.max(axis=1)
        return best

    def _turn_means(self, standing: Reals) -> Reals:
        """Each word's turn's mean, over its words that have windows, weighted by these."""
        turns = (
            np.concatenate([[0], np.cumsum(np.diff(self._proposed) != 0)])
            if len(standing)
            else np.zeros(0, int)
        )
        weights = np.bincount(turns, self.covered_s)
        means: Reals = (np.bincount(turns, self.covered_s * standing) / np.maximum(weights, 1e-9))[turns]
        return means


MIN_LIKENESS = 0.3


def _spread(heard: Heard, proposed: Ints, confirmed: Bools) -> Bools:
    """What was confirmed of a stretch between two breaks holds for all of it, if it is enough; where the change of speakers
    lies inside of a stretch, and so isn't certain to a word, for what was confirmed alone."""
    timing = heard.timing
    breaks = timing.breaks()
    lengths = np.maximum(timing.ends_s - timing.starts_s, 0.02)
    changes = np.concatenate([[True], np.diff(proposed) != 0]) if len(proposed) else np.zeros(0, np.bool_)
    pieces = np.cumsum(breaks | changes) - 1
    n_pieces = int(pieces[-1]) + 1 if len(pieces) else 0
    share = np.bincount(pieces, lengths * confirmed, n_pieces) / np.maximum(
        np.bincount(pieces, lengths, n_pieces), 1e-9
    )
    ragged = np.zeros(n_pieces, np.bool_)
    torn = np.flatnonzero(changes & ~breaks)
    ragged[pieces[torn]] = True
    ragged[pieces[torn] - 1] = True
    result: Bools = np.where(ragged[pieces], confirmed, share[pieces] >= COVERED)
    return result


def _fill_islands(heard: Heard, proposed: Ints, given: Ints, same_voice: float, margin: float) -> Ints:
    """Give short unknown stretches to the voice on both sides, where every window over them is that voice's."""
    filled = given.copy()
    edges = np.flatnonzero(np.diff(given) != 0) + 1
    bounds = [0, *edges.tolist(), len(given)]
    timing = heard.timing
    for before, first, after in zip(bounds, bounds[1:], bounds[2:], strict=False):
        if (
            first >= len(given)
            or after >= len(given)
            or given[first] != -1
            or (proposed[first:after] < 0).any()
        ):
            continue
        person = given[before]
        if person != given[after] or person < 0:
            continue
        if timing.starts_s[after] - timing.ends_s[first - 1] > ISLAND_S:
            continue
        windows = np.unique(heard.earshot.overlap_s[first:after].tocoo().col)
        if len(windows) and _all_are(heard, windows, person, same_voice, margin):
            filled[first:after] = person
    return filled


def _all_are(heard: Heard, windows: Ints, person: int, same_voice: float, margin: float) -> bool:
    near = heard.likeness[windows]
    others = np.delete(near, person, axis=1)
    if others.size and (near[:, person] <= others.max(axis=1)).any():
        return False
    profile = heard.people[person].profile
    if profile is None:
        return bool((near[:, person] >= same_voice).all())
    scores = heard.of_profiles[windows]
    above = scores[:, profile] >= heard.profiles.thresholds[profile]
    return bool((above & (margins(scores)[:, profile] >= margin)).all())
