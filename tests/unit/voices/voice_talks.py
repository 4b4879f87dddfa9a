"""Talks for the tests of this room: made-up voices, with windows as the identify stage would hear them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.rows import Attribution, SliceVoices, Transcript, Utterance, VideoId, VideoMeta, Word
from actors.voices.profile import Profile
from configs.identify import IdentifySettings

DIM = 48
NAMES = ("ann", "bob", "cyd", "dee")
SETTINGS = IdentifySettings(same_voice=0.5)
WORD_S, GAP_S = 0.34, 0.06


def unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


VOICES = dict(zip(NAMES, np.linalg.qr(np.random.default_rng(7).standard_normal((DIM, DIM)))[0], strict=False))
"""Four voices at right angles to one another."""


def near(voice: str, cosine: float) -> npt.NDArray[np.float64]:
    """A voice of nobody's at this cosine to a known one."""
    other = np.linalg.qr(np.random.default_rng(7).standard_normal((DIM, DIM)))[0][
        DIM - 1 - NAMES.index(voice)
    ]
    return cosine * VOICES[voice] + np.sqrt(1 - cosine**2) * other


def profile(
    name: str, threshold: float = 0.6, model: str = "m", voice: npt.NDArray[np.float64] | None = None
) -> Profile:
    vector = (VOICES[name] if voice is None else voice).astype(np.float32)
    return Profile(name, model, vector, vector[None], threshold)


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody speaks without a break."""

    voice: str | npt.NDArray[np.float64]
    duration_s: float
    pause_s: float = 0.4
    """After it."""
    goes_on: bool = False
    """The recogniser takes it and the next turn for one utterance."""

    @property
    def direction(self) -> npt.NDArray[np.float64]:
        return VOICES[self.voice] if isinstance(self.voice, str) else self.voice


@dataclass(frozen=True, slots=True)
class Talk:
    transcript: Transcript
    truth: tuple[Turn, ...]
    """Whose turn each word belongs to."""


def talk(*turns: Turn, noise: float = 0.3, seed: int = 1, model: str = "m", own_windows: bool = True) -> Talk:
    """A video of one slice. Windows of 3 s every 1.5 s, and one of its own for each utterance of a second or
    more; a window's vector is the mean of the voices in it, by time, and noise."""
    words: list[Word] = []
    truth: list[Turn] = []
    utterances: list[Utterance] = []
    spans: list[tuple[float, float, npt.NDArray[np.float64]]] = []
    at = first = 0.0
    first = 0
    for turn in turns:
        n_words = max(1, round(turn.duration_s / (WORD_S + GAP_S)))
        begins = at
        for _ in range(n_words):
            words.append(Word(f"w{len(words)}", at, at + WORD_S, 0.9))
            truth.append(turn)
            at += WORD_S + GAP_S
        spans.append((begins, at, turn.direction))
        if not turn.goes_on:
            utterances.append(_utterance(words[first:]))
            first = len(words)
            at += turn.pause_s
    if first < len(words):
        utterances.append(_utterance(words[first:]))
    windows = [(start, start + 3.0) for start in np.arange(0, max(0.0, at - 3.0) + 0.01, 1.5).tolist()]
    if own_windows:
        windows += [own for own in map(_own, utterances) if own is not None]
    windows = sorted(set(windows))
    voices = SliceVoices(model, 0.0, at, tuple(windows), vectors(windows, spans, noise, seed))
    return Talk(transcript(utterances, voices), tuple(truth))


def transcript(utterances: Sequence[Utterance], *voices: SliceVoices) -> Transcript:
    return Transcript(
        VideoId("v"), 1, VideoMeta("A talk", "https://example.org/1"), "en", tuple(utterances), voices
    )


def vectors(
    windows: Sequence[tuple[float, float]],
    spans: Sequence[tuple[float, float, npt.NDArray[np.float64]]],
    noise: float,
    seed: int,
) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    begins, ends = [span[0] for span in spans], [span[1] for span in spans]
    rows = []
    for start, end in windows:
        heard = spans[bisect_right(ends, start) : bisect_left(begins, end)]
        mixed = sum(
            (direction * (min(end, after) - max(start, before)) for before, after, direction in heard),
            np.full(DIM, 1e-9),
        )
        rows.append(unit(unit(mixed) + noise * unit(rng.standard_normal(DIM))))
    return np.array(rows, np.float32).reshape(-1, DIM)


def labels(decided: Transcript) -> list[Attribution]:
    """The attribution of each word."""
    return [
        said_by
        for utterance, said_by in zip(decided.utterances, decided.attributions, strict=True)
        for _ in utterance.words
    ]


def speakers(decided: Transcript) -> list[str | None]:
    """Speakers in order, each once for all utterances in a row."""
    found: list[str | None] = []
    for said_by in decided.attributions:
        if not found or found[-1] != said_by.speaker:
            found.append(said_by.speaker)
    return found


def _utterance(words: Sequence[Word]) -> Utterance:
    text = " ".join(word.text for word in words)
    return Utterance(text, words[0].start_s, words[-1].end_s, tuple(words), -0.2, 1.2, 0.01)


def _own(utterance: Utterance) -> tuple[float, float] | None:
    length = utterance.end_s - utterance.start_s
    if length < 1.0:
        return None
    size = 3.0 if length >= 3.0 else float(np.floor(2 * length) / 2)
    middle = (utterance.start_s + utterance.end_s) / 2
    return middle - size / 2, middle + size / 2
