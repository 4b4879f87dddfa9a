"""What an enrolled voice may be called: a name that no label given to the unenrolled can be taken for. Pure."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from actors.errors import ConfigError

MAX_CHARS = 80
_STRANGER = re.compile(r"speaker[\s_-]*\d*", re.IGNORECASE)
_NEAR = 0.5
"""Likeness from which a name may be what was meant (``difflib``'s ratio, 0 to 1)."""


def voice_name(given: str) -> str:
    """The name as it is kept: without white space around it, composed (NFC).

    Raises:
        ConfigError: ``bad_name``, no person can be called that here.
    """
    name = unicodedata.normalize("NFC", given.strip())
    if not name:
        raise _refusal("a voice needs a name")
    if len(name) > MAX_CHARS:
        raise _refusal(f"the name has {len(name)} characters, and {MAX_CHARS} is the most")
    if not name.isprintable():
        raise _refusal("the name holds a control character or one that can't be seen")
    if _STRANGER.fullmatch(name):
        raise _refusal(f"{name}: that is what people are called whom nobody enrolled")
    if name.casefold().startswith("unknown"):
        raise _refusal(f"{name}: a label that begins with unknown says that nobody was recognised")
    return name


def near_names(given: str, known: Iterable[str], most: int = 5) -> list[str]:
    """The known names that are most like ``given``, nearest first; case counts for nothing."""
    folded = {name.casefold(): name for name in known}
    wanted = given.casefold()
    within = [name for name in folded if wanted and wanted in name]
    alike = difflib.get_close_matches(wanted, folded, n=most, cutoff=_NEAR)
    return [folded[name] for name in dict.fromkeys([*alike, *within])][:most]


def _refusal(message: str) -> ConfigError:
    return ConfigError(message, code="bad_name", remedy="Choose another, for example the person's own name")
