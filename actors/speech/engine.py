"""faster-whisper behind three calls: decode a batch, decode one window again, detect the language.

Owns loading, device, compute type and what the engine's errors mean. Knows nothing of videos, rules or
retries. Imports CTranslate2 when it is made, and must not share a process with PyTorch's CUDA.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.errors import ConfigError, TransientError
from actors.rows import SAMPLE_RATE_HZ
from actors.speech.cuda_libraries import preload_cublas
from actors.speech.devices import resolved_compute_type, resolved_device
from actors.speech.heard import EngineSegment, HeardWindow, hear
from actors.speech.models import local_model
from configs.settings import TranscribeSettings

logger = logging.getLogger(__name__)

Waveform = npt.NDArray[np.float32]
"""Mono at ``SAMPLE_RATE_HZ``, -1 to 1."""

LANGUAGE_WINDOWS = 3
"""Windows in which the language is looked for until one is certain."""

_SEED = 20
"""Sampling in the second pass starts from the same number each time: a slice done again, after a crash
or elsewhere, gives the same text."""


class Engine:
    """One loaded model. Not thread-safe: faster-whisper's batched pipeline keeps state between calls.

    Raises:
        ConfigError: the model, the device or the compute type can't be had.
    """

    def __init__(self, settings: TranscribeSettings, models_dir: Path) -> None:
        directory = local_model(settings.model)
        self.device = resolved_device(settings)
        if self.device == "cuda":
            preload_cublas()
        path = str(directory or _fetched(settings, models_dir))
        self._model = _load(path, self.device, resolved_compute_type(settings, self.device), settings)
        self._check_device(self._model.model.device)
        self._beam_size = settings.beam_size
        from faster_whisper import BatchedInferencePipeline

        self._pipeline = BatchedInferencePipeline(self._model)
        logger.info("%s on %s in %s", settings.model, self.device, self.compute_type)

    @property
    def compute_type(self) -> str:
        """In effect, which isn't always what was asked for."""
        return str(self._model.model.compute_type)

    @property
    def is_multilingual(self) -> bool:
        return bool(self._model.model.is_multilingual)

    @property
    def languages(self) -> frozenset[str]:
        """Codes that it can be told to decode in."""
        return frozenset(self._model.supported_languages)

    @property
    def versions(self) -> dict[str, str]:
        return {"faster_whisper": version("faster-whisper"), "ctranslate2": version("ctranslate2")}

    def decode_batch(
        self, waveform: Waveform, bounds: Sequence[tuple[int, int]], language: str
    ) -> list[HeardWindow]:
        """Decode windows in one GPU batch, without fallback.

        Windows are decoded without timestamp tokens: on the small model both ways have the same words
        and word times while pauses are short, and with timestamps more text is lost behind long ones.

        Args:
            waveform: a slice's samples.
            bounds: first sample and the one behind the last, for each window; at most 30 s each.
            language: one of ``languages``.

        Returns:
            One for each of ``bounds``; times in seconds of ``waveform``.

        Raises:
            TransientError: ``out_of_memory``, or ``device`` where CUDA itself failed.
        """
        # Half a sample more, so that the engine's rounding down finds the sample that is meant.
        spans = [
            {"start": (start + 0.5) / SAMPLE_RATE_HZ, "end": (end + 0.5) / SAMPLE_RATE_HZ}
            for start, end in bounds
        ]
        # State of a call that failed half-way would bend the first word of the next.
        self._pipeline.last_speech_timestamp = 0.0
        with _engine_errors():
            segments, _ = self._pipeline.transcribe(
                waveform, language=language, beam_size=self._beam_size, batch_size=len(bounds),
                clip_timestamps=spans, word_timestamps=True, without_timestamps=True, vad_filter=False,
            )  # fmt: skip
            by_frame: dict[int, list[EngineSegment]] = defaultdict(list)
            for segment in segments:
                by_frame[segment.seek].append(segment)
        return [self._heard(by_frame, start, end) for start, end in bounds]

    def _heard(self, by_frame: dict[int, list[EngineSegment]], start: int, end: int) -> HeardWindow:
        # The engine's word times begin at a whole frame (10 ms) at or before the window's first sample.
        start_s = start / SAMPLE_RATE_HZ
        frame = int(start_s * self._model.frames_per_second)
        shift_s = start_s - frame / self._model.frames_per_second
        return hear(by_frame.get(frame, []), shift_s, (end - start) / SAMPLE_RATE_HZ)

    def decode_again(self, waveform: Waveform, language: str) -> HeardWindow:
        """Decode one window by itself, with timestamps and falling back to higher temperatures.

        Args:
            waveform: the window's samples, at most 30 s.
            language: one of ``languages``.

        Returns:
            The window; times in seconds of ``waveform``. The same for the same input.

        Raises:
            TransientError: as ``decode_batch``.
        """
        import ctranslate2

        ctranslate2.set_random_seed(_SEED)
        with _engine_errors():
            segments, _ = self._model.transcribe(
                waveform, language=language, beam_size=self._beam_size, word_timestamps=True,
                condition_on_previous_text=False, vad_filter=False,
            )  # fmt: skip
            return hear(list(segments), 0.0, len(waveform) / SAMPLE_RATE_HZ)

    def detect_language(self, waveform: Waveform) -> str:
        """The likeliest language of the first 90 s; ``en`` for an English-only model."""
        if not self.is_multilingual:
            return "en"
        with _engine_errors():
            language, _, _ = self._model.detect_language(
                waveform, language_detection_segments=LANGUAGE_WINDOWS
            )
        return str(language)

    def _check_device(self, loaded_on: str) -> None:
        if loaded_on != self.device:
            raise ConfigError(
                f"the model was loaded on {loaded_on}, not on {self.device}", remedy="Check transcribe.device"
            )


def _fetched(settings: TranscribeSettings, models_dir: Path) -> str:
    """Directory of a model from the hub, downloaded if it isn't in ``models_dir`` yet."""
    from faster_whisper.utils import download_model
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return str(download_model(settings.model, cache_dir=str(models_dir), revision=settings.revision))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ConfigError(
            f"transcribe.model {settings.model} can't be fetched from the hub: {str(error).splitlines()[0]}",
            remedy="Check its name, transcribe.revision and the network, or name a local directory",
        ) from error


def _load(path: str, device: str, compute_type: str, settings: TranscribeSettings) -> Any:
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            path,
            device=device,
            compute_type=compute_type,
            cpu_threads=settings.cpu_threads,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:
        what = f"transcribe.model {settings.model} can't be loaded: {error}"
        if _is_out_of_memory(error):  # what another process holds at this moment it may give back
            raise TransientError(
                what, code="out_of_memory", remedy="Fewer transcribe.actors leave more memory to each"
            ) from error
        raise ConfigError(
            what, remedy="Fetch or convert it again; the files may be damaged or not a Whisper model"
        ) from error


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if _is_out_of_memory(error):
            raise TransientError(
                f"There is no memory left to transcribe in: {error}",
                code="out_of_memory",
                remedy="If it comes again, set fewer transcribe.actors or a smaller prepare.slice_max_clips",
                retry_after_s=30,
            ) from error
        if any(word in str(error).lower() for word in ("cuda", "cublas", "cudnn")):
            raise TransientError(
                f"The GPU failed: {error}",
                code="device",
                remedy="If it comes again, check the driver with nvidia-smi and its messages with dmesg",
                retry_after_s=30,
            ) from error
        raise


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):  # std::bad_alloc, on a CPU
        return True
    return "out of memory" in str(error).lower() or "cublas_status_alloc_failed" in str(error).lower()
