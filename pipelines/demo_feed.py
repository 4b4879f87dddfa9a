"""The demo's talks as a podcast would offer them: media files, and an RSS feed that names them.

Owns reading ``talks.json`` and writing the feed. Knows nothing of HTTP: ``demo_server.py`` serves it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from actors.errors import ConfigError

CONTENT_TYPES = {
    ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".webm": "audio/webm",
}  # fmt: skip
_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"


@dataclass(frozen=True, slots=True)
class Resource:
    """What stands under one path of the server."""

    content: bytes
    content_type: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """One talk: its place in the feed, and its file."""

    path: str
    """Path of its file on the server, beginning with a slash, not quoted."""
    slug: str
    title: str
    duration_s: float
    media: Resource
    """Its date is when the talk was published: yt-dlp takes a bare file's date for that."""


@dataclass(frozen=True, slots=True)
class Podcast:
    """All talks of one channel, in the order of ``talks.json``."""

    title: str
    talks: tuple[Talk, ...]

    def feed(self, url: str) -> Resource:
        """RSS 2.0 with an enclosure for each talk, as podcast hosts write it.

        Args:
            url: where the server stands, without a slash at the end.
        """
        ElementTree.register_namespace("itunes", _ITUNES)
        rss = ElementTree.Element("rss", version="2.0")
        channel = ElementTree.SubElement(rss, "channel")
        _add(channel, "title", self.title)
        _add(channel, "link", url)
        _add(channel, "description", "Talks by synthetic voices, to try Earmark with")
        for talk in self.talks:
            item = ElementTree.SubElement(channel, "item")
            media = talk.media
            _add(item, "title", talk.title)
            _add(item, "guid", talk.slug, isPermaLink="false")
            _add(item, "pubDate", format_datetime(media.modified, usegmt=True))
            _add(item, f"{{{_ITUNES}}}duration", str(round(talk.duration_s)))
            size = str(len(media.content))
            _add(item, "enclosure", url=url + quote(talk.path), length=size, type=media.content_type)
        content = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
        newest = max(talk.media.modified for talk in self.talks)
        return Resource(content, "application/rss+xml; charset=utf-8", newest)


def load_podcast(directory: Path) -> Podcast:
    """The talks that a directory's ``talks.json`` names, with their files' bytes.

    Raises:
        ConfigError: ``talks.json`` or one of the files is missing.
    """
    try:
        truth = json.loads((directory / "talks.json").read_text(encoding="utf-8"))
        return Podcast(truth["channel"], tuple(_talk(directory, entry) for entry in truth["talks"]))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(
            f"The demo's speech is incomplete: there is no {error.filename}",
            remedy="Bring it back with: git checkout configs/demo/speech",
        ) from error


def _talk(directory: Path, entry: dict[str, Any]) -> Talk:
    path = directory / entry["file"]
    published = datetime.fromisoformat(entry["published"]).astimezone(UTC)
    media = Resource(path.read_bytes(), CONTENT_TYPES[path.suffix], published)
    return Talk(f"/{path.name}", entry["slug"], entry["title"], entry["duration_s"], media)


def _add(parent: ElementTree.Element, tag: str, text: str | None = None, **attributes: str) -> None:
    ElementTree.SubElement(parent, tag, attributes).text = text
