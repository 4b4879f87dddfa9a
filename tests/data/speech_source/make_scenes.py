"""Makes ``tests/data/voice_scenes``: what the small voice model hears in the scenes, and who really spoke.

Run from the repository's root::

    python -m tests.data.speech_source.make_scenes [SET ...]

Needs libespeak-ng (see ``espeak.py``), torch and speechbrain. Sound goes through our own ``Preparer`` and windows
are those of the identify stage; only the recogniser is played: its words are the true ones, their times a little
off, and a quarter of its sentences run on into the next one, also where the speaker changes. What is kept is no
sound but vectors and times, so that tests need neither a synthesiser nor a model.
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.rows import Audio, Clip, Utterance, VideoId, VideoMeta, Word
from actors.speech.prepare import Preparer
from actors.voices.speaker_model import SpeakerModel
from actors.voices.windows import Window, dense_windows
from configs.identify import IdentifySettings
from configs.settings import PrepareSettings
from tests.data.speech_source import grammar
from tests.data.speech_source.espeak import OUTPUT_RATE_HZ, Espeak
from tests.data.speech_source.scenes import COHORT, COHORT_S, ENROLMENT_S, GUEST_S, SETS, Scene, Set
from tests.encoding import Encoding, encoded_media

SHIPPED = Path(__file__).parents[1] / "voice_scenes"
MODEL = Path(__file__).parents[3] / "configs" / "demo" / "models" / "ecapa-tiny-espeak"
WORD_ERROR_S = 0.07
"""Standard deviation of a word's start and end: the small recogniser is 0.14 s off on average at its starts."""
RUNS_ON = 0.25
INTERJECTIONS = (["yes"], ["right"], ["no", "no"], ["of", "course"], ["i", "see"])
PAUSE_S = 1.0
"""As in ``actors/speech/utterances.py``."""

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence on a scene's clock."""

    voice: int
    """Index among the scene's voices."""
    words: list[str]
    sound: Sound
    start_s: float
    spans_s: list[tuple[float, float]]

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.sound) / OUTPUT_RATE_HZ


class Speaker:
    """Says sentences, each a little faster or slower and higher or lower than the one before."""

    def __init__(self, espeak: Espeak, rng: random.Random) -> None:
        self._espeak, self._rng = espeak, rng

    def say(
        self, voice: str, level: float, words: list[str] | None = None
    ) -> tuple[list[str], Sound, list[tuple[float, float]]]:
        rng = self._rng
        said = words or grammar.sentence(rng, rng.choice(list(grammar.TOPICS)))
        spoken = self._espeak.say(
            said, voice, words_per_minute=rng.randint(140, 165), pitch=rng.randint(47, 53)
        )
        loudness = level * 10 ** rng.uniform(-0.1, 0.1)
        return said, spoken.samples * (loudness / float(np.sqrt(np.mean(spoken.samples**2)))), spoken.spans_s


def compose(scene: Scene, speaker: Speaker, rng: random.Random) -> list[Line]:
    """Who says what when."""
    lines: list[Line] = []
    clock_s, voice, left = rng.uniform(0.3, 1.0), 0, 0
    guest_s = 0.0
    while clock_s < scene.duration_s:
        if scene.kind == "guest":
            is_guest = clock_s > scene.duration_s * 0.45 and guest_s < GUEST_S
            voice = 1 if is_guest else 0
        elif left == 0 and len(scene.voices) > 1:
            voice = rng.choice([one for one in range(len(scene.voices)) if one != voice])
            left = rng.choice([1, 1, 2, 3, 5])
        left -= 1
        line = _line(scene, speaker, voice, clock_s)
        lines.append(line)
        guest_s += (line.end_s - line.start_s) * (voice == 1)
        clock_s = line.end_s + _pause_s(scene, rng, left)
        if scene.kind == "talk" and len(scene.voices) > 1 and left > 0 and rng.random() < 0.12:
            other = rng.choice([one for one in range(len(scene.voices)) if one != voice])
            lines.append(
                _line(scene, speaker, other, line.end_s + rng.uniform(0.1, 0.4), rng.choice(INTERJECTIONS))
            )
            clock_s = lines[-1].end_s + rng.uniform(0.1, 0.5)
    return lines


def _line(scene: Scene, speaker: Speaker, voice: int, at_s: float, words: list[str] | None = None) -> Line:
    said, sound, spans = speaker.say(scene.voices[voice], scene.level, words)
    return Line(voice, said, sound, round(at_s * OUTPUT_RATE_HZ) / OUTPUT_RATE_HZ, spans)


def _pause_s(scene: Scene, rng: random.Random, left: int) -> float:
    if scene.kind == "overlap" and left == 0 and rng.random() < 0.6:
        return -rng.uniform(0.3, 1.5)
    if rng.random() < 0.1:
        return rng.uniform(1.5, 4.0)
    return rng.uniform(0.12, 0.9)


def mix(scene: Scene, lines: Sequence[Line], seed: int) -> npt.NDArray[np.int16]:
    """The scene's sound at 16 kHz."""
    n = round((max(line.end_s for line in lines) + 0.7) * OUTPUT_RATE_HZ)
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 2e-4, n).astype(np.float32)
    for line in lines:
        start = round(line.start_s * OUTPUT_RATE_HZ)
        sound[start : start + len(line.sound)] += line.sound
    if scene.music_db is not None:
        music = _music(n, rng)
        sound += music * (scene.level * 10 ** (scene.music_db / 20) / float(np.sqrt(np.mean(music**2))))
    return np.round(np.clip(sound, -0.99, 0.99) * 32767).astype(np.int16)


def _music(n: int, rng: np.random.Generator) -> Sound:
    """Chords of struck strings, a bar each, and a beat of noise."""
    music = np.zeros(n, np.float32)
    bar = 2 * OUTPUT_RATE_HZ
    t = np.arange(bar) / OUTPUT_RATE_HZ
    for start in range(0, n, bar):
        root = 110 * 2 ** (rng.choice([0, 5, 7, 9]) / 12)
        chord = np.zeros(bar)
        for third in (0, 4, 7, 12):
            for overtone in range(1, 6):
                chord += np.sin(2 * np.pi * root * 2 ** (third / 12) * overtone * t) / overtone**1.5
        chord *= np.exp(-1.5 * (t % 1.0))
        beat = rng.normal(0, 1, bar) * np.exp(-30 * (t % 0.5))
        music[start : start + bar] += (chord + beat)[: n - start].astype(np.float32)
    return music


def recognise(lines: Sequence[Line], rng: random.Random) -> tuple[list[Utterance], list[int]]:
    """What a recogniser makes of it, and who really said each word: their times a little off; where two talk at
    once only the one who began is understood."""
    heard: list[tuple[Word, int, bool]] = []
    taken_s = 0.0
    for line in lines:
        for index, (text, (start_s, end_s)) in enumerate(zip(line.words, line.spans_s, strict=True)):
            begins = line.start_s + start_s
            if begins < taken_s - 0.05:
                continue
            word = Word(
                text,
                begins + rng.gauss(0, WORD_ERROR_S),
                line.start_s + end_s + rng.gauss(0, WORD_ERROR_S),
                0.9,
            )
            heard.append((word, line.voice, index == len(line.words) - 1 and rng.random() >= RUNS_ON))
        taken_s = max(taken_s, line.end_s)
    utterances, words = [], []
    previous_s = 0.0
    for at, (word, _, ends) in enumerate(heard):
        start_s = max(word.start_s, previous_s)
        limit_s = heard[at + 1][0].start_s if at + 1 < len(heard) else word.end_s
        end_s = max(start_s, min(word.end_s, max(limit_s, start_s)))
        previous_s = end_s
        words.append(replace(word, start_s=start_s, end_s=end_s))
        if ends or at + 1 == len(heard) or heard[at + 1][0].start_s - end_s >= PAUSE_S:
            said = " ".join(one.text for one in words)
            utterances.append(
                Utterance(said, words[0].start_s, words[-1].end_s, tuple(words), -0.2, 1.2, 0.01)
            )
            words = []
    return utterances, [voice for _, voice, _ in heard]


class Listener:
    """Prepare and the voice model, as the line has them."""

    def __init__(self) -> None:
        settings = IdentifySettings(model=str(MODEL), device="cpu")
        self._model = SpeakerModel(settings, Path(tempfile.gettempdir()))
        self._prepare = Preparer(PrepareSettings(), 30.0, "en")
        self._settings = settings

    def slices(
        self, sound: npt.NDArray[np.int16]
    ) -> Iterator[tuple[tuple[Clip, ...], npt.NDArray[np.int16]]]:
        content = encoded_media("flac", sound, Encoding("flac"))
        meta = VideoMeta("", "", duration_s=len(sound) / OUTPUT_RATE_HZ)
        for piece in self._prepare(Audio(VideoId("scene"), 1, meta, content, "flac")):
            yield piece.clips, np.frombuffer(piece.pcm, "<i2")

    def windows(
        self, clips: Sequence[Clip], pcm: npt.NDArray[np.int16], utterances: Sequence[Utterance]
    ) -> tuple[list[Window], npt.NDArray[np.float32]]:
        windows = dense_windows(clips, utterances, self._settings.window_s, self._settings.hop_s)
        vectors = []
        for window in windows:
            first = max(0, min(window.first, len(pcm) - window.n_samples))
            vectors.append(self._model.embed([pcm[first : first + window.n_samples]])[0])
        return windows, np.array(vectors, np.float32)

    def alone(
        self, voice: str, duration_s: float, speaker: Speaker, rng: random.Random
    ) -> npt.NDArray[np.float16]:
        """Vectors of one voice."""
        scene = Scene("", (voice,), duration_s)
        lines = compose(scene, speaker, rng)
        found = []
        for clips, pcm in self.slices(mix(scene, lines, 0)):
            found.append(self.windows(clips, pcm, ())[1])
        return np.concatenate(found).astype(np.float16)


def hear(
    scene: Scene, listener: Listener, speaker: Speaker, rng: random.Random, seed: int
) -> dict[str, npt.NDArray[np.generic]]:
    """A scene as arrays, see ``tests/voice_scenes.py``."""
    lines = compose(scene, speaker, rng)
    utterances, said_by = recognise(lines, rng)
    slices, windows, vectors = [], [], []
    for clips, pcm in listener.slices(mix(scene, lines, seed)):
        start_s, end_s = clips[0].start_s, clips[-1].end_s
        own = [one for one in utterances if start_s <= (one.start_s + one.end_s) / 2 <= end_s]
        found, of_voices = listener.windows(clips, pcm, own)
        slices.append((start_s, end_s, len(found)))
        windows += [(window.start_s, window.end_s) for window in found]
        vectors.append(of_voices)
    words = [(word.start_s, word.end_s) for one in utterances for word in one.words]
    return {
        "slices": np.array(slices, np.float64),
        "windows": np.array(windows, np.float32),
        "vectors": np.concatenate(vectors).astype(np.float16),
        "words": np.array(words, np.float32),
        "word_voices": np.array(said_by, np.int8),
        "utterances": np.array([len(one.words) for one in utterances], np.int16),
        "lines": np.array([(line.start_s, line.end_s, line.voice) for line in lines], np.float32),
    }


def make(which: Set, listener: Listener, espeak: Espeak) -> dict[str, npt.NDArray[np.generic]]:
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    rng = random.Random(which.seed)
    speaker = Speaker(espeak, rng)
    for voice in which.enrolled:
        arrays[f"enrolled/{voice}"] = listener.alone(voice, ENROLMENT_S, speaker, rng)
    for voice in COHORT:
        arrays[f"cohort/{voice}"] = listener.alone(voice, COHORT_S, speaker, rng)
    for index, scene in enumerate(which.scenes):
        for name, array in hear(scene, listener, speaker, rng, which.seed * 100 + index).items():
            arrays[f"scene/{index}/{name}"] = array
        print(f"{which.name}: {scene.name}, {len(arrays[f'scene/{index}/windows'])} windows", flush=True)
    return arrays


def main(names: Sequence[str]) -> None:
    espeak, listener = Espeak(), Listener()
    SHIPPED.mkdir(parents=True, exist_ok=True)
    for which in SETS:
        if not names or which.name in names:
            path = SHIPPED / f"{which.name}.npz"
            np.savez_compressed(path, **make(which, listener, espeak))
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
