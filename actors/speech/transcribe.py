"""The transcribe stage: a slice of speech in, its utterances on the video's clock out.

Owns the order: one batch for the whole slice, a second decoding for what is suspicious, provenance.
Rules, clock and engine live beside it.
"""

import logging
from pathlib import Path

import numpy as np

from actors.errors import ConfigError
from actors.rows import SAMPLE_RATE_HZ, Clip, Provenance, Slice, SpokenSlice, Utterance
from actors.speech.canary import canary_fault, load_canary
from actors.speech.clock import on_video_clock
from actors.speech.engine import Engine, Waveform
from actors.speech.heard import HeardWindow
from actors.speech.languages import whisper_language
from actors.speech.quality import QualityRules, broken_rules, second_is_better
from actors.speech.utterances import utterances_of
from configs.settings import TranscribeSettings

logger = logging.getLogger(__name__)

CANARY_LANGUAGE = "en"


class Transcriber:
    """A recogniser that has proved itself on the canary. Not thread-safe: one for each actor.

    Args:
        settings: the stage's settings.
        models_dir: where models from the hub are kept.
        rules: when a text is decoded again.

    Raises:
        ConfigError: model, device, compute type or language can't be had, or the canary came out wrong.
    """

    def __init__(
        self, settings: TranscribeSettings, models_dir: Path, rules: QualityRules | None = None
    ) -> None:
        self._rules = rules or QualityRules()
        self._engine = Engine(settings, models_dir)
        self._provenance = Provenance(
            model=Path(settings.model).name,
            compute_type=self._engine.compute_type,
            device=self._engine.device,
            versions=self._engine.versions,
        )
        self._check_language(settings.language)
        self.canary_text = self._check_canary(settings)
        """What it heard in the test clip."""

    @property
    def device(self) -> str:
        """Where it runs: ``cpu`` or ``cuda``."""
        return self._provenance.device

    @property
    def compute_type(self) -> str:
        """The arithmetic in effect."""
        return self._provenance.compute_type

    @property
    def is_multilingual(self) -> bool:
        """Whether it can be told a language; else everything is decoded as English."""
        return self._engine.is_multilingual

    def known_language(self, item: Slice) -> str | None:
        """The model's own code for the language that a slice names, ``nb`` is its ``no``; ``None``: it names none, or
        one that the model doesn't know, and what is heard decides. Ask for that once a video, on any of its slices,
        and use the answer for all."""
        return whisper_language(item.language, self._engine.languages)

    def detect_language(self, item: Slice) -> str:
        """The likeliest language of a slice, from its first 90 s; ``en`` for an English-only model.

        Raises:
            TransientError: ``out_of_memory`` or ``device``.
        """
        return self._engine.detect_language(_waveform(item.pcm))

    def __call__(self, item: Slice, language: str) -> SpokenSlice:
        """Transcribe a slice.

        Args:
            item: the slice.
            language: one of the model's codes, the same for the whole video; an English-only model ignores it.

        Raises:
            TransientError: ``out_of_memory`` or ``device``.
        """
        if not self.is_multilingual:
            language = "en"
        utterances, wordless_s = self._utterances(item, language)
        return SpokenSlice(
            video_id=item.video_id,
            fence=item.fence,
            ordinal=item.ordinal,
            n_slices=item.n_slices,
            decoded_s=item.decoded_s,
            speech_s=item.speech_s,
            language=language,
            utterances=utterances,
            provenance=self._provenance,
            clips=item.clips,
            pcm=item.pcm,
            wordless_s=wordless_s,
        )

    def _utterances(self, item: Slice, language: str) -> tuple[tuple[Utterance, ...], float]:
        """What is said in a slice, and the seconds of speech in which no word was heard."""
        waveform, windows = _waveform(item.pcm), windows_of(item)
        bounds = [_bounds(window) for window in windows]
        utterances: list[Utterance] = []
        wordless_s = 0.0
        for window, (start, end), heard in zip(
            windows, bounds, self._engine.decode_batch(waveform, bounds, language), strict=True
        ):
            kept, flags = heard, broken_rules(heard, self._rules)
            if flags:
                kept = self._second_pass(heard, waveform[start:end], start / SAMPLE_RATE_HZ, language)
                flags = broken_rules(kept, self._rules)
                logger.info(
                    "%s slice %d, %.1f s: %s text kept, flags %s", item.video_id, item.ordinal,
                    window[0].start_s, "first" if kept is heard else "second", ", ".join(flags) or "none",
                )  # fmt: skip
            utterances += utterances_of(kept, on_video_clock(kept.words, window), flags)
            if not kept.words:
                wordless_s += sum(clip.duration_s for clip in window)
        return tuple(utterances), wordless_s

    def _second_pass(
        self, first: HeardWindow, waveform: Waveform, offset_s: float, language: str
    ) -> HeardWindow:
        """The better of the first text and that of a sequential decoding with fallback."""
        second = self._engine.decode_again(waveform, language)
        return second.shifted(offset_s) if second_is_better(first, second, self._rules) else first

    def _check_language(self, language: str | None) -> None:
        if language is None or not self.is_multilingual:
            return
        if whisper_language(language, self._engine.languages) is None:
            raise ConfigError(
                f"transcribe.language {language} is not one that Whisper knows",
                remedy=f"Set one of {', '.join(sorted(self._engine.languages))}, or leave it unset",
            )

    def _check_canary(self, settings: TranscribeSettings) -> str:
        canary = load_canary(settings.canary_audio)
        language = CANARY_LANGUAGE
        if settings.canary_audio is not None:
            language = whisper_language(settings.language, self._engine.languages) or CANARY_LANGUAGE
        waveform = _waveform(canary.samples.astype("<i2", copy=False).tobytes())
        heard = self._engine.decode_batch(waveform, [(0, len(waveform))], language)[0]
        fault = canary_fault(canary.text, heard.text)
        if fault is not None:
            raise ConfigError(
                f"{settings.model} on {self._engine.device} failed its test clip: {fault}",
                code="canary",
                remedy="On a GPU bring the driver up to date, or change the version of ctranslate2 or "
                "transcribe.compute_type; for a model that doesn't know English set transcribe.canary_audio",
            )
        return heard.text


def windows_of(item: Slice) -> list[tuple[Clip, ...]]:
    """The slice's clips by window."""
    sizes = item.windows or (1,) * len(item.clips)
    windows, start = [], 0
    for size in sizes:
        windows.append(item.clips[start : start + size])
        start += size
    return windows


def _bounds(window: tuple[Clip, ...]) -> tuple[int, int]:
    """The window's first sample in the slice's PCM and the one behind its last."""
    end_s = window[-1].offset_s + window[-1].duration_s
    return round(window[0].offset_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)


def _waveform(pcm: bytes) -> Waveform:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
