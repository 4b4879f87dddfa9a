"""Made-up voices for tests: windows scattered about a direction, as a voice model's are."""

import numpy as np

from actors.voices.calibration import OtherVoice
from actors.voices.clustering import centre
from actors.voices.enrolment import Heard
from actors.voices.profile import Profile
from actors.voices.voice import Calibration, Voice, VoiceSource

DIM = 64
SAME_VOICE = 0.7


def direction(seed: int, dim: int = DIM) -> np.ndarray:
    """Who it is. Two of them are about at right angles."""
    one = np.random.default_rng(seed).standard_normal(dim)
    return (one / np.linalg.norm(one)).astype(np.float32)


def windows(who: np.ndarray, n: int, *, likeness: float = 0.85, seed: int = 0) -> np.ndarray:
    """``n`` windows of a voice, of which each has about this cosine to any other."""
    rng = np.random.default_rng(seed)
    scatter = rng.standard_normal((n, len(who)))
    scatter -= np.outer(scatter @ who, who)
    scatter /= np.linalg.norm(scatter, axis=1, keepdims=True)
    made = np.sqrt(likeness) * who + np.sqrt(1 - likeness) * scatter
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def between(who: np.ndarray, other: np.ndarray, cosine: float) -> np.ndarray:
    """A voice with this cosine to ``who``, towards ``other``."""
    across = other - (other @ who) * who
    across /= np.linalg.norm(across)
    return (cosine * who + np.sqrt(1 - cosine**2) * across).astype(np.float32)


def heard(vectors: np.ndarray, name: str = "talk.flac", speech_s: float | None = None) -> Heard:
    spans = tuple((1.5 * n, 1.5 * n + 3.0) for n in range(len(vectors)))
    length_s = 1.5 * len(vectors) + 1.5 if speech_s is None else speech_s
    return Heard(VoiceSource(name, "A talk", length_s, len(vectors)), vectors, spans)


def profile(
    name: str, who: np.ndarray, *, model: str = "ecapa-test", threshold: float = 0.75, n: int = 20
) -> Profile:
    vectors = windows(who, n, seed=len(name))
    return Profile(name, model, centre(vectors), vectors, threshold)


def other(who: np.ndarray, n: int = 10, name: str | None = None, seed: int = 1) -> OtherVoice:
    return OtherVoice(windows(who, n, seed=seed), name)


def voice(name: str, seed: int = 1, model: str = "ecapa-test", **about: object) -> Voice:
    values = {
        "profile": profile(name, direction(seed), model=model),
        "revision": None,
        "calibration": Calibration("measured", 0.01, 20, 100, 4, 0, 0.05, 0.0, None, None),
        "sources": (VoiceSource("talk.flac", "A talk", 40.0, 20, 60.0, None),),
        "speech_s": 40.0,
        "window_s": 3.0,
        "hop_s": 1.5,
    }
    return Voice(**{**values, **about})
