"""From stretches of speech to clips, and from clips to the windows that Whisper takes at a time.

Owns where a recording is cut, and how much silence is kept. Pure arithmetic on sample numbers: knows
nothing of models, PCM or rows.

A *clip* is unbroken on the video's clock. Pauses of at least ``min_silence`` are left out but for the
padding on both sides; the clips on both sides of one share a *window* while they fit, as
faster-whisper's own batched path joins them, since the GPU computes 30 s for a window however little
is in it. (Pauses left in were tried and lose text: with pauses of 2 s and more inside a window the
small model drops what follows, 40–75 % of the words; up to 1.5 s it doesn't.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from actors.rows import SAMPLE_RATE_HZ
from actors.speech.spans import BREATH_SAMPLES, LATE_SHARE, Span, SpanRules
from configs.settings import PrepareSettings

MIN_SPEECH_SAMPLES = BREATH_SAMPLES
"""Sound between two silences that is shorter is a click: no word takes less than 96 ms."""

WINDOW_REACH = 4
"""A window takes clips from at most this many times its length of the video, so that the samples
that wait for it stay few (two minutes) however sparse the speech is."""

Window = tuple[Span, ...]
"""Clips in order, not overlapping, together no longer than the model's window."""


@dataclass(frozen=True, slots=True)
class ClipRules:
    """All in samples."""

    window: int
    """What the model takes at once; no clip and no window is longer."""
    min_silence: int
    """A pause from which silence is left out, and the first choice for a cut."""
    pad: int
    """Silence kept before and after speech; where two clips would overlap they meet in the middle."""

    def spans(self, threshold: float) -> SpanRules:
        """Rules under which every span fits into a window with its padding."""
        return SpanRules(threshold=threshold, max_samples=self.window - 2 * self.pad)

    def kept(self, gap: int) -> int:
        """How much of a pause between two spans of one window is kept."""
        return gap if gap < self.min_silence else min(gap, 2 * self.pad)


def clip_rules(settings: PrepareSettings, window_s: float) -> ClipRules:
    """The rules that the settings make for a model whose window is ``window_s`` seconds.

    The padding is cut to a quarter of the window, or there were no room for speech.
    """
    longest_s = min(window_s, settings.clip_max_s or window_s)
    window = int(longest_s * SAMPLE_RATE_HZ)
    return ClipRules(
        window=window,
        min_silence=settings.min_silence_ms * SAMPLE_RATE_HZ // 1000,
        pad=min(settings.speech_pad_ms * SAMPLE_RATE_HZ // 1000, window // 4),
    )


@dataclass(slots=True)
class WindowPacker:
    """Takes spans in order, gives windows as soon as they are certain."""

    rules: ClipRules
    _pending: list[Span] = field(default_factory=list)
    _previous_end: int = 0
    """End of the last span that was given away."""

    @property
    def first_needed(self) -> int | None:
        """First sample that a window not yet given will need; ``None`` if no span waits."""
        return max(0, self._pending[0].start - self.rules.pad) if self._pending else None

    def push(self, span: Span) -> Iterator[Window]:
        """Add the next span; at most ``rules.window - 2 * rules.pad`` long, behind all before it."""
        yield from self.pass_by(span.start)
        while self._pending and self._is_too_much(span):
            yield from self._give(self._best_cut(span), span.start)
        self._pending.append(span)

    def pass_by(self, position: int) -> Iterator[Window]:
        """Say that no span begins before this sample any more. What is given, and how it is padded,
        doesn't depend on how often that is said."""
        if not self._pending or position - self._pending[0].start <= WINDOW_REACH * self.rules.window:
            return
        if position - self._pending[-1].end >= 2 * self.rules.pad:
            yield from self._give(len(self._pending), position)

    def finish(self, n_samples: int) -> Iterator[Window]:
        """What is left. ``n_samples``: the recording's length."""
        if self._pending:
            # The recording's end is no neighbour that padding would be shared with.
            last_end = self._pending[-1].end
            yield from self._give(len(self._pending), last_end + 2 * (n_samples - last_end))

    def _is_too_much(self, span: Span) -> bool:
        too_far = span.start - self._pending[0].start > WINDOW_REACH * self.rules.window
        return too_far or _length([*self._pending, span], self.rules) > self.rules.window

    def _best_cut(self, following: Span) -> int:
        """How many of the waiting spans the window takes, of which one more would be too many.

        In the last third of the window: the last real silence, else the longest breath. Before it:
        the last place there is.
        """
        rules, spans = self.rules, [*self._pending, following]
        late = [n for n in range(1, len(spans)) if _length(spans[:n], rules) >= LATE_SHARE * rules.window]
        gaps = {n: spans[n].start - spans[n - 1].end for n in late}
        silences = [n for n in late if gaps[n] >= rules.min_silence]
        if silences:
            return silences[-1]
        return max(late, key=lambda n: (gaps[n], n), default=len(self._pending))

    def _give(self, n_spans: int, next_start: int) -> Iterator[Window]:
        given, self._pending = self._pending[:n_spans], self._pending[n_spans:]
        after = self._pending[0].start if self._pending else next_start
        window = _clips(given, self._previous_end, after, self.rules)
        self._previous_end = given[-1].end
        if window:
            yield window


def pack(spans: Iterable[Span], rules: ClipRules, n_samples: int) -> list[Window]:
    """The windows for a whole recording of ``n_samples`` samples; see ``WindowPacker``."""
    packer = WindowPacker(rules)
    windows = [window for span in spans for window in packer.push(span)]
    return [*windows, *packer.finish(n_samples)]


def _length(spans: list[Span], rules: ClipRules) -> int:
    """Samples of a window that holds these spans, padding included."""
    gaps = sum(rules.kept(right.start - left.end) for left, right in pairwise(spans))
    return sum(span.n_samples for span in spans) + gaps + 2 * rules.pad


def _clips(spans: list[Span], before: int, after: int, rules: ClipRules) -> Window:
    """The spans as padded clips: one for all that no left-out silence parts.

    Args:
        before: end of the span before the first, or the recording's start.
        after: start of the span behind the last.
    """
    groups: list[list[Span]] = []
    for span in spans:
        gap = span.start - groups[-1][-1].end if groups else 0
        if groups and rules.kept(gap) == gap:
            groups[-1].append(span)
        else:
            groups.append([span])
    ends = [before, *(group[-1].end for group in groups)]
    starts = [*(group[0].start for group in groups), after]
    clips = []
    for index, group in enumerate(groups):
        start, end = group[0].start, group[-1].end
        gaps = (start - ends[index], starts[index + 1] - end)
        is_alone = all(rules.kept(gap) < gap for gap in gaps)
        if is_alone and sum(span.n_samples for span in group) < MIN_SPEECH_SAMPLES:
            continue
        # Zero is the recording's start, which padding isn't shared with.
        room_before = gaps[0] if ends[index] else 2 * start
        clips.append(
            Span(
                start - min(rules.pad, room_before // 2),
                end + min(rules.pad, gaps[1] // 2),
            )
        )
    return tuple(clips)
