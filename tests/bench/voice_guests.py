"""How often a guest in a monologue goes unheard on the fast path, by length of the guest and spacing of the probes.

Owns the experiment: one host's speech without pauses, as a slice holds it, a stretch of which is somebody else's.
Made of the sentences that ship. A guest counts as unheard where all probes pass for the host.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.rows import SAMPLE_RATE_HZ, Clip
from actors.voices.fast_path import is_monologue
from actors.voices.profile import Profile
from actors.voices.speaker_model import SpeakerModel
from actors.voices.windows import Window, dense_windows, miss_probability, probe_windows
from configs.identify import IdentifySettings
from tests.corpus import sentences

Samples = npt.NDArray[np.int16]
ENROLLED_S = 60.0
SLICE_S = 300.0
CLIP_S = (4.0, 30.0)
BATCH = 64


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table."""

    guest_s: float
    every_s: float
    n: int
    n_unheard: int
    bound: float
    """Share that the spacing alone would miss, were partly foreign probes no help."""


@dataclass(frozen=True, slots=True)
class Alone:
    """What the fast path does where there is no guest."""

    every_s: float
    n: int
    n_taken: int
    saved: float
    """Share of the dense pass's windows that it leaves out where it is taken."""


class Voices:
    """The voices that ship: sound to speak with, and a profile of each from other sentences of it."""

    def __init__(self, model: SpeakerModel, settings: IdentifySettings) -> None:
        self._model, self._settings = model, settings
        self.names = sorted({sentence.voice for sentence in sentences()})
        sound = {
            name: np.concatenate([one.samples for one in sentences() if one.voice == name])
            for name in self.names
        }
        n_enrolled = round(ENROLLED_S * SAMPLE_RATE_HZ)
        self.sound = {name: all_of_it[n_enrolled:] for name, all_of_it in sound.items()}
        own = {name: self._windows(all_of_it[:n_enrolled]) for name, all_of_it in sound.items()}
        self.profiles = {
            name: self._profile(name, vectors, [own[other] for other in self.names if other != name])
            for name, vectors in own.items()
        }

    def _windows(self, sound: Samples) -> npt.NDArray[np.float32]:
        clip = Clip(0.0, len(sound) / SAMPLE_RATE_HZ, 0.0)
        return self.vectors(sound, dense_windows((clip,), (), self._settings.window_s, self._settings.hop_s))

    def _profile(
        self, name: str, own: npt.NDArray[np.float32], others: Sequence[npt.NDArray[np.float32]]
    ) -> Profile:
        """Its threshold lies midway between what its own windows reach at least and others at most."""
        centroid = own.mean(axis=0) / np.linalg.norm(own.mean(axis=0))
        least = np.quantile(own @ centroid, 0.05)
        most = max(float((other @ centroid).max()) for other in others)
        return Profile(name, self._model.name, centroid, own, float((least + most) / 2))

    def vectors(self, sound: Samples, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        """Of windows of any lengths."""
        found: dict[Window, npt.NDArray[np.float32]] = {}
        by_length = sorted(windows, key=lambda window: window.n_samples)
        for _, same in itertools.groupby(by_length, key=lambda window: window.n_samples):
            for batch in _batched(same):
                pieces = [sound[window.first : window.first + window.n_samples] for window in batch]
                found.update(zip(batch, self._model.embed(pieces), strict=True))
        return np.stack([found[window] for window in windows])

    def talk(self, name: str, rng: random.Random) -> Samples:
        """So much speech of a voice as a slice holds, from anywhere on."""
        n, known = round(SLICE_S * SAMPLE_RATE_HZ), self.sound[name]
        return np.resize(np.roll(known, -rng.randrange(len(known))), n)


def _batched(windows: Iterator[Window]) -> Iterator[tuple[Window, ...]]:
    while batch := tuple(itertools.islice(windows, BATCH)):
        yield batch


def clips_of_a_talk(rng: random.Random) -> tuple[Clip, ...]:
    """The slice's sound in clips as pauses would cut it."""
    clips, at_s = [], 0.0
    while at_s < SLICE_S:
        end_s = min(SLICE_S, at_s + rng.uniform(*CLIP_S))
        clips.append(Clip(at_s, end_s, at_s))
        at_s = end_s
    return tuple(clips)


def measure(
    model: SpeakerModel, settings: IdentifySettings, guests_s: Sequence[float], spacings_s: Sequence[float],
    n_trials: int, seed: int = 0,
) -> tuple[list[Line], list[Alone]]:  # fmt: skip
    """Every pair of host and guest, ``n_trials`` times each; the host is enrolled, the guest isn't."""
    voices, rng = Voices(model, settings), random.Random(seed)
    unheard: dict[tuple[float, float], list[bool]] = {(g, e): [] for g in guests_s for e in spacings_s}
    taken: dict[float, list[bool]] = {every_s: [] for every_s in spacings_s}
    shares: dict[float, list[float]] = {every_s: [] for every_s in spacings_s}
    for host in voices.names:
        for _ in range(n_trials):
            talk, clips = voices.talk(host, rng), clips_of_a_talk(rng)
            n_dense = len(dense_windows(clips, (), settings.window_s, settings.hop_s))
            for every_s in spacings_s:
                probes = probe_windows(clips, settings.window_s, settings.hop_s, every_s)
                alone = voices.vectors(talk, probes)
                taken[every_s].append(_passes(alone, voices, host, settings))
                shares[every_s].append(1 - len(probes) / n_dense)
                for guest, guest_s in itertools.product(voices.names, guests_s):
                    if guest != host:
                        with_guest = _with_guest(voices, talk, probes, alone, guest, guest_s, rng)
                        unheard[guest_s, every_s].append(_passes(with_guest, voices, host, settings))
    lines = [
        Line(guest_s, every_s, len(found), sum(found), miss_probability(guest_s, every_s, settings.window_s))
        for (guest_s, every_s), found in unheard.items()
    ]
    plain = [
        Alone(every_s, len(found), sum(found), float(np.mean(shares[every_s])))
        for every_s, found in taken.items()
    ]
    return lines, plain


def _passes(vectors: npt.NDArray[np.float32], voices: Voices, host: str, settings: IdentifySettings) -> bool:
    profile = voices.profiles[host]
    return is_monologue(vectors, [profile], profile.model, settings.margin).voice is not None


def _with_guest(
    voices: Voices, talk: Samples, probes: Sequence[Window], alone: npt.NDArray[np.float32], guest: str,
    guest_s: float, rng: random.Random,
) -> npt.NDArray[np.float32]:  # fmt: skip
    """The probes' vectors where the guest speaks for so long at a random place; only those that hold some of
    that are made anew."""
    n = round(guest_s * SAMPLE_RATE_HZ)
    first = rng.randrange(len(talk) - n)
    words = voices.sound[guest]
    start = rng.randrange(len(words) - n)
    mixed = talk.copy()
    mixed[first : first + n] = words[start : start + n]
    changed = [
        index for index, probe in enumerate(probes)
        if probe.first < first + n and first < probe.first + probe.n_samples
    ]  # fmt: skip
    vectors = alone.copy()
    if changed:
        vectors[changed] = voices.vectors(mixed, [probes[index] for index in changed])
    return vectors
