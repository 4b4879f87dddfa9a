"""How a run ended: counts, times, and what is kept of it in the database. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from actors.rows import RunId
from actors.store.ledger import RunCounts
from actors.store.outlook import Outlook
from actors.store.speakers import Spoken
from actors.store.standing import Asked
from cluster.resources import Hardware
from pipelines.accounts import Accounts, Difference
from pipelines.course import Course, figures
from pipelines.quality import Quality
from pipelines.recipe_change import RecipeChange
from pipelines.tally import Tally


@dataclass(frozen=True)
class Outcome:
    """A run's end."""

    run_id: RunId
    asked: Asked
    counts: RunCounts
    wall_s: float
    """From the run's entry in the ledger to its end, starting and stopping of Ray included."""
    line_s: float
    """From the first row taken in hand to the last one stored; 0 where there was nothing to do."""
    interrupted: bool = False
    stages: dict[str, Tally] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    """The videos that failed, each with code, reason and remedy."""
    accounts: Accounts | None = None
    quality: Quality | None = None
    """``None``: nothing was stored."""
    recipe_change: RecipeChange = field(default_factory=RecipeChange)
    spoken: tuple[Spoken, ...] = ()
    """Hours by speaker of what it stored. Not among the figures that are kept: names would outlive their voices."""
    embed_model: str = ""
    """The one that this run embedded with."""
    search_model: str = ""
    """The one that search uses after it: another one, while that covers more of the corpus."""
    hardware: dict[str, Any] = field(default_factory=dict)
    """What it ran on, as ``hardware_document`` names it: figures count for such a machine only."""
    turned_away: list[dict[str, Any]] = field(default_factory=list)
    """Sources that the run gave up: ``site``, ``videos`` left on the queue, ``until`` when it pauses."""
    course: Course | None = None
    """How it went over time; ``None``: nobody looked."""
    notices: tuple[str, ...] = ()
    """What the stages had to tell of the run as a whole."""

    @property
    def unaccounted(self) -> int:
        """Videos that were to be done and ended neither stored nor skipped nor failed."""
        return self.counts.pending + self.counts.running

    @property
    def differences(self) -> list[Difference]:
        """Everything that does not add up, and every gate that isn't reached."""
        found = list(self.accounts.differences if self.accounts else ())
        return found + list(self.quality.differences if self.quality else ())

    @property
    def speed_h_per_h(self) -> float:
        """Hours of audio stored for each hour of the line."""
        return self.counts.stored_audio_s / self.line_s if self.line_s > 0 else 0.0

    def figures(self) -> dict[str, Any]:
        """What is kept of a run beside its rows."""
        return {
            **figures(
                self.counts,
                self.stages,
                self.course,
                line_s=self.line_s,
                wall_s=self.wall_s,
                hardware=self.hardware,
            ),
            "accounts": self.accounts.document() if self.accounts else None,
            "quality": self.quality.document() if self.quality else None,
            "notices": list(self.notices),
        }


def hardware_document(hardware: Hardware) -> dict[str, Any]:
    """A machine as its runs' figures name it. Of a cluster whose cards were not all up at the start, how many were: its
    figures are of no machine that has them all."""
    named = {"cpus": hardware.n_cpus, "gpus": [gpu.name for gpu in hardware.gpus]}
    n_up = hardware.n_gpus_up
    return named if n_up is None or n_up >= len(hardware.gpus) else named | {"gpus_up": n_up}


def turned_away(outlook: Outlook, now: datetime) -> list[dict[str, Any]]:
    """The sources that a run gave up and what it left on the queue for them."""
    given_up = {hold.site: hold for hold in outlook.holds if hold.given_up}
    left = {
        site: sum(group.n for group in outlook.groups if (group.site, group.phase) == (site, "pending"))
        for site in given_up
    }
    return [
        {"site": site, "videos": n, "until": now + timedelta(seconds=given_up[site].left_s)}
        for site, n in left.items()
        if n
    ]
