"""From a curve of speech probabilities to the stretches where somebody speaks.

Owns the hysteresis between speech and silence, the same as faster-whisper's ``get_speech_timestamps``
(which goes back to snakers4/silero-vad), but as a stream, and the choice of a cut where speech goes on
for longer than a window. Pure arithmetic: knows nothing of models or samples.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from actors.speech.vad import WINDOW_SAMPLES, Curve

NEGATIVE_MARGIN = 0.15
"""Speech ends below the threshold less this, so that a wavering probability doesn't chop it."""

BREATH_SAMPLES = 3 * WINDOW_SAMPLES
"""96 ms: the shortest silence that is reliably no stop consonant. A place to cut, if need be."""

LATE_SHARE = 2 / 3
"""Cuts that must be made are looked for in the last third of what fits: earlier ones waste the rest."""

_QUIET_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of samples, ``[start, end)``, of at least one window."""

    start: int
    end: int

    @property
    def n_samples(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class SpanRules:
    threshold: float
    """Probability from which sound is speech, in (0, 1)."""
    max_samples: int
    """Longest span; speech that goes on is cut at its quietest place."""
    min_silence_samples: int = BREATH_SAMPLES
    """Silence that ends a span."""

    @property
    def negative_threshold(self) -> float:
        return max(self.threshold - NEGATIVE_MARGIN, 0.01)


@dataclass(slots=True)
class SpanFinder:
    """Takes the curve piece by piece; what it finds doesn't depend on the pieces."""

    rules: SpanRules
    position: int = 0
    """Samples seen so far."""
    open_start: int | None = None
    """Where the span that is still going on began."""
    _silence_start: int | None = None
    _loudness: list[float] = field(default_factory=list)
    """Of each window since ``open_start``."""

    def push(self, probabilities: Curve, loudness: Curve) -> list[Span]:
        """Spans that these windows end, in order. The arguments are what ``SpeechDetector`` returns."""
        pairs = zip(probabilities.tolist(), loudness.tolist(), strict=True)
        return [span for pair in pairs for span in self._window(*pair)]

    def finish(self, n_samples: int) -> list[Span]:
        """The span that the recording's end cuts off, if any. ``n_samples``: the recording's length."""
        if self.open_start is None or self.open_start >= n_samples:
            return []
        return [Span(self.open_start, n_samples)]

    def _window(self, probability: float, loudness: float) -> Iterable[Span]:
        at = self.position
        self.position += WINDOW_SAMPLES
        is_speech = probability >= self.rules.threshold
        if self.open_start is None:
            if is_speech:
                self.open_start = at
                self._silence_start = None
                self._loudness = [loudness]
            return
        if at - self.open_start >= self.rules.max_samples:
            yield self._cut()
        self._loudness.append(loudness)
        if is_speech:
            self._silence_start = None
        elif probability < self.rules.negative_threshold:
            if self._silence_start is None:
                self._silence_start = at
            if at - self._silence_start >= self.rules.min_silence_samples:
                if self._silence_start > self.open_start:  # else a forced cut has taken all of it
                    yield Span(self.open_start, self._silence_start)
                self.open_start = None

    def _cut(self) -> Span:
        """End the open span where it is quietest, late enough, and go on behind the cut."""
        assert self.open_start is not None
        start = self.open_start
        n_before = quietest(self._loudness)
        cut = start + n_before * WINDOW_SAMPLES
        self.open_start = cut
        self._loudness = self._loudness[n_before:]
        if self._silence_start is not None and self._silence_start < cut:
            self._silence_start = None
        return Span(start, cut)


def quietest(loudness: list[float]) -> int:
    """Number of windows before the best cut: in the middle of the three quietest neighbours, looked for
    in the last third. Between 1 and ``len(loudness)``."""
    n_windows = len(loudness)
    first = min(max(1, int(LATE_SHARE * n_windows)), n_windows - 1)
    tail = np.asarray(loudness[first:], np.float64)
    if len(tail) < _QUIET_WINDOWS:
        return first + int(np.argmin(tail)) if len(tail) else n_windows
    sums = np.convolve(tail, np.ones(_QUIET_WINDOWS), "valid")
    # Of equals the last one: the clip before it is fuller.
    best = len(sums) - 1 - int(np.argmin(sums[::-1]))
    return first + best + _QUIET_WINDOWS // 2
