"""How names and other people's text are shown: no credentials, no control characters, no novels.

Owns what may appear in a message, a log line or a title. Knows nothing of errors or yt-dlp.
"""

import re
import unicodedata

from actors.credentials import masked

_BIDI_OVERRIDES = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(source: str, limit: int = 80) -> str:
    """A name as a message shows it: shortened, control and invisible characters escaped."""
    clean = masked(source)
    if len(clean) > limit:
        clean = f"{clean[: limit - 1]}…"
    return (
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in clean) or "''"
    )


def cleaned(text: str, limit: int = 1_000) -> str:
    """Other people's text made storable: no NUL, control characters, lone surrogates or overrides of
    the writing direction; white space collapsed; at most ``limit`` characters."""
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text.translate(_BIDI_OVERRIDES))
    collapsed = " ".join("".join(c for c in kept if unicodedata.category(c) != "Cs").split())
    return collapsed if len(collapsed) <= limit else f"{collapsed[: limit - 1]}…"


def message_of(text: str, limit: int = 300) -> str:
    """yt-dlp's text as one clean line: no colours, credentials or plea for a bug report."""
    plain = masked(_ANSI.sub("", text)).replace("\u2019", "'")
    plain = re.sub(r"[;.]?\s*please report this issue on.*", "", plain, flags=re.IGNORECASE | re.DOTALL)
    plain = re.sub(r"\s*\(caused by .*", "", plain, flags=re.DOTALL)
    plain = re.sub(r"^\s*(ERROR:\s*)+", "", plain)
    return cleaned(plain, limit).rstrip(". ")
