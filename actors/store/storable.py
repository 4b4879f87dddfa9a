"""What Postgres can hold: text without NUL and lone surrogates, JSON without NaN, no credentials.

Pure functions of plain data; the database's own limits are the only thing that they know of it.
"""

import hashlib
import json
from collections.abc import Callable

from actors.credentials import masked
from actors.errors import PermanentError

MAX_ID_CHARS = 400
"""A b-tree entry holds 2,704 bytes; a character takes up to four."""
_KEPT_ID_CHARS = 300


def clean_text(text: str) -> str:
    """``text`` without NULs; surrogate pairs joined, lone surrogates replaced by U+FFFD."""
    text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def clean_id(video_id: str) -> str:
    """``video_id`` as a key: clean, and of a length that fits an index (a digest ends a cut one)."""
    cleaned = clean_text(video_id)
    if len(cleaned) <= MAX_ID_CHARS:
        return cleaned
    return f"{cleaned[:_KEPT_ID_CHARS]}…{hashlib.sha256(cleaned.encode()).hexdigest()}"


def to_json(value: object) -> str:
    """JSON text that ``jsonb`` takes.

    Raises:
        PermanentError: NaN, infinity, or something that JSON has no word for.
    """
    try:
        return json.dumps(_mapped(value, clean_text), allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError) as error:
        raise PermanentError(f"a value can't be stored as JSON: {error}", code="bad_data") from error


def public_json(value: object) -> str:
    """``to_json`` with credentials taken out of every string: for settings and figures of a run."""
    return to_json(_mapped(value, masked))


def _mapped(value: object, change: Callable[[str], str]) -> object:
    match value:
        case str():
            return change(value)
        case dict():
            return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
        case list() | tuple():
            return [_mapped(item, change) for item in value]
        case _:
            return value
