"""The scenes that speakers are told apart in, as the small voice model heard them, and who really spoke.

Made by ``tests/data/speech_source/make_scenes.py``. An archive of a set holds, as arrays:

- ``enrolled/VOICE``, ``cohort/VOICE``: vectors ``(n, 192)`` of a voice alone, for enrolling and calibrating;
- ``scene/N/slices``: start, end and number of windows of each slice; ``windows`` ``(n, 2)`` and ``vectors``;
- ``words`` ``(n, 2)`` as a recogniser times them, how many of them each of the ``utterances`` has, and
  ``word_voices``, who really said them; ``lines``: start, end and voice of each sentence, exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.rows import SliceVoices, Transcript, Utterance, VideoId, VideoMeta, Word
from actors.voices.calibration import OtherVoice, calibrate
from actors.voices.clustering import centre
from actors.voices.fast_path import is_monologue
from actors.voices.profile import Profile
from actors.voices.windows import LEAST_PROBES, PROBE_EVERY_S
from configs.identify import IdentifySettings
from tests.data.speech_source.scenes import SETS, Scene

PLACE = Path(__file__).parent / "data" / "voice_scenes"
MODEL = "ecapa-tiny-espeak"
SETTINGS = IdentifySettings(model=MODEL, device="cpu", same_voice=0.6)
"""As in the demo profile."""

WHOLE_S = 2.99
"""A window of this length or more is a whole one."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence: when, and in which voice."""

    start_s: float
    end_s: float
    voice: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A scene as it reaches the deciding, and the truth."""

    scene: Scene
    transcript: Transcript
    said_by: tuple[str, ...]
    """The voice of each word."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class SceneSet:
    name: str
    profiles: tuple[Profile, ...]
    scenes: tuple[Staged, ...]


def read_set(name: str) -> SceneSet:
    """The set ``dev``, ``test`` or ``twins``."""
    which = next(one for one in SETS if one.name == name)
    with np.load(PLACE / f"{name}.npz") as archive:
        arrays = dict(archive)
    cohort = [array.astype(np.float32) for key, array in arrays.items() if key.startswith("cohort/")]
    profiles = tuple(
        enrol(voice, arrays[f"enrolled/{voice}"].astype(np.float32), cohort) for voice in which.enrolled
    )
    scenes = tuple(_staged(scene, arrays, f"scene/{index}/") for index, scene in enumerate(which.scenes))
    return SceneSet(name, profiles, scenes)


def enrol(
    name: str, own: Vectors, others: Sequence[Vectors] = (), enrolled: Sequence[Profile] = ()
) -> Profile:
    """A profile with the threshold that enrolment would calibrate, were the others the voices of the corpus."""
    threshold, _ = calibrate(own, MODEL, enrolled, [OtherVoice(one) for one in others])
    return Profile(name, MODEL, centre(own), own, threshold)


def on_fast_path(of: SceneSet) -> SceneSet:
    """The set as the stage would hand it on with ``assume_monologue``: slices whose probes are one enrolled voice have
    nothing but these."""
    scenes = tuple(
        replace(staged, transcript=replace(staged.transcript, voices=tuple(
            _probed(voices, of.profiles) for voices in staged.transcript.voices
        )))
        for staged in of.scenes
    )  # fmt: skip
    return replace(of, scenes=scenes)


def _probed(voices: SliceVoices, profiles: Sequence[Profile]) -> SliceVoices:
    """Probes as ``probe_windows`` would choose them, by the video's clock in place of the slice's samples: a pause
    between clips lies the next probe nearer, never farther."""
    grid = [n for n, (start_s, end_s) in enumerate(voices.windows) if end_s - start_s > WHOLE_S]
    probes = grid[:1]
    for n, following in pairwise(grid):
        if voices.windows[following][0] - voices.windows[probes[-1]][0] > PROBE_EVERY_S and n != probes[-1]:
            probes.append(n)
    probes = probes + grid[-1:] if len(grid) > 1 else probes
    vectors = voices.vectors[probes]
    if len(probes) < LEAST_PROBES or is_monologue(vectors, profiles, MODEL, SETTINGS.margin).voice is None:
        return voices
    return replace(voices, windows=tuple(voices.windows[n] for n in probes), vectors=vectors, dense=False)


def _staged(scene: Scene, arrays: dict[str, npt.NDArray[np.generic]], prefix: str) -> Staged:
    of = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
    words = [Word(f"w{n}", float(start), float(end), 0.9) for n, (start, end) in enumerate(of["words"])]
    return Staged(
        scene,
        Transcript(
            VideoId(scene.name), 1, VideoMeta(scene.name, "https://example.org/scene"), "en",
            tuple(_utterances(words, of["utterances"])), tuple(_voices(of)),
        ),
        tuple(scene.voices[voice] for voice in of["word_voices"]),
        tuple(Line(float(start), float(end), scene.voices[int(voice)]) for start, end, voice in of["lines"]),
    )  # fmt: skip


def _utterances(words: list[Word], lengths: npt.NDArray[np.generic]) -> Iterator[Utterance]:
    first = 0
    for length in lengths:
        own = tuple(words[first : first + int(length)])
        first += int(length)
        text = " ".join(word.text for word in own)
        yield Utterance(text, own[0].start_s, own[-1].end_s, own, -0.2, 1.2, 0.01)


def _voices(of: dict[str, npt.NDArray[np.generic]]) -> Iterator[SliceVoices]:
    first = 0
    for start_s, end_s, n_windows in of["slices"]:
        after = first + int(n_windows)
        windows = tuple((float(start), float(end)) for start, end in of["windows"][first:after])
        vectors = of["vectors"][first:after].astype(np.float32)
        yield SliceVoices(MODEL, float(start_s), float(end_s), windows, vectors)
        first = after
