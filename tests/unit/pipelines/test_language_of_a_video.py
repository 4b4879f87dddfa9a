"""In which language a video is decoded: by the model's own codes, and the same for all of its slices."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from actors.rows import Slice, VideoId
from actors.speech.languages import whisper_language
from configs.load import load_settings
from pipelines.context import RunContext
from pipelines.workers import build_transcribe


class Recogniser:
    """In place of the model: knows these languages, hears English, and notes in which one it is asked to decode."""

    asked: list[str]
    languages: Collection[str] = ("en", "de", "no", "he")

    def __init__(self, settings: object, models_dir: object) -> None:
        Recogniser.asked = []

    def known_language(self, piece: Slice) -> str | None:
        return whisper_language(piece.language, self.languages)

    def detect_language(self, piece: Slice) -> str:
        return "en"

    def __call__(self, piece: Slice, language: str) -> str:
        self.asked.append(language)
        return language


@pytest.mark.parametrize(
    ("named", "decoded_in"),
    [("de", "de"), ("de-AT", "de"), ("nb", "no"), ("iw", "he"), ("ga", "en"), (None, "en")],
    ids=str,
)
def test_a_language_that_the_model_does_not_know_is_heard_instead(
    monkeypatch: pytest.MonkeyPatch, named: str | None, decoded_in: str
) -> None:
    """Sources tag videos with more codes than Whisper has; none of them may cost a video its text."""
    monkeypatch.setattr("actors.speech.transcribe.Transcriber", Recogniser)
    agreed: list[str] = []

    def agree(video_id: VideoId, fence: int, heard: str) -> str:
        agreed.append(heard)
        return heard

    ledger: Any = SimpleNamespace(agree_language=agree)
    context = RunContext.__new__(RunContext)
    object.__setattr__(context, "settings", load_settings("demo"))
    object.__setattr__(context, "models_dir", None)
    piece = Slice(VideoId("a"), 1, 0, (), b"", named)
    assert list(build_transcribe(context, ledger)(piece)) == [decoded_in]
    assert (Recogniser.asked, bool(agreed)) == ([decoded_in], decoded_in == "en")
