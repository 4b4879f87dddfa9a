"""Real talk as the recogniser gets it: files in, full slices out. What a sweep has every actor work on.

The real ``Preparer`` decodes and cuts once, a window at a time; windows are then packed by any number, those of
several files into one slice, so that every batch is full.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from math import ceil
from pathlib import Path

from actors.errors import PermanentError
from actors.fetch.local_file import describe_file, read_whole
from actors.rows import SAMPLE_RATE_HZ, Audio, Clip, Slice, VideoId
from configs.settings import Settings

MOST_WINDOWS = 120
"""An hour of speech: more is no better a sample."""
BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """What is listened to."""

    windows: tuple[Slice, ...] = field(repr=False)
    """Each a slice of one window."""
    audio_s: float
    """Of the recordings, pauses included."""

    @property
    def speech_s(self) -> float:
        return sum(window.speech_s for window in self.windows)

    @property
    def audio_per_speech(self) -> float:
        """Seconds of recording for each second of speech: speeds are told in hours of recording."""
        return self.audio_s / self.speech_s


def take_sample(files: Iterable[Path], settings: Settings, models_dir: Path) -> Sample:
    """Decode and cut files, at most an hour of their speech.

    Raises:
        EarmarkError: a file can't be read, is no media or holds no speech.
    """
    from actors.speech.models import clip_window_s
    from actors.speech.prepare import Preparer

    recogniser = settings.transcribe
    window_s = settings.prepare.clip_max_s or clip_window_s(recogniser.model, models_dir, recogniser.revision)
    one_window = settings.prepare.model_copy(update={"slice_max_clips": 1})
    prepare = Preparer(one_window, window_s, recogniser.language)
    windows: list[Slice] = []
    audio_s = 0.0
    for file in files:
        meta = describe_file(file, file.absolute().as_uri())
        content = read_whole(file, settings.download.max_bytes)
        heard_to_s = 0.0
        for window in prepare(Audio(VideoId(file.name), 0, meta, content, file.suffix.removeprefix("."))):
            windows.append(replace(window, n_slices=None, decoded_s=None))
            heard_to_s = window.decoded_s or window.clips[-1].end_s
            if len(windows) == MOST_WINDOWS:
                break
        audio_s += heard_to_s
        if len(windows) == MOST_WINDOWS:
            break
    if not windows:
        raise PermanentError("no audio was named", code="no_audio", remedy="Name files after --audio")
    return Sample(tuple(windows), audio_s)


def packed(windows: Sequence[Slice], batch: int) -> list[Slice]:
    """Slices of exactly so many windows. Where the last one isn't full the first windows come once more."""
    n_slices = ceil(len(windows) / batch)
    supply = cycle(windows)
    return [joined(list(islice(supply, batch)), ordinal) for ordinal in range(n_slices)]


def joined(windows: Sequence[Slice], ordinal: int) -> Slice:
    """One slice of these, their sound one after another; each keeps its times on its own recording's clock."""
    clips: list[Clip] = []
    offset_s = 0.0
    for window in windows:
        clips += [replace(clip, offset_s=clip.offset_s + offset_s) for clip in window.clips]
        offset_s += len(window.pcm) / BYTES_PER_SAMPLE / SAMPLE_RATE_HZ
    first = windows[0]
    return replace(
        first, ordinal=ordinal, clips=tuple(clips), pcm=b"".join(window.pcm for window in windows),
        windows=tuple(len(window.clips) for window in windows),
    )  # fmt: skip
