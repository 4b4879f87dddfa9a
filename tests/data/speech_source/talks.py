"""The six talks that ship: what each is called, who speaks it, about what, and in which container.

Only data. Change a seed here when the small Whisper mishears a talk, then run ``make_speech.py``.
"""

from dataclasses import dataclass

from tests.encoding import Encoding

CHANNEL = "Small Talks"

QUERIES = {
    "rockets and telescopes in space": "rockets-and-moons",
    "a concert with violin and piano": "strings-and-keys",
    "snow and wind in winter": "wind-and-snow",
}
"""What a person might search for, with the talk that should come first."""


@dataclass(frozen=True, slots=True)
class Talk:
    """One talk to make."""

    slug: str
    """Its file's name without the extension, and its guid in the feed."""
    title: str
    published: str
    """ISO 8601 with zone."""
    voices: tuple[str, ...]
    """espeak voices, who take turns where there is more than one."""
    topics: dict[str, int]
    """Topics of the sentences and how often each comes, in proportion."""
    duration_s: float
    """About how long; the last sentence is finished."""
    extension: str
    encoding: Encoding
    seed: int


_MARK, _ANNA, _MICHAEL = "en-us+m3", "en+f2", "en-us+michael"

TALKS = (
    Talk(
        "rockets-and-moons", "Evening talk: rockets and moons", "2026-03-02T19:30:00+00:00",
        (_MARK,), {"space": 6, "place": 1}, 140, ".webm", Encoding("libopus", 48_000, 32_000), seed=11,
    ),
    Talk(
        "strings-and-keys", "Strings and keys: a night at the concert", "2026-03-09T19:30:00+00:00",
        (_ANNA,), {"music": 6, "place": 1}, 120, ".m4a", Encoding("aac", 44_100, 32_000), seed=22,
    ),
    Talk(
        "soup-for-the-rabbit", "Soup for the rabbit: two friends on pets and kitchens", "2026-03-16T18:00:00+00:00",
        (_ANNA, _MICHAEL), {"animals": 1, "food": 1}, 175, ".mp3", Encoding("libmp3lame", 24_000, 32_000), seed=13,
    ),
    Talk(
        "wind-and-snow", "Wind and snow: what winter brings", "2026-03-23T07:15:00+00:00",
        (_MICHAEL,), {"weather": 6, "place": 1}, 140, ".ogg", Encoding("libopus", 48_000, 24_000), seed=14,
    ),
    Talk(
        "servers-and-robots", "Servers, robots and cameras: a workshop", "2026-04-01T16:00:00+00:00",
        (_MARK,), {"tech": 6, "place": 1}, 130, ".webm", Encoding("libopus", 48_000, 24_000), seed=15,
    ),
    Talk(
        "match-in-ninety-seconds", "The match in ninety seconds", "2026-04-06T21:45:00+00:00",
        (_MICHAEL,), {"sport": 1}, 90, ".flac", Encoding("flac", 16_000), seed=16,
    ),
)  # fmt: skip
