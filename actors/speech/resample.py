"""From decoded frames of any shape to 16 kHz mono samples.

Owns FFmpeg's resampler and the frames that wait for it: codecs give 20 ms at a time, and a call for
each costs more than the resampling. Fifty together halve the time of decoding and give the same samples.
"""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from actors.rows import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.int16]

TOGETHER_S = 1.0
"""Sound that goes through the resampler in one call."""


class Resampler:
    """Takes the frames of one stream, which may change its rate or layout on the way."""

    def __init__(self) -> None:
        self._shape: tuple[str, str, int] | None = None
        self._waiting: Any = None
        self._resampler: Any = None

    def push(self, frame: Any) -> Iterator[Samples]:
        """Add a frame; gives samples, int16, shape ``(n,)``, whenever enough have come together."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self.finish()
            self._shape, self._waiting = shape, av.AudioFifo()
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        frame.pts = None  # the timeline has judged it; FIFO and resampler would take it at its word
        self._waiting.write(frame)
        if self._waiting.samples >= TOGETHER_S * frame.sample_rate:
            yield from self.drain()

    def drain(self) -> Iterator[Samples]:
        """What waits, but for the few samples that the resampler needs to go on smoothly."""
        together = self._waiting.read() if self._waiting is not None else None
        if together is not None:
            yield from _arrays(self._resampler.resample(together))

    def finish(self) -> Iterator[Samples]:
        """All that is left; frames of another shape may follow."""
        yield from self.drain()
        if self._resampler is not None:
            yield from _arrays(self._resampler.resample(None))
            self._resampler = self._waiting = self._shape = None


def _arrays(frames: list[Any]) -> Iterator[Samples]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1)
