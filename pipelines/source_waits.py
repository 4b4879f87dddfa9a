"""How long a run waited for nothing but its sources' budgets. Pure: fed with what is seen of its queue.

What waits for a permit waits on the queue, before the line: no stage works at it or is paused over it, they only
starve. So it is counted where it waits.
"""

import threading
from typing import Any

from actors.fetch.asker import YOUTUBE
from actors.store.outlook import Outlook

CAUSES = ("youtube", "other_sources")
"""As ``planning.TURN`` names these limits."""
LONGEST_S = 30.0
"""What lies between two looks further apart, while the database was away, isn't known."""
MOST_SITES = 20
ROUND = 2


class SourceWaits:
    """One run's; one thread may look while another one reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at_s: float | None = None
        self._waited_s = dict.fromkeys(CAUSES, 0.0)
        self._held_s = dict.fromkeys(CAUSES, 0.0)
        self._by_site: dict[str, float] = {}

    def look(self, at_s: float, outlook: Outlook, look_ahead: int) -> None:
        """
        Args:
            at_s: on a clock that only goes forward.
            look_ahead: most videos that the line takes before they are prepared.
        """
        passed_s = 0.0 if self._looked_at_s is None else at_s - self._looked_at_s
        self._looked_at_s = at_s
        if not 0 < passed_s <= LONGEST_S:
            return
        barred = {hold.site for hold in outlook.holds if not hold.given_up}
        ahead = [group for group in outlook.groups if group.phase == "fetching"]
        waiting = {group.site for group in outlook.groups if group.phase == "pending"} & barred
        held = waiting | ({group.site for group in ahead} & barred)
        if sum(group.n for group in ahead) >= look_ahead:
            waiting = set()  # the line could take no other video either
        with self._lock:
            for cause in {_cause(site) for site in held}:
                self._held_s[cause] += passed_s
            for cause in {_cause(site) for site in waiting}:
                self._waited_s[cause] += passed_s
            for site in waiting:
                self._by_site[site] = self._by_site.get(site, 0.0) + passed_s

    def document(self) -> dict[str, Any]:
        """By cause: ``waited_s``, the seconds in which videos on the queue waited for a permission to ask while the
        line had room for them; ``held_s``, those in which any video that isn't fetched yet had a source that
        might not be asked; and ``sites``, the seconds waited for each, those waited for longest first."""
        with self._lock:
            return {
                cause: {
                    "waited_s": round(self._waited_s[cause], ROUND),
                    "held_s": round(self._held_s[cause], ROUND),
                    "sites": self._longest(cause),
                }
                for cause in CAUSES
            }

    def _longest(self, cause: str) -> dict[str, float]:
        of_cause = [site for site in self._by_site if _cause(site) == cause]
        longest = sorted(of_cause, key=lambda site: -self._by_site[site])[:MOST_SITES]
        return {site: round(self._by_site[site], ROUND) for site in longest}


def _cause(site: str) -> str:
    return "youtube" if site == YOUTUBE else "other_sources"
