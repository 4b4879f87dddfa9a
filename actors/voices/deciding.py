"""Who said what in a video, decided on the whole of it.

Owns: the order of the steps, and what is done with slices that can't be decided word by word. Pure: the same voices
and profiles always give the same answer, whether they come down the line or, months later, out of the ledger.

1. Words are laid over the windows of sound (``earshot.py``).
2. Windows are grouped by voice and groups matched to profiles: the people of the video (``people.py``).
3. Each word gets the person who fits best, changes of speaker costing something (``smoothing.py``).
4. What isn't sure is taken back (``attributing.py``).
5. Utterances are cut where the speaker changes (``utterances.py``).

A label is never a guess. Where anything is missing the speaker is unknown and the reason stands behind it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from actors.rows import DAMAGED_VOICES, Attribution, SliceVoices, Transcript
from actors.voices.attributing import NO_WINDOW, TOO_LITTLE, Verdicts, judge
from actors.voices.clustering import Bools, Ints
from actors.voices.earshot import listen, slices_of
from actors.voices.evidence import Heard
from actors.voices.matching import Floats, comparable, margins, scores, unit
from actors.voices.people import find_people
from actors.voices.profile import Profile
from actors.voices.smoothing import Timing, best_sequence
from actors.voices.utterances import cut_at_changes, read_units
from configs.identify import IdentifySettings

OFF = "identification is switched off"
NO_VOICES = "its voices were never heard; reprocess --from prepare --where unheard=yes hears them"
TOO_FEW = "too few windows; reprocess --from prepare --where unheard=yes hears all of them"
FAILED = "deciding who spoke failed"

SPEAKER = "Speaker {}"
"""Label of a person whom nobody enrolled, by the order in which they first speak."""

Stranger = tuple[str, int, int]
"""A person whom nobody enrolled: voice model, dimensions, and the number among the people heard by it."""


def decide(transcript: Transcript, profiles: Sequence[Profile], settings: IdentifySettings) -> Transcript:
    """The transcript with utterances that one person says each, and who that is.

    Words and their order stay as they are; an utterance in which the speaker changes becomes several.

    Args:
        transcript: with ``voices`` of its slices in order.
        profiles: everybody who is enrolled; those of another voice model are left out, and if nobody else is
            left people get ``Speaker 1`` … with the reason why they have no names.
        settings: the stage's settings.

    Returns:
        As many ``attributions`` as ``utterances``. ``method`` is ``profile``, ``cluster``, ``fast path`` or
        ``unknown: reason``; the latter has a speaker only where somebody is told apart whom nobody could name.
    """
    units, timing = read_units(transcript.utterances)
    voices = transcript.voices
    if not settings.enabled or not voices:
        why = NO_VOICES if settings.enabled else OFF
        return cut_at_changes(transcript, timing, [_unknown(why)] * len(units))
    slices = slices_of(timing, [(one.start_s, one.end_s) for one in voices])
    decided = [_unknown(NO_WINDOW)] * len(units)
    strangers: dict[int, Stranger] = {}
    dense: dict[tuple[str, int], list[int]] = {}
    for index, one in enumerate(voices):
        reason = _why_not(one)
        if reason is None and one.dense:
            dense.setdefault((one.model, one.vectors.shape[1]), []).append(index)
            continue
        attribution = _unknown(reason) if reason is not None else _fast_path(one, profiles, settings.margin)
        for word in np.flatnonzero(slices == index).tolist():
            decided[word] = attribution
    whole = np.array([one.whole for one in units], np.bool_)
    for key, indices in dense.items():
        words = np.flatnonzero(np.isin(slices, indices))
        part = Timing(timing.starts_s[words], timing.ends_s[words], timing.utterances[words])
        heard = _hear([voices[index] for index in indices], part, whole[words], profiles, settings)
        verdicts = _decide_words(heard, settings)
        for at, word in enumerate(words.tolist()):
            decided[word] = _attribution(heard, verdicts, at)
            person = int(verdicts.people[at])
            if person >= 0 and heard.people[person].profile is None:
                strangers[word] = (*key, person)
    return cut_at_changes(transcript, timing, _numbered(decided, strangers))


def undecided(transcript: Transcript, reason: str) -> Transcript:
    """The transcript with everybody unknown, for where deciding itself failed.

    Args:
        reason: as it will stand behind ``unknown:``.
    """
    said_by = (_unknown(reason),) * len(transcript.utterances)
    return replace(transcript, attributions=said_by)


def _why_not(voices: SliceVoices) -> str | None:
    """Why nothing can be decided from a slice's voices."""
    vectors = voices.vectors
    if voices.reason is not None:
        return voices.reason
    if not voices.windows:
        return NO_WINDOW
    if vectors.ndim != 2 or len(vectors) != len(voices.windows) or not np.isfinite(vectors).all():
        return DAMAGED_VOICES
    return None if (np.linalg.norm(vectors, axis=1) > 0).all() else DAMAGED_VOICES


def _fast_path(voices: SliceVoices, profiles: Sequence[Profile], margin: float) -> Attribution:
    """A slice of which only probes were heard, since all of them were one enrolled voice. That is asked again:
    profiles may have come and gone since."""
    vectors = unit(voices.vectors)
    known = comparable(profiles, voices.model, vectors.shape[1])
    if not known.profiles:
        return _unknown(TOO_FEW)
    of_profiles = scores(vectors, known)
    nearest = int(of_profiles.mean(axis=0).argmax())
    own, apart = of_profiles[:, nearest], margins(of_profiles)[:, nearest]
    if own.min() < known.thresholds[nearest] or apart.min() < margin:
        return _unknown(TOO_FEW)
    clear = float(apart.mean()) if len(known.profiles) > 1 else None
    return Attribution(known.profiles[nearest].name, "fast path", float(own.mean()), clear)


def _hear(
    voices: Sequence[SliceVoices],
    timing: Timing,
    whole: Bools,
    profiles: Sequence[Profile],
    settings: IdentifySettings,
) -> Heard:
    """Everything that the words of slices heard by one model are decided from."""
    windows_s = np.array([window for one in voices for window in one.windows], np.float64)
    vectors: Floats = unit(np.concatenate([one.vectors for one in voices]).astype(np.float32))
    known = comparable(profiles, voices[0].model, vectors.shape[1])
    people = find_people(vectors, known, settings.same_voice, settings.margin)
    likeness = (
        np.stack([one.likeness(vectors) for one in people], axis=1) if people else np.zeros((len(vectors), 0))
    )
    return Heard(
        timing, listen(timing, windows_s), people, known, likeness.astype(np.float64),
        scores(vectors, known).astype(np.float64), whole,
    )  # fmt: skip


def _decide_words(heard: Heard, settings: IdentifySettings) -> Verdicts:
    n_words = len(heard.timing.starts_s)
    if not heard.people or not n_words:
        nobody = np.full(n_words, -1, np.intp)
        nothing = np.full(n_words, np.nan)
        return Verdicts(nobody, nothing, nothing, (TOO_LITTLE,) * n_words)
    weights = heard.earshot.central
    total_s = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
    fits = (weights @ heard.likeness) / np.maximum(total_s, 1e-9)
    proposed: Ints = best_sequence(fits * heard.timing.lengths_s[:, None], heard.timing.change_costs())
    return judge(heard, proposed, settings.same_voice, settings.margin)


def _attribution(heard: Heard, verdicts: Verdicts, at: int) -> Attribution:
    """The verdict on one word; people whom nobody enrolled get their labels later."""
    if verdicts.people[at] < 0:
        return _unknown(verdicts.reasons[at])
    person = heard.people[verdicts.people[at]]
    score, margin = float(verdicts.scores[at]), float(verdicts.margins[at])
    clear = margin if math.isfinite(margin) else None
    if person.profile is not None:
        return Attribution(heard.profiles.profiles[person.profile].name, "profile", score, clear)
    nameless = heard.profiles.reason
    return Attribution(None, "cluster" if nameless is None else f"unknown: {nameless}", score, clear)


def _numbered(decided: Sequence[Attribution], strangers: dict[int, Stranger]) -> list[Attribution]:
    """With a label for each person whom nobody enrolled, in the order in which they first speak."""
    numbers: dict[Stranger, int] = {}
    labelled = list(decided)
    for word in sorted(strangers):
        number = numbers.setdefault(strangers[word], len(numbers) + 1)
        labelled[word] = replace(decided[word], speaker=SPEAKER.format(number))
    return labelled


def _unknown(reason: str) -> Attribution:
    return Attribution(None, f"unknown: {reason}")
