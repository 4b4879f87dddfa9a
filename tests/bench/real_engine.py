"""The project's own recogniser, outside of the line: what the limit and the phases run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actors.rows import Slice, SpokenSlice
from configs.settings import TranscribeSettings


@dataclass(frozen=True, slots=True)
class RealEngine:
    """Opened in the process that uses it."""

    settings: TranscribeSettings
    models_dir: Path
    needs_sound: bool = True

    def open(self) -> Callable[[Slice], SpokenSlice]:
        """Load the model and try it on the canary."""
        from actors.speech.transcribe import Transcriber

        transcriber = Transcriber(self.settings, self.models_dir)
        language = self.settings.language

        def transcribe(piece: Slice) -> SpokenSlice:
            return transcriber(
                piece, language or transcriber.known_language(piece) or transcriber.detect_language(piece)
            )

        return transcribe
