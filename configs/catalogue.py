"""Which profiles ship. Apart from ``load.py`` so that ``--help`` need not import pydantic."""

from pathlib import Path

PROFILES_DIR = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "balanced"


class SettingsError(ValueError):
    """A setting that doesn't exist, is malformed or out of bounds; the message names it."""


def profiles() -> list[str]:
    """Names of the profiles that ship, sorted."""
    return sorted(path.stem for path in PROFILES_DIR.glob("*.yaml"))
