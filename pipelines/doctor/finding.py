"""What a check is and what it finds. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from configs.home import Home
from configs.settings import Settings

Level = Literal["ok", "warning", "wrong"]
LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    check: str
    level: Level
    """``warning``: a run works, and not as well as it could. ``wrong``: a run with these settings fails."""
    said: str
    """What was looked at and what it is like; no secret."""
    remedy: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the checks look at."""

    settings: Settings
    home: Home


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at."""

    name: str
    look: Callable[[Surroundings], Iterable[Finding]]
    """What it raises is a finding too; what it gave before that counts."""
    limit_s: float = LIMIT_S


def ok(check: str, said: str) -> Finding:
    return Finding(check, "ok", said)


def warning(check: str, said: str, remedy: str) -> Finding:
    return Finding(check, "warning", said, remedy)


def wrong(check: str, said: str, remedy: str) -> Finding:
    return Finding(check, "wrong", said, remedy)
