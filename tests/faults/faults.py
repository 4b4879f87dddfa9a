"""What can be done to a run, and which of it is done when: a deck of faults, dealt by a seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipelines import progress

STAGES = ("Claim", *progress.STAGES)


class Kind(StrEnum):
    """One thing that goes wrong."""

    ACTOR = "SIGKILL of an actor"
    RAYLET = "SIGKILL of the raylet"
    DRIVER = "SIGKILL of the driver"
    EVERYTHING = "SIGKILL of everything"
    SIGTERM = "SIGTERM of the driver"
    CTRL_C = "Ctrl-C"
    DATABASE_STOPPED = "database stopped"
    DATABASE_KILLED = "database killed in a transaction"
    SERVER_GONE = "download server gone"
    SERVER_SILENT = "download server silent"
    DISK_FULL = "disk full"
    OUT_OF_MEMORY = "out of GPU memory"
    DEAD_DEVICE = "GPU dead"


EXIT_CODES: dict[Kind, int] = {
    Kind.RAYLET: 1,
    Kind.DRIVER: -9,
    Kind.EVERYTHING: -9,
    Kind.SIGTERM: 130,
    Kind.CTRL_C: 130,
}
"""How a run must end that is ended by a fault; by any other it isn't."""

PUTS_OFF = frozenset(
    {Kind.SERVER_GONE, Kind.SERVER_SILENT, Kind.DISK_FULL, Kind.OUT_OF_MEMORY, Kind.DEAD_DEVICE}
)
"""What may make videos fail for now: a run that doesn't wait for them ends with 1 and names them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and its moment."""

    number: int
    kind: Kind
    stage: str = ""
    """Whose actor is killed."""
    delay_s: float = 0.0
    """From the moment that the fault before it was over, or the run's work began."""
    starting: bool = False
    """The delay counts from the start of the process instead: the engine and the models are loading."""
    on_work: bool = False
    """Waits a while until there is work in hand that it can cost: a slice, or the actor's row."""

    @property
    def ends_run(self) -> bool:
        return self.kind in EXIT_CODES

    @property
    def costs_slices(self) -> bool:
        """Whether slices that are in hand may have to be transcribed again. A source that dies ends its pass;
        of an answer that a dead database didn't give nobody knows whether the work had begun."""
        if self.kind is Kind.ACTOR:
            return self.stage in ("Claim", "Transcribe")
        return self.kind not in (Kind.SERVER_GONE, Kind.SERVER_SILENT, Kind.DISK_FULL)

    def __str__(self) -> str:
        return f"{self.kind}{f' of {self.stage}' if self.stage else ''}"


Card = tuple[Kind, str]
DECK: tuple[Card, ...] = (
    *((Kind.ACTOR, stage) for stage in STAGES),
    *((kind, "") for kind in Kind if kind is not Kind.ACTOR),
)


def deal(seed: int, n: int) -> list[Fault]:
    """``n`` faults: the whole deck in random order, then again in another."""
    rng = random.Random(seed)
    cards: list[Card] = []
    while len(cards) < n:
        cards += rng.sample(DECK, len(DECK))
    return time_faults(rng, cards[:n])


def time_faults(rng: random.Random, cards: Sequence[Card]) -> list[Fault]:
    """Give each card its moment."""
    faults = []
    for number, (kind, stage) in enumerate(cards, start=1):
        starting = kind in EXIT_CODES and rng.random() < 0.15
        delay_s = rng.uniform(0.5, 15.0) if starting else rng.uniform(0.2, 6.0)
        faults.append(Fault(number, kind, stage, round(delay_s, 1), starting, rng.random() < 0.7))
    return faults
