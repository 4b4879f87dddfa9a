"""The prepare stage: a video's compressed audio in, slices of speech out, while it is still decoding.

Owns the order of the work and the samples that wait for a slice. What is speech, where to cut and
whether the file is whole are decided elsewhere. Memory doesn't grow with the length of the recording:
beside the compressed bytes it holds a few minutes of samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from actors.errors import Rejected
from actors.rows import SAMPLE_RATE_HZ, Audio, Clip, Slice
from actors.speech.clips import ClipRules, Window, WindowPacker, clip_rules
from actors.speech.decode import AudioDecoder
from actors.speech.resample import Samples
from actors.speech.spans import Span, SpanFinder
from actors.speech.vad import Curve, SpeechDetector
from configs.settings import PrepareSettings


class Preparer:
    """Cuts recordings into slices. Keeps nothing between two of them.

    Args:
        settings: the stage's settings.
        window_s: the recogniser's window in seconds, see ``models.clip_window_s``.
        language: ISO code that the user fixed for all videos; ``None``: what the video's source says.
    """

    def __init__(self, settings: PrepareSettings, window_s: float, language: str | None) -> None:
        self._rules: ClipRules = clip_rules(settings, window_s)
        self._threshold = settings.vad_threshold
        self._max_windows = settings.slice_max_clips
        self._language = language

    def __call__(self, audio: Audio, skip: frozenset[int] = frozenset()) -> Iterator[Slice]:
        """The video's slices in order; the same ones however often it is called.

        Args:
            audio: the compressed track.
            skip: ordinals that the ledger has already. They are cut as ever and not given, the last
                one of the video included.

        Raises:
            Rejected: ``no_audio`` or ``no_speech``.
            PermanentError: ``not_media`` or ``undecodable``.
            TransientError: ``truncated``. This and ``undecodable`` also after slices were given, but
                never after the last one: a video is not complete before it is known to be whole.
        """
        decoder = AudioDecoder(audio)
        language = self._language or audio.meta.language
        n_slices = 0
        for windows, is_last in self._batches(decoder):
            ordinal, n_slices = n_slices, n_slices + 1
            if ordinal not in skip:
                piece = _slice(audio, ordinal, windows, language)
                # Only the last one says how many there are.
                yield replace(piece, n_slices=n_slices, decoded_s=decoder.decoded_s) if is_last else piece
        if n_slices == 0:
            raise Rejected(
                f"There is no speech in {decoder.decoded_s:.0f} s of audio",
                code="no_speech",
                remedy="If there is, lower prepare.vad_threshold",
            )

    def _batches(self, decoder: AudioDecoder) -> Iterator[tuple[list["CutWindow"], bool]]:
        """Windows by the number that makes a slice, and whether they are the video's last: a full batch
        is given as soon as one more window is found, the last one when the file is known to be whole."""
        batch: list[CutWindow] = []
        for window in self._windows(decoder):
            if len(batch) == self._max_windows:
                yield batch, False
                batch = []
            batch.append(window)
        if batch:
            yield batch, True

    def _windows(self, decoder: AudioDecoder) -> Iterator["CutWindow"]:
        detector, held = SpeechDetector(), HeldSamples()
        finder, packer = SpanFinder(self._rules.spans(self._threshold)), WindowPacker(self._rules)

        def found(curves: tuple[Curve, Curve]) -> Iterator[Window]:
            for span in finder.push(*curves):
                yield from packer.push(span)

        for block in decoder:
            held.append(block)
            for window in found(detector.push(block)):
                yield CutWindow.of(window, held)
            for window in packer.pass_by(_next_span_from(finder)):
                yield CutWindow.of(window, held)
            held.drop_before(self._first_needed(finder, packer))
        for window in found(detector.finish()):
            yield CutWindow.of(window, held)
        for span in finder.finish(held.end):
            for window in packer.push(span):
                yield CutWindow.of(window, held)
        for window in packer.finish(held.end):
            yield CutWindow.of(window, held)

    def _first_needed(self, finder: SpanFinder, packer: WindowPacker) -> int:
        waiting = packer.first_needed
        coming = _next_span_from(finder) - self._rules.pad
        return coming if waiting is None else min(waiting, coming)


@dataclass(frozen=True, slots=True)
class CutWindow:
    """A window with its sound."""

    clips: Window
    pcm: tuple[Samples, ...]
    """Of each clip, int16."""

    @classmethod
    def of(cls, window: Window, held: "HeldSamples") -> "CutWindow":
        return cls(window, tuple(held.take(clip) for clip in window))


@dataclass(slots=True)
class HeldSamples:
    """The latest samples of the recording, found by their number in it."""

    start: int = 0
    end: int = 0
    _blocks: list[Samples] = field(default_factory=list)

    def append(self, block: Samples) -> None:
        self._blocks.append(block)
        self.end += len(block)

    def take(self, span: Span) -> Samples:
        """A copy of ``[span.start, span.end)``, which must not have been dropped."""
        parts, at = [], self.start
        for block in self._blocks:
            parts.append(block[max(0, span.start - at) : max(0, span.end - at)])
            at += len(block)
        return np.concatenate(parts)

    def drop_before(self, sample: int) -> None:
        """Forget whole blocks that end before it."""
        while self._blocks and self.start + len(self._blocks[0]) <= sample:
            self.start += len(self._blocks.pop(0))


def _next_span_from(finder: SpanFinder) -> int:
    """No span that is still to come begins before this sample."""
    return finder.position if finder.open_start is None else finder.open_start


def _slice(audio: Audio, ordinal: int, windows: list[CutWindow], language: str | None) -> Slice:
    clips, offset = [], 0
    for window in windows:
        for span in window.clips:
            clips.append(
                Clip(span.start / SAMPLE_RATE_HZ, span.end / SAMPLE_RATE_HZ, offset / SAMPLE_RATE_HZ)
            )
            offset += span.n_samples
    # Arrays are joined as the bytes they are, without a copy in between.
    pcm = b"".join(np.ascontiguousarray(part, "<i2").data for window in windows for part in window.pcm)
    return Slice(
        video_id=audio.video_id,
        fence=audio.fence,
        ordinal=ordinal,
        clips=tuple(clips),
        pcm=pcm,
        language=language,
        windows=tuple(len(window.clips) for window in windows),
    )
