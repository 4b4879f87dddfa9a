"""Names of languages: what sources say, and what Whisper calls it. Pure."""

from collections.abc import Collection

# Old and finer ISO codes that sources use, and the one Whisper knows.
_WHISPER_CODES = {"iw": "he", "in": "id", "ji": "yi", "nb": "no", "fil": "tl", "jv": "jw", "cmn": "zh"}


def whisper_language(code: str | None, known: Collection[str]) -> str | None:
    """The model's code for a language tag such as ``en-US``, ``iw`` or ``zh-Hans``.

    Args:
        code: what a source or setting names; ``None`` or empty if it names none.
        known: the codes that the model has.

    Returns:
        One of ``known``, or ``None``: it is to be detected.
    """
    if not code:
        return None
    primary = code.replace("_", "-").split("-")[0].lower()
    found = primary if primary in known else _WHISPER_CODES.get(primary)
    return found if found in known else None
