"""Side (a): the engine alone. Its audio is decoded, cut and in its process's memory before the clock
starts; the longest slices go first, so that no worker is left with a long one at the end."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actors.rows import Audio, Slice, VideoId, VideoMeta
from configs.settings import PrepareSettings
from tests.bench.audio import Corpus, Recording
from tests.bench.cpu import CpuLog
from tests.bench.crew import crew
from tests.bench.report import Measured
from tests.bench.trial import Trial


@dataclass(frozen=True, slots=True)
class Cutting:
    """Opens what cuts a recording into slices."""

    prepare: PrepareSettings
    window_s: float
    language: str | None
    keep_sound: bool

    def open(self) -> Callable[[Recording], list[Slice]]:
        from actors.speech.prepare import Preparer

        preparer = Preparer(self.prepare, self.window_s, self.language)

        def cut(recording: Recording) -> list[Slice]:
            name = recording.path.name
            meta = VideoMeta(name, name, duration_s=recording.duration_s)
            audio = Audio(VideoId(name), 1, meta, recording.path.read_bytes(), "webm")
            slices = list(preparer(audio))
            return slices if self.keep_sound else [replace(piece, pcm=b"") for piece in slices]

        return cut


@dataclass(frozen=True, slots=True)
class _Recognising:
    """Opens an engine with all slices at hand; a task is the number of one."""

    engine: Any
    slices: Sequence[Slice]

    def open(self) -> Callable[[int], tuple[VideoId, float]]:
        transcribe = self.engine.open()

        def recognise(number: int) -> tuple[VideoId, float]:
            spoken = transcribe(self.slices[number])
            return spoken.video_id, spoken.speech_s

        return recognise


def measure(corpus: Corpus, trial: Trial) -> Measured:
    """Prepare, then time the engine."""
    slices = prepared(corpus, trial)
    before = time.monotonic()
    with crew(trial.n_workers, _Recognising(trial.engine, slices)) as workers, CpuLog() as cpu:
        start_up_s = time.monotonic() - before
        began, began_at = time.monotonic(), time.time()
        heard = workers.do(range(len(slices)), trial.limit_s)
        work_s = time.monotonic() - began
        cpu_share = cpu.share(began_at, time.time())
    return Measured(
        side="a", n_videos=len({video_id for video_id, _ in heard}), audio_s=corpus.audio_s,
        speech_s=sum(speech_s for _, speech_s in heard), work_s=work_s, start_up_s=start_up_s,
        cpu_share=cpu_share,
    )  # fmt: skip


def prepared(corpus: Corpus, trial: Trial) -> list[Slice]:
    """All slices of the corpus, longest first."""
    cutting = Cutting(
        trial.settings.prepare, trial.window_s, trial.settings.transcribe.language, trial.engine.needs_sound
    )
    with crew(os.cpu_count() or 1, cutting) as cutters:
        found = cutters.do(corpus.recordings, trial.limit_s)
    slices = [piece for cut in found for piece in cut]
    return sorted(slices, key=lambda piece: -piece.speech_s)
