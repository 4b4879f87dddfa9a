"""A speaker for each word from how well the windows around it fit each voice.

Owns: where one speaker's turn ends and the next one's begins. A change costs something, more inside an unbroken
sentence than at a pause, so a short island in somebody's speech goes under unless its own scores pay for two
changes: the best sequence over all words by dynamic programming (Viterbi). Pure; knows neither names nor profiles.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.voices.clustering import Bools, Ints

Reals = npt.NDArray[np.float64]

AT_SILENCE = 0.05
"""Cost of a change of speaker at a silence of ``SILENCE_S``. All costs are in likeness (a difference of cosines) times
seconds: 0.3 s of speech that fits the other voice better by 0.2 pay 0.06."""
AT_SENTENCE = 0.12
"""Between two utterances without such a silence."""
AT_PAUSE = 0.25
"""At a pause of ``PAUSE_S`` inside of an utterance."""
ANYWHERE = 0.8
"""Between two words that follow one another at once."""

SHORTEST_S = 0.02
"""Length that a word without length counts with."""

SILENCE_S = 0.8
PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Timing:
    """The words of a video, in order. All arrays have shape ``(n_words,)``."""

    starts_s: Reals
    ends_s: Reals
    """Not before the start, not after the next word's."""
    utterances: Ints
    """Index of each word's utterance."""

    @property
    def lengths_s(self) -> Reals:
        """How long each word is said, more than 0."""
        return np.maximum(self.ends_s - self.starts_s, SHORTEST_S)

    def breaks(self) -> Bools:
        """Whether a turn may well begin with the word: it begins an utterance, or there is a pause before it."""
        gaps = self.starts_s[1:] - self.ends_s[:-1]
        return np.concatenate([[True], (np.diff(self.utterances) != 0) | (gaps >= PAUSE_S)])

    def change_costs(self) -> Reals:
        """What a change of speaker before each word costs; the first word's is 0."""
        gaps = self.starts_s[1:] - self.ends_s[:-1]
        new = np.diff(self.utterances) != 0
        costs = np.select(
            [gaps >= SILENCE_S, new, gaps >= PAUSE_S], [AT_SILENCE, AT_SENTENCE, AT_PAUSE], ANYWHERE
        )
        return np.concatenate([[0.0], costs])


def best_sequence(gains: Reals, change_costs: Reals) -> Ints:
    """The sequence of voices with the largest sum of gains less the costs of its changes.

    Args:
        gains: shape ``(n_words, n_voices)``, at least one voice: how well each word fits each voice.
        change_costs: shape ``(n_words,)``, not negative.

    Returns:
        Shape ``(n_words,)``, indices of voices; of two equal sequences the one with the lower index.
    """
    n_words, n_voices = gains.shape
    if n_voices == 1:
        return np.zeros(n_words, np.intp)
    # Lists: for the few voices of a video an array operation a word costs more than all of its arithmetic.
    voices = range(n_voices)
    came_from: list[list[int]] = []
    total = [0.0] * n_voices
    for gained, cost in zip(gains.tolist(), change_costs.tolist(), strict=True):
        best = max(voices, key=total.__getitem__)
        changed = total[best] - cost
        came_from.append([voice if total[voice] >= changed else best for voice in voices])
        total = [max(total[voice], changed) + gained[voice] for voice in voices]
    sequence = np.empty(n_words, np.intp)
    voice = max(voices, key=total.__getitem__)
    for word in range(n_words - 1, -1, -1):
        sequence[word] = voice
        voice = came_from[word][voice]
    return sequence
