"""What is accepted as the speech of one voice, on made-up windows and sounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import PermanentError
from actors.voices.enrolment import (
    FOREIGN_WINDOWS,
    MAX_VECTORS,
    MIN_RANGE_DB,
    MIN_SPEECH_S,
    demand_usable,
    dynamic_range_db,
    enrol,
)
from actors.voices.voice import VoiceSource
from tests.enrolled import SAME_VOICE, direction, heard, windows

RATE_HZ = 16_000
ADA, BOB = direction(1), direction(2)


def refusal(*sources: object) -> PermanentError:
    with pytest.raises(PermanentError) as refused:
        enrol("Ada", sources, SAME_VOICE)  # type: ignore[arg-type]
    return refused.value


def test_one_voice_is_accepted_whole() -> None:
    """All windows are the voice, and the centroid has unit length."""
    made = enrol("Ada", [heard(windows(ADA, 40))], SAME_VOICE)
    assert (len(made.vectors), made.n_stray) == (40, 0)
    assert np.linalg.norm(made.centroid) == pytest.approx(1, abs=1e-5)
    assert made.centroid @ ADA > 0.98


def test_a_few_odd_windows_are_left_out() -> None:
    """A cough, a laugh: each unlike the voice and unlike the others."""
    odd = np.stack([direction(seed) for seed in range(50, 54)])
    made = enrol("Ada", [heard(np.concatenate([windows(ADA, 40), odd]))], SAME_VOICE)
    assert (len(made.vectors), made.n_stray) == (40, 4)
    assert made.centroid @ ADA > 0.98


@given(st.integers(FOREIGN_WINDOWS, 60), st.randoms(use_true_random=False))
def test_a_second_voice_is_refused_however_little_it_says(n_foreign: int, order: object) -> None:
    """Three windows of it, wherever they lie, are enough; half of the speech is no better."""
    both = np.concatenate([windows(ADA, 60), windows(BOB, n_foreign, seed=3)])
    places = list(range(len(both)))
    order.shuffle(places)  # type: ignore[attr-defined]
    error = refusal(heard(both[places]))
    assert error.code == "several_voices"


def test_a_second_voice_is_named_with_place_and_length() -> None:
    """So that the user can cut it out."""
    both = np.concatenate([windows(ADA, 40), windows(BOB, 6, seed=3)])
    error = refusal(heard(both, "panel.mp3"))
    assert "2 of them" in error.reason
    assert "panel.mp3 about 10 s from 60 s on" in error.reason
    assert "--from" in error.remedy


def test_two_sources_of_two_people_are_refused() -> None:
    """The wrong file beside the right one."""
    error = refusal(heard(windows(ADA, 40)), heard(windows(BOB, 10, seed=3), "wrong.wav"))
    assert error.code == "several_voices" and "wrong.wav" in error.reason


def test_what_is_like_nothing_is_noise() -> None:
    """Windows of music or a crowd point everywhere."""
    error = refusal(heard(np.stack([direction(seed) for seed in range(100, 140)])))
    assert error.code == "noise"


def test_a_profile_keeps_a_bounded_number_of_windows_spread_over_all() -> None:
    """The first and the last are among them."""
    made = enrol("Ada", [heard(windows(ADA, 500))], SAME_VOICE)
    assert made.kept.shape[0] == MAX_VECTORS
    assert np.array_equal(made.kept[0], made.vectors[0]) and np.array_equal(made.kept[-1], made.vectors[-1])


def source(speech_s: float, n_windows: int = 30, name: str = "talk.flac") -> VoiceSource:
    return VoiceSource(name, "A talk", speech_s, n_windows)


def test_too_little_speech_is_refused_with_what_is_needed() -> None:
    """Sources add up; the message says how much there is."""
    demand_usable("Ada", [(source(MIN_SPEECH_S / 2), 40.0), (source(MIN_SPEECH_S / 2), 40.0)])
    with pytest.raises(PermanentError, match=r"29 s of speech .* 30 s are needed") as refused:
        demand_usable("Ada", [(source(29.0), 40.0)])
    assert refused.value.code == "too_little_speech"
    with pytest.raises(PermanentError):
        demand_usable("Ada", [(source(40.0, n_windows=3), 40.0)])


def test_a_noisy_source_is_refused_by_name() -> None:
    """One bad recording among good ones is enough."""
    with pytest.raises(PermanentError, match=r"bar\.wav is too noisy") as refused:
        demand_usable("Ada", [(source(60), 40.0), (source(60, name="bar.wav"), MIN_RANGE_DB - 1)])
    assert refused.value.code == "noise"


def speech_like(rng: np.random.Generator, noise: float) -> np.ndarray:
    """Ten seconds: syllables of 200 ms with pauses of 60 ms between them, and white noise."""
    t = np.arange(10 * RATE_HZ)
    loud = (t % int(0.26 * RATE_HZ)) < int(0.2 * RATE_HZ)
    sound = 6_000 * np.sin(2 * np.pi * 180 * t / RATE_HZ) * loud + noise * rng.standard_normal(len(t))
    return np.clip(sound, -32_768, 32_767).astype(np.int16)


def test_noise_is_measured_by_what_lies_between_the_syllables() -> None:
    """Clean speech passes, speech in loud noise doesn't, and more noise never measures as less."""
    rng = np.random.default_rng(0)
    ranges = [dynamic_range_db(speech_like(rng, noise), RATE_HZ) for noise in (5, 100, 1_000, 4_000)]
    assert ranges == sorted(ranges, reverse=True)
    assert ranges[0] > 40 and ranges[1] > MIN_RANGE_DB > ranges[3]


def test_silence_and_nothing_have_no_range() -> None:
    """No division by nothing."""
    assert dynamic_range_db(np.zeros(RATE_HZ, np.int16), RATE_HZ) == 0
    assert dynamic_range_db(np.zeros(0, np.int16), RATE_HZ) == 0
