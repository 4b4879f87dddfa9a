"""The detector as a stream against faster-whisper's own functions on the whole recording."""

import numpy as np
import pytest
from faster_whisper.vad import VadOptions, get_speech_timestamps, get_vad_model

from actors.speech.resample import Samples
from actors.speech.spans import SpanFinder, SpanRules
from actors.speech.vad import WINDOW_SAMPLES, SpeechDetector
from tests.corpus import compose


@pytest.fixture(scope="module")
def speech() -> Samples:
    return compose(seed=11, duration_s=60)[0]


def streamed(samples: Samples, block: int, rules: SpanRules) -> list[tuple[int, int]]:
    detector, finder = SpeechDetector(), SpanFinder(rules)
    spans = []
    for start in range(0, len(samples), block):
        spans += finder.push(*detector.push(samples[start : start + block]))
    spans += finder.push(*detector.finish())
    spans += finder.finish(len(samples))
    return [(span.start, span.end) for span in spans]


@pytest.mark.parametrize("block", [700, 12_345, 163_840, 10_000_000])
@pytest.mark.parametrize(("threshold", "min_silence_ms"), [(0.5, 96), (0.5, 500), (0.3, 2000)])
def test_spans_are_those_of_the_whole_file(
    speech: Samples, block: int, threshold: float, min_silence_ms: int
) -> None:
    """To the sample the same stretches as ``get_speech_timestamps``, in whatever blocks samples come."""
    options = VadOptions(threshold=threshold, min_silence_duration_ms=min_silence_ms, speech_pad_ms=0)
    expected = get_speech_timestamps(speech.astype(np.float32) / 32768, options)
    rules = SpanRules(threshold, max_samples=10**9, min_silence_samples=min_silence_ms * 16)
    assert streamed(speech, block, rules) == [(span["start"], span["end"]) for span in expected]
    assert len(expected) >= 3


def test_probabilities_are_those_of_the_whole_file(speech: Samples) -> None:
    """State and context carried between blocks leave no seam."""
    whole = speech[: len(speech) // WINDOW_SAMPLES * WINDOW_SAMPLES]
    expected = get_vad_model()(whole.astype(np.float32) / 32768).reshape(-1)
    detector = SpeechDetector()
    parts = [detector.push(whole[start : start + 5000])[0] for start in range(0, len(whole), 5000)]
    # The library blanks the last 64 samples by accident, which reach the last window only.
    np.testing.assert_allclose(np.concatenate(parts)[:-1], expected[:-1], atol=1e-4)
