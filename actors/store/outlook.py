"""What a run has before it, and whether to wait for it. Pure: from counts and times to a decision.

Owns when a run ends. It ends when nothing is on the queue or in hand, and no failure of the moment is due
within its patience. A source that is given up counts as ended: what is asked of it stays on the queue.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Videos of one source that wait for the same thing."""

    site: str
    phase: str
    """``pending``, ``failed`` (for now), ``fetching`` (claimed and not prepared yet) or ``working``."""
    code: str | None
    n: int
    due_in_s: float
    """Seconds until the first of them may be taken; 0 where they are in hand."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A source that may not be asked at this moment."""

    site: str
    left_s: float
    """Seconds until it may be asked again."""
    is_pause: bool
    """It turned us away; else it is only asked no more often than it may be."""
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """A run's queue at one moment."""

    groups: tuple[Group, ...]
    holds: tuple[Hold, ...] = ()

    @property
    def waiting(self) -> tuple[Group, ...]:
        """What could be taken later, soonest first, with the time at which its source may be asked."""
        held = {hold.site: hold for hold in self.holds}
        found = [
            Group(group.site, group.phase, group.code, group.n, _due_in_s(group, held.get(group.site)))
            for group in self.groups
            if group.phase in ("pending", "failed") and not self._gave_up(group)
        ]
        return tuple(sorted(found, key=lambda group: group.due_in_s))

    @property
    def only_waits(self) -> bool:
        """Whether nothing is in hand, and nothing will be before some time has passed."""
        waiting = self.waiting
        return bool(waiting) and waiting[0].due_in_s > 0 and not self._in_hand("fetching", "working")

    def exhausted(self, patience_s: float) -> bool:
        """Whether this run takes nothing more.

        Not while something is being fetched: an address may turn out a list, and most failures of the
        moment happen there. Once the rest is past that, the run waits for it only if a failure is left
        that may become due meanwhile.
        """
        waiting = self.waiting
        if self._in_hand("fetching") or any(group.phase == "pending" for group in waiting):
            return False
        return not waiting or (waiting[0].due_in_s > patience_s and not self._in_hand("working"))

    def pause_s(self, shortest_s: float, longest_s: float) -> float:
        """Seconds after which to look again: no later than something is due, never in a busy loop.

        What is only worked on brings nothing at once: if it fails, it waits first.
        """
        waiting = self.waiting
        if not waiting or self._in_hand("fetching"):
            return shortest_s
        return min(max(waiting[0].due_in_s, shortest_s), longest_s)

    def _in_hand(self, *phases: str) -> bool:
        return any(group.phase in phases for group in self.groups)

    def _gave_up(self, group: Group) -> bool:
        return any(hold.given_up and hold.site == group.site for hold in self.holds)


def _due_in_s(group: Group, hold: Hold | None) -> float:
    return max(group.due_in_s, hold.left_s if hold else 0.0)
