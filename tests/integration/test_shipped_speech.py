"""The talks that ship are whole, and the Whisper that ships understands them."""

import json
from pathlib import Path
from typing import Any

import pytest
from faster_whisper import BatchedInferencePipeline, WhisperModel

from tests.encoding import SPEECH_RATE_HZ, read_speech
from tests.scoring import word_error_rate

DEMO = Path(__file__).parents[2] / "configs" / "demo"
TRUTH = json.loads((DEMO / "speech" / "talks.json").read_text(encoding="utf-8"))
every_talk = pytest.mark.parametrize("talk", TRUTH["talks"], ids=[talk["slug"] for talk in TRUTH["talks"]])


@pytest.fixture(scope="module")
def whisper() -> BatchedInferencePipeline:
    model = WhisperModel(
        str(DEMO / "models" / "whisper-tiny-espeak"), device="cpu", compute_type="int8", cpu_threads=2
    )
    return BatchedInferencePipeline(model)


@every_talk
def test_a_talk_is_as_long_as_its_truth_says(talk: dict[str, Any]) -> None:
    """Each file decodes to the length that talks.json gives, and its words lie inside it."""
    decoded_s = len(read_speech(DEMO / "speech" / talk["file"])) / SPEECH_RATE_HZ
    assert decoded_s == pytest.approx(talk["duration_s"], abs=0.05)
    words = [word for sentence in talk["sentences"] for word in sentence["words"]]
    assert words[0]["start_s"] > 0
    assert words[-1]["end_s"] < talk["duration_s"]


@every_talk
def test_a_talk_is_understood(talk: dict[str, Any], whisper: BatchedInferencePipeline) -> None:
    """Under 5 % of the words are wrong with the library's own defaults, so that the demo reads well."""
    segments, _ = whisper.transcribe(str(DEMO / "speech" / talk["file"]), batch_size=8, vad_filter=True)
    spoken = [word["text"] for sentence in talk["sentences"] for word in sentence["words"]]
    assert word_error_rate(spoken, " ".join(segment.text for segment in segments)) < 0.05


def test_queries_expect_talks_that_exist() -> None:
    """The demo's searches name what they should find, three different talks."""
    expected = {query["expected"] for query in TRUTH["queries"]}
    assert len(expected) == len(TRUTH["queries"]) == 3
    assert expected <= {talk["slug"] for talk in TRUTH["talks"]}
