"""Channels, playlists and feeds: what they name, one entry at a time.

Owns reading a list flat and lazily, and what of it may be followed. Doesn't look at the entries'
own pages. Shared by the prefilter, which meets a list where a video was expected, and by a driver
that only wants to know what is there.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yt_dlp.utils import PagedList

from actors.credentials import has_user, without_user
from actors.errors import PermanentError
from actors.fetch.describe import iso_639_1, positive, published_at
from actors.fetch.extraction import LIST_TYPES, plain, resolve
from actors.fetch.identity import SourceItem, identify, is_youtube_host
from actors.fetch.private_hosts import may_follow
from actors.fetch.wording import cleaned, shown
from actors.fetch.ytdlp import Info, Session, open_ydl, options, translated
from actors.rows import VideoId, VideoMeta
from configs.settings import DownloadSettings, PrefilterSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list met where a video was expected. Not a row: its entries are read here, then claimed."""

    video_id: VideoId
    fence: int
    title: str
    entries: Iterator[SourceItem]
    """Lazy: going on may ask the source for a further page, and raise an ``EarmarkError``."""
    left_out: "LeftOut"
    """Fills while the entries are read."""


class LeftOut:
    """What a list named and we didn't take: how much of it, and why in the first case."""

    def __init__(self) -> None:
        self.n_entries = 0
        self._first = ""
        self._ended = ""

    def add(self, reason: str) -> None:
        """Counts one entry."""
        self.n_entries += 1
        self._first = self._first or reason

    def end(self, reason: str) -> None:
        """The list itself goes on; we don't."""
        self._ended = reason

    def __str__(self) -> str:
        """Empty where all was taken."""
        entries = f"{self.n_entries} left out, the first because {self._first}" if self.n_entries else ""
        return "; ".join(filter(None, (entries, self._ended)))


def list_entries(
    url: str, settings: PrefilterSettings, download: DownloadSettings, cache_dir: Path, *, depth: int = 3
) -> Iterator[SourceItem]:
    """What an address names: the entries of a list, or the one video that it is.

    Args:
        depth: how far to follow lists within lists where these can be told by their address
            (YouTube's channel tabs); others come out as items of kind ``unknown``.

    Raises:
        EarmarkError: the source refuses, now or at a later page.
    """
    seen: set[VideoId] = set()
    with closing(open_ydl(options(download, cache_dir, timeout_s=settings.timeout_s))) as ydl:
        items = _walk(ydl, identify(url), seen, settings.max_list_entries, depth)
        yield from islice(items, settings.max_list_entries)


def _walk(
    ydl: Session, source: SourceItem, seen: set[VideoId], max_entries: int, depth: int
) -> Iterator[SourceItem]:
    seen.add(source.video_id)
    if source.kind != "unknown":
        yield source
        return
    info = resolve(ydl, source.url)
    if info.get("_type", "video") not in LIST_TYPES:
        yield source
        return
    for item in entries_of(info, source.url, max_entries):
        if item.video_id in seen:
            continue
        if depth > 1 and item.kind == "unknown" and is_youtube_host(urlsplit(item.url).hostname or ""):
            yield from _walk(ydl, item, seen, max_entries, depth - 1)
        else:
            seen.add(item.video_id)
            yield item


def entries_of(
    info: Info, list_url: str, max_entries: int, left_out: LeftOut | None = None, *, depth: int = 1
) -> Iterator[SourceItem]:
    """A list's entries, each once, without the list itself.

    Counts every entry that the source sends towards ``max_entries``, repeated ones too: a list that
    repeats itself for ever ends as well.

    Args:
        left_out: is told what isn't taken.
        depth: how many lists led to an entry, this one included.
    """
    own_id = identify(list_url).video_id
    left_out = left_out or LeftOut()
    seen = {own_id}
    for n_sent, entry in enumerate(_raw_entries(info.get("entries"), shown(list_url)), start=1):
        try:
            item = _item(entry, info, list_url, depth) if entry else None
        except PermanentError as error:
            _log.warning("%s: left out an entry: %s", shown(list_url), error.reason)
            left_out.add(error.reason)
            item = None
        if item is not None and item.video_id not in seen:
            seen.add(item.video_id)
            yield item
        if n_sent >= max_entries:
            _log.warning(
                "%s: stopped after %d entries (prefilter.max_list_entries)", shown(list_url), max_entries
            )
            left_out.end(f"stopped at prefilter.max_list_entries ({max_entries})")
            return


def _raw_entries(entries: Any, what: str) -> Iterator[Info | None]:
    """yt-dlp's entries, whichever of its forms of a sequence they come in."""
    source: Iterable[Info | None] = _paged(entries) if isinstance(entries, PagedList) else entries or ()
    iterator = iter(source)
    while True:
        with translated(what):
            try:
                entry = next(iterator)
            except StopIteration:
                return
        yield entry


def _paged(entries: Any) -> Iterator[Info | None]:
    index = 0
    while True:
        try:
            entry = entries[index]
        except IndexError:  # theirs is a subclass
            return
        yield entry
        index += 1


def _item(entry: Info, parent: Info, list_url: str, depth: int) -> SourceItem:
    """
    Raises:
        PermanentError: the entry names nothing that we would fetch.
    """
    address = _address(entry, list_url)
    if address is None:
        raise PermanentError("it has no address", code="unsupported")
    item = identify(address, local_files=False)
    if not may_follow(item.url, list_url):
        raise PermanentError(f"{shown(address)} lies in a private network", code="unsupported")
    if has_user(item.url):
        raise PermanentError(f"{shown(address)} holds a user or a password", code="credentials")
    hint = VideoMeta(
        title=cleaned(str(entry.get("title") or "")),
        url=without_user(item.url),
        channel=cleaned(str(entry.get("channel") or parent.get("channel") or parent.get("title") or ""))
        or None,
        channel_id=cleaned(str(entry.get("channel_id") or parent.get("channel_id") or "")) or None,
        published_at=published_at(entry),
        duration_s=positive(entry.get("duration")),
        language=iso_639_1(entry.get("language")),
        extractor=str(parent.get("extractor") or "generic"),
        list_depth=depth,
    )
    return SourceItem(item.video_id, item.url, item.kind, hint)


def _address(entry: Info, list_url: str) -> str | None:
    """Where an entry lies: its own page, else its media. A page that holds several players gives its
    own address for each of them, which would only lead back here."""
    page = entry.get("webpage_url")
    formats = entry.get("formats") or [{}]
    for candidate in (entry.get("url"), page if page != list_url else None, formats[-1].get("url")):
        if candidate:
            return plain(str(candidate))
    return None
