"""What another recipe means for the videos of a run, in words and as data. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.store.recipes import OtherRecipe


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that had another value."""

    setting: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class RecipeChange:
    """The videos of a run that other settings made or began."""

    recipe: str = ""
    """Of the settings in force."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    begun: Sequence[OtherRecipe] = ()
    """Transcribed again from the start."""
    stored: Sequence[OtherRecipe] = ()
    """Left as they are."""

    def document(self) -> dict[str, Any]:
        """As data."""
        return {
            "recipe": self.recipe,
            "begun": [_entry(other, self.settings) for other in self.begun],
            "stored": [_entry(other, self.settings) for other in self.stored],
        }


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """The settings that differ, by name."""
    return [
        Difference(name, was.get(name), now.get(name))
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]


def tell(document: Mapping[str, Any]) -> Iterator[str]:
    """Lines for a person: what will be redone and why, and what won't and how to.

    Args:
        document: as ``RecipeChange.document`` gives it.
    """
    for other in document["begun"]:
        one = other["n_videos"] == 1
        yield (
            f"{_videos(other['n_videos'])} {'was' if one else 'were'} begun with {_made_with(other)}:"
            f" {'it is' if one else 'they are'} transcribed again"
        )
    for other in document["stored"]:
        one = other["n_videos"] == 1
        yield (
            f"{_videos(other['n_videos'], 'stored ')} {'was' if one else 'were'} made with {_made_with(other)}:"
            f" left as {'it is' if one else 'they are'};"
            f" `run.py reprocess --from prepare --where recipe={other['recipe'] or 'other'}` redoes"
            f" {'it' if one else 'them'}"
        )


def _entry(other: OtherRecipe, now: Mapping[str, Any]) -> dict[str, Any]:
    found = differences(other.settings, now) if other.settings is not None else []
    return {
        "recipe": other.recipe,
        "n_videos": other.n_videos,
        "differences": [{"setting": d.setting, "was": d.was, "now": d.now} for d in found],
    }


def _videos(n: int, kind: str = "") -> str:
    return f"{n:,} {kind}video{'' if n == 1 else 's'}"


def _made_with(other: Mapping[str, Any]) -> str:
    changed = [
        f"{each['setting']} {_shown(each['was'])}, now {_shown(each['now'])}" for each in other["differences"]
    ]
    return "; ".join(changed) or f"other settings (recipe {other['recipe'] or 'unknown'})"


def _shown(value: Any) -> str:
    return "unset" if value is None else str(value)
