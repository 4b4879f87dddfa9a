"""How a run stands, in numbers. Plain data; ``Ledger.counts`` fills it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Where the videos stand that a run asked for.

    ``asked`` = pending + running + held_elsewhere + stored + skipped + lists + failed (what the run
    works on) + stored_before + skipped_before + failed_before + not_due (what it passes over).
    """

    asked: int
    pending: int
    running: int
    held_elsewhere: int
    """Running, and in another run's hands."""
    stored: int
    skipped: int
    lists: int
    """Playlists and channels taken apart: no videos themselves."""
    failed: int
    stored_before: int
    skipped_before: int
    failed_before: int
    not_due: int
    stored_audio_s: float
    """Audio of the videos stored."""
    transcribed_speech_s: float
    """Speech in the slices that this run transcribed: the measure of progress between videos."""
    known_audio_s: float
    """Audio of all videos pending, running or stored, as far as their length is known yet."""
    n_known_audio: int
    """Videos whose length that is."""

    @property
    def to_do(self) -> int:
        """Videos that the run works on, lists not counted."""
        return self.asked - self.lists - self.passed_over

    @property
    def settled(self) -> int:
        """Of these the ones that have come to an end."""
        return self.stored + self.skipped + self.failed

    @property
    def passed_over(self) -> int:
        return self.stored_before + self.skipped_before + self.failed_before + self.not_due
