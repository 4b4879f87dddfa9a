"""All that is kept of an enrolled voice: its profile, and how that came about.

Plain data between enrolment, the database and an export. Nothing here shows a vector in its ``repr``.
"""

from dataclasses import dataclass, field
from datetime import datetime

from actors.voices.profile import Profile


@dataclass(frozen=True, slots=True)
class VoiceSource:
    """Where a voice was heard."""

    source: str
    """The URL without secrets, or the name of a file."""
    title: str
    speech_s: float
    n_windows: int
    from_s: float | None = None
    """Where listening began, if not at the start; seconds."""
    to_s: float | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a threshold rests on. Shares are of windows, 0 to 1."""

    basis: str
    """In a sentence: measured, or a default and why."""
    eer: float | None
    """Equal-error rate of own held-out windows and windows of others; ``None``: there were no others."""
    n_own: int
    n_other: int
    n_other_voices: int
    n_set_aside: int
    """Windows of the corpus so near this voice that they may be its own: they count for nothing."""
    missed: float
    """Share of own held-out windows that lie under the threshold."""
    mistaken: float | None
    """Share of windows of others that reach the threshold; ``None``: there were no others."""
    nearest: str | None = None
    """The enrolled voice that is most like this one."""
    nearest_score: float | None = None
    """Cosine of the two centroids."""


@dataclass(frozen=True, slots=True)
class Voice:
    """An enrolled voice."""

    profile: Profile
    revision: str | None
    """Of a model from the hub."""
    calibration: Calibration
    sources: tuple[VoiceSource, ...]
    speech_s: float
    window_s: float
    hop_s: float
    created_at: datetime | None = field(default=None, compare=False)
    """When it was enrolled; ``None``: it hasn't been kept yet."""

    @property
    def name(self) -> str:
        return self.profile.name
