"""Which words may be given to whom, and how sure that is; else why not.

Owns the last word before a name is written down. What fits best (``smoothing.py``) is not yet good enough: a word
gets a speaker only from windows in which that speaker alone is heard, and only where these are near enough to the
voice and clearly nearer than to others. Everything else is unknown, with the reason. Pure.
"""

from dataclasses import dataclass

import numpy as np

from actors.voices.clustering import Bools, Ints
from actors.voices.evidence import Evidence, Heard, gather
from actors.voices.matching import TOO_CLOSE, margins
from actors.voices.smoothing import Reals

COVERED = 0.5
"""Share of a stretch between two breaks that is confirmed, from which all of its words are the voice's."""

SLACK = 0.05
"""How far below its threshold a voice may be for a moment in a stretch between two breaks that is above it as a whole."""

SHORT_S = 1.25
"""A stretch between two breaks that is shorter has no window of its own (those hold a second at least, and word times
are a little off): somebody else's "yes" hides in windows full of the voice around it."""

TYPICAL = 0.2
"""Such a stretch is given to a voice only where it is as near as all but this share of that voice's words in the video."""

NO_WINDOW = "no voice was heard over these words"
NOT_ALONE = "more than one voice in the same moment"
TOO_LITTLE = "too little speech of this voice"
NOT_NEAR = "not clearly one voice"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The decision for each word; all arrays have ``n_words`` entries."""

    people: Ints
    """Index of the person, -1: unknown."""
    scores: Reals
    """Cosine to the profile, or to the centre of somebody whom nobody enrolled; NaN for unknown."""
    margins: Reals
    """Distance to the next nearest enrolled voice; NaN where there is none, or the person is unknown."""
    reasons: tuple[str, ...]
    """Why unknown; empty for the others."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How each word's evidence stands to the bar of the person proposed for it."""

    scores: Reals
    bars: Reals
    clear: Bools
    """Nearer than to anybody else; than to any other enrolled voice by the margin."""


def judge(heard: Heard, proposed: Ints, same_voice: float, margin: float) -> Verdicts:
    """Confirm the proposed people word by word.

    Args:
        heard: words and windows; at least one person.
        proposed: shape ``(n_words,)``: index of the person who fits each word best.
        same_voice: least likeness to somebody whom nobody enrolled.
        margin: least distance to other enrolled voices.
    """
    evidence = gather(heard, proposed)
    standing = _stand(heard, evidence, proposed, same_voice, margin)
    confirmed = _confirmed(heard, evidence, standing, proposed)
    typical = _typical(heard, evidence, proposed)
    is_typical = evidence.near[np.arange(len(proposed)), proposed] >= typical[proposed]
    confirmed &= is_typical | ~_is_short(heard, proposed)
    people = np.where(
        _spread(heard, proposed, confirmed, _against(heard, evidence, standing, proposed)), proposed, -1
    )
    known = people >= 0
    return Verdicts(
        people,
        np.where(known, standing.scores, np.nan),
        np.where(known, _margins(heard, evidence, people), np.nan),
        tuple(
            "" if known[word] else _reason(heard, evidence, standing, int(proposed[word]), word, same_voice)
            for word in range(len(proposed))
        ),
    )


def _stand(heard: Heard, evidence: Evidence, people: Ints, same_voice: float, margin: float) -> _Standing:
    rows = np.arange(len(people))
    near = evidence.near[rows, people]
    others = evidence.near.copy()
    others[rows, people] = -np.inf
    clear = near >= others.max(axis=1)
    profile = _profiles_of(heard)[people]
    is_enrolled = profile >= 0
    if not is_enrolled.any():
        return _Standing(near, np.full(len(people), same_voice), clear)
    of_profile = evidence.of_profiles[rows, profile]
    apart = margins(evidence.of_profiles)[rows, profile]
    return _Standing(
        np.where(is_enrolled, of_profile, near),
        np.where(is_enrolled, heard.profiles.thresholds[profile], same_voice),
        clear & (~is_enrolled | (apart >= margin)),
    )


def _confirmed(heard: Heard, evidence: Evidence, standing: _Standing, proposed: Ints) -> Bools:
    """Near and clear enough, by windows in which nobody else is heard."""
    pieces = _pieces(
        heard, proposed
    )  # not whole turns: words taken for somebody's would be lifted by his own
    weights = np.bincount(pieces, evidence.covered_s)
    whole_piece = np.bincount(pieces, evidence.covered_s * standing.scores) / np.maximum(weights, 1e-9)
    of_piece = whole_piece[pieces]
    bars, scores = standing.bars, standing.scores
    is_near = (scores >= bars) | ((scores >= bars - SLACK) & (of_piece >= bars))
    is_near &= ~heard.whole | (evidence.lowest >= bars - SLACK)
    doubted = np.array([one.doubt is not None for one in heard.people], np.bool_)[proposed]
    result: Bools = evidence.is_alone & is_near & standing.clear & ~doubted
    return result


def _against(heard: Heard, evidence: Evidence, standing: _Standing, proposed: Ints) -> Bools:
    """Words whose own windows speak against the voice for so long that what surrounds them doesn't outweigh it; for a
    moment a window that holds a little of somebody else does that too."""
    fails = evidence.is_alone & ((standing.scores < standing.bars - SLACK) | ~standing.clear)
    pieces = _pieces(heard, proposed)
    begins = np.concatenate([[True], (np.diff(fails) != 0) | (np.diff(pieces) != 0)])
    runs = np.cumsum(begins) - 1
    result: Bools = fails & (np.bincount(runs, heard.timing.lengths_s)[runs] >= SHORT_S)
    return result


def _is_short(heard: Heard, proposed: Ints) -> Bools:
    """Words of stretches between two breaks that are too short for a window of their own."""
    pieces = _pieces(heard, proposed)
    lasts = np.bincount(pieces, heard.timing.ends_s - heard.timing.starts_s)
    result: Bools = (lasts < SHORT_S)[pieces]
    return result


def _typical(heard: Heard, evidence: Evidence, proposed: Ints) -> Reals:
    """For each person how near most of that person's words are in this video; infinite for one without windows."""
    near = evidence.near[np.arange(len(proposed)), proposed]
    bars = np.full(len(heard.people), np.inf)
    for person in range(len(heard.people)):
        own = near[(proposed == person) & evidence.is_alone]
        if len(own):
            bars[person] = np.quantile(own, TYPICAL)
    return bars


def _pieces(heard: Heard, proposed: Ints) -> Ints:
    """Number of the stretch that each word is in: between two breaks, and proposed for one person."""
    changes = np.concatenate([[True], np.diff(proposed) != 0])
    numbers: Ints = np.cumsum(heard.timing.breaks() | changes) - 1
    return numbers


def _spread(heard: Heard, proposed: Ints, confirmed: Bools, against: Bools) -> Bools:
    """What was confirmed of a stretch between two breaks holds for all of it that nothing speaks against, if it is
    enough; where the change of speakers lies inside of a stretch, and so isn't certain to a word, for what was
    confirmed alone."""
    breaks = heard.timing.breaks()
    changes = np.concatenate([[True], np.diff(proposed) != 0])
    pieces = _pieces(heard, proposed)
    lengths = heard.timing.lengths_s
    share = np.bincount(pieces, lengths * confirmed) / np.bincount(pieces, lengths)
    ragged = np.zeros(len(share), np.bool_)
    torn = pieces[changes & ~breaks]
    ragged[torn] = ragged[torn - 1] = True
    result: Bools = np.where(ragged[pieces], confirmed, (share[pieces] >= COVERED) & ~against)
    return result


def _margins(heard: Heard, evidence: Evidence, people: Ints) -> Reals:
    """Distance of each word's score to that of the next nearest enrolled voice, NaN where there is no other."""
    if not heard.profiles.profiles:
        return np.full(len(people), np.nan)
    rows, profile = np.arange(len(people)), _profiles_of(heard)[people]
    of_stranger = evidence.near[rows, people] - evidence.of_profiles.max(axis=1)
    apart = np.where(profile >= 0, margins(evidence.of_profiles)[rows, profile], of_stranger)
    return np.where(np.isfinite(apart), apart, np.nan)


def _reason(
    heard: Heard, evidence: Evidence, standing: _Standing, person: int, word: int, same_voice: float
) -> str:
    """Why a word wasn't given to the person who fits it best."""
    if not evidence.is_heard[word]:
        return NO_WINDOW
    if not evidence.is_alone[word]:
        return NOT_ALONE
    doubt = heard.people[person].doubt
    if doubt is not None:
        return doubt
    if heard.people[person].profile is not None and standing.scores[word] >= standing.bars[word]:
        return NOT_NEAR if standing.clear[word] else TOO_CLOSE
    return NOT_NEAR if evidence.near[word].max() >= same_voice else TOO_LITTLE


def _profiles_of(heard: Heard) -> Ints:
    """Index of each person's profile, -1 for none."""
    return np.array([-1 if one.profile is None else one.profile for one in heard.people], np.intp)
