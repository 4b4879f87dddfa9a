"""Keeps decoded sound on the video's clock.

Owns the decision how much silence a jump of timestamps stands for. Pure arithmetic: knows nothing of
containers or samples. A link into a video opens at the container's clock, so sound that is missing
in the middle must leave a hole of its own length; timestamps that are plainly wrong must not.
"""

from dataclasses import dataclass

JITTER_S = 0.25
"""Differences up to this are rounding, encoder delay or drift. Half of what a deep link may be off."""

MAX_GAP_S = 60.0
"""A longer jump is a broken timestamp, unless the promised duration has room for it."""

MAX_PROMISED_GAP_S = 3600.0
"""No jump beyond this is believed: a header can promise anything."""


@dataclass(slots=True)
class Timeline:
    """The clock of one decoding: where the next sample belongs.

    Args:
        promised_s: the duration that the container states, in seconds, if it does.
    """

    promised_s: float | None = None
    position_s: float = 0.0
    """End of what has been decoded or filled, from the video's start."""
    silence_s: float = 0.0
    """How much of it was filled with silence."""
    _origin_s: float | None = None
    """The timestamp that stands for position zero; moves where timestamps jump back."""

    def begin(self, container_start_s: float | None, first_s: float | None) -> None:
        """Set the clock's zero: the container's start if the first frame is near it, else that frame.

        A track that begins after the picture thereby keeps its delay; a recording cut out of a
        stream that had run for days begins at zero.
        """
        if first_s is None:
            return
        near = container_start_s is not None and 0 <= first_s - container_start_s <= MAX_GAP_S
        self._origin_s = container_start_s if near else first_s

    def silence_before(self, frame_s: float | None) -> float:
        """Seconds of silence to put before a frame with this timestamp: 0.0, or more than JITTER_S.

        A jump back (a chained file, a wrapped clock) moves the clock's origin and removes nothing.
        """
        if frame_s is None or self._origin_s is None:
            return 0.0
        ahead_s = frame_s - self._origin_s - self.position_s
        if abs(ahead_s) <= JITTER_S:
            return 0.0
        if 0 < ahead_s <= self._largest_gap_s():
            self.position_s += ahead_s
            self.silence_s += ahead_s
            return ahead_s
        self._origin_s += ahead_s
        return 0.0

    def advance(self, duration_s: float) -> None:
        """Count a decoded frame of this length."""
        self.position_s += duration_s

    def restart(self) -> None:
        """Forget the origin: another link of a chained file begins, with timestamps of its own."""
        self._origin_s = None

    def _largest_gap_s(self) -> float:
        room_s = (self.promised_s or 0.0) - self.position_s
        return max(MAX_GAP_S, min(room_s, MAX_PROMISED_GAP_S))
