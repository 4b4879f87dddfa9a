"""``--where KEY=VALUE``: which stored videos are to be done again. Pure: text in, values of a query out.

Owns the keys, what each takes, and the refusal of anything else. The query stands in
``queries/redo.sql``; values reach it as parameters only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta

from actors.errors import ConfigError

KEYS = {
    "video": "a video's id",
    "channel": "a channel's name or id",
    "language": "ISO code, for example en",
    "since": "published on this day or later, YYYY-MM-DD",
    "until": "published on this day or earlier, YYYY-MM-DD",
    "model": "the ASR model that made the text, by its whole name or its last part",
    "recipe": "a recipe's hash as `status` gives it, or other: not the one of the settings",
    "flag": "a segment carries this flag",
    "speaker": "a segment is by this speaker",
    "unheard": "yes: some of its speech has no speaker since its voices were not heard, or not all of them",
    "status": "pending, stored, skipped or failed: how the last attempt stands",
}
REPEATABLE = {"flag": "flags", "speaker": "speakers"}
OTHER = "other"
_STATUSES = ("pending", "stored", "skipped", "failed")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_RECIPE = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Conditions:
    """All must hold; ``None`` and an empty tuple ask for nothing."""

    video: str | None = None
    channel: str | None = None
    """Name or id, upper and lower case alike."""
    language: str | None = None
    since: datetime | None = None
    """Published at or after."""
    until: datetime | None = None
    """Published before."""
    model: str | None = None
    recipe: str | None = None
    not_recipe: str | None = None
    flags: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    status: str | None = None
    unheard: bool = False

    def values(self) -> dict[str, object]:
        """Parameters of the query."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


@dataclass(slots=True)
class _Given:
    single: dict[str, str] = field(default_factory=dict)
    several: dict[str, tuple[str, ...]] = field(default_factory=dict)


def parse_conditions(pairs: Sequence[str], *, recipe: str) -> Conditions:
    """What the user asked for.

    Args:
        pairs: each ``KEY=VALUE``.
        recipe: of the settings in force, for ``recipe=other``.

    Raises:
        ConfigError: an unknown key, a value that the key doesn't take, or two values that can't both hold.
    """
    given = _Given()
    for pair in pairs:
        key, found, value = pair.partition("=")
        key, value = key.strip(), value.strip()
        if not found or key not in KEYS or not value:
            raise _refusal(f"--where {pair}: expected KEY=VALUE with one of these keys")
        if key in REPEATABLE:
            name = REPEATABLE[key]
            given.several[name] = (*given.several.get(name, ()), value)
        elif given.single.setdefault(key, value) != value:
            raise _refusal(f"--where: {key} can't be both {given.single[key]} and {value}")
    single = given.single
    return Conditions(
        video=single.get("video"),
        channel=single.get("channel"),
        language=_matching("language", single.get("language"), _LANGUAGE),
        since=_day("since", single.get("since")),
        until=_day_after(_day("until", single.get("until"))),
        model=single.get("model"),
        recipe=_recipe(single.get("recipe")),
        not_recipe=recipe if single.get("recipe") == OTHER else None,
        status=_one_of("status", single.get("status"), _STATUSES),
        unheard=_one_of("unheard", single.get("unheard"), ("yes",)) is not None,
        **given.several,
    )


def _recipe(value: str | None) -> str | None:
    return None if value == OTHER else _matching("recipe", value, _RECIPE)


def _matching(key: str, value: str | None, pattern: re.Pattern[str]) -> str | None:
    if value is not None and not pattern.fullmatch(value):
        raise _refusal(f"--where {key}={value}: that is no {key}")
    return value


def _one_of(key: str, value: str | None, allowed: Sequence[str]) -> str | None:
    if value is not None and value not in allowed:
        raise _refusal(f"--where {key}={value}: that is no {key}")
    return value


def _day(key: str, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise _refusal(f"--where {key}={value}: that is no day") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day_after(day: datetime | None) -> datetime | None:
    """The last day counts whole."""
    return None if day is None else day + timedelta(days=1)


def _refusal(message: str) -> ConfigError:
    listed = "; ".join(f"{key} ({meaning})" for key, meaning in KEYS.items())
    return ConfigError(message, code="bad_condition", remedy=f"Keys are: {listed}")
