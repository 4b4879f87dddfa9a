"""What a source names: canonical ids, canonical URLs, and links that open at a second.

Owns the spelling of ids, so that one video asked for in five ways is one row of the ledger. Used at
the start of the command line: imports nothing heavy, opens no connection. Doesn't know yt-dlp, nor
whether what is named exists anywhere but on this disk.
"""

import hashlib
import logging
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote_to_bytes, urlencode, urlsplit, urlunsplit

from actors.errors import PermanentError
from actors.fetch.wording import shown
from actors.rows import VideoId, VideoMeta

_log = logging.getLogger(__name__)

__all__ = [
    "ACCEPTED", "MEDIA_EXTENSIONS", "Kind", "SourceItem", "identify", "is_short", "is_youtube_host", "link_at",
    "media_files", "path_of",
]  # fmt: skip

Kind = Literal["video", "file", "unknown"]

MEDIA_EXTENSIONS = frozenset({
    "3gp", "aac", "ac3", "aif", "aiff", "amr", "avi", "flac", "flv", "m2ts", "m4a", "m4b", "m4v", "mka", "mkv",
    "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "mts", "oga", "ogg", "ogv", "opus", "spx", "ts", "wav", "weba",
    "webm", "wma", "wmv",
})  # fmt: skip
"""Suffixes, without the dot, of what ``media_files`` takes from a folder."""

ACCEPTED = "Give a YouTube id or URL, an http(s) URL, a channel as @name, or the path of a media file"

_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_HANDLE = re.compile(r"@[\w.\-·]{3,30}(/[a-z]{1,20})?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BARE_YOUTUBE = re.compile(r"(?:www\.|m\.|music\.)?(?:youtube\.com|youtu\.be)/", re.IGNORECASE)
_YOUTUBE_HOSTS = ("youtube.com", "youtube-nocookie.com", "youtubekids.com")
_VIDEO_PATH = re.compile(r"/(shorts|live|embed|v|e)/([^/?#]*)")
_NOT_AN_ID = {"videoseries", "live_stream"}
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One thing to ingest, as the ledger keys it."""

    video_id: VideoId
    """11 characters for YouTube, else ``web-`` or ``file-`` and 12 hexadecimal digits."""
    url: str
    """As yt-dlp takes it, or a ``file://`` URL. It may hold credentials: never show it as it is."""
    kind: Kind
    """``unknown`` may turn out to be a list of videos."""
    hint: VideoMeta | None = None
    """What the list that named it said of it."""


def identify(source: str, *, local_files: bool = True) -> SourceItem:
    """Names what a person gave, or what a list holds.

    Args:
        source: an id, URL, ``@handle`` or path.
        local_files: whether paths and ``file:`` URLs count. False for whatever a web page named.

    Raises:
        PermanentError: ``bad_id``, ``no_file`` or ``unsupported``, naming what was given.
    """
    text = source.strip() if source.isprintable() else source
    if _ID.fullmatch(text):
        return SourceItem(VideoId(text), f"https://www.youtube.com/watch?v={text}", "video")
    if _HANDLE.fullmatch(text):
        return _web(f"https://www.youtube.com/{text}")
    if _BARE_YOUTUBE.match(text):
        text = f"https://{text}"
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() in _DEFAULT_PORTS:
        return _web(text)
    if scheme and scheme[1].lower() != "file":
        raise PermanentError(
            f"{shown(source)}: {scheme[1].lower()} links are not supported",
            code="unsupported",
            remedy=ACCEPTED,
        )
    if not local_files:
        raise PermanentError(
            f"{shown(source)} is a local path or no address at all, and was named by a list",
            code="unsupported",
            remedy="Only files named on the command line are read",
        )
    return _file(path_of(text) if scheme else _path(text), source)


def _web(url: str) -> SourceItem:
    if not url.isprintable() or " " in url or len(url) > 4096:
        raise PermanentError(f"{shown(url)} is not a valid URL", code="bad_id", remedy=ACCEPTED)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (raises for a port that is no number)
    except ValueError as error:
        raise PermanentError(
            f"{shown(url)} is not a valid URL: {error}", code="bad_id", remedy=ACCEPTED
        ) from None
    if not parts.hostname:
        raise PermanentError(f"{shown(url)} names no host", code="bad_id", remedy=ACCEPTED)
    found = _youtube_video(parts)
    if found is None:
        digest = hashlib.sha256(_normalised(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return SourceItem(VideoId(f"web-{digest}"), url, "unknown")
    form, video_id = found
    if not _ID.fullmatch(video_id):
        raise PermanentError(
            f"{shown(url)}: {shown(video_id)} is not a YouTube id, which has 11 letters, digits, - or _",
            code="bad_id",
            remedy=ACCEPTED,
        )
    page = f"shorts/{video_id}" if form == "shorts" else f"watch?v={video_id}"
    return SourceItem(VideoId(video_id), f"https://www.youtube.com/{page}", "video")


def _youtube_video(parts: SplitResult) -> tuple[str, str] | None:
    """(form, id) of a URL that names one YouTube video, the id unchecked; None for all other URLs."""
    host = (parts.hostname or "").rstrip(".")
    if host in ("youtu.be", "www.youtu.be"):
        name = parts.path.strip("/").partition("/")[0]
        return ("watch", name) if name else None
    if not is_youtube_host(host):
        return None
    match = _VIDEO_PATH.match(parts.path)
    if match and match[2] and match[2] not in _NOT_AN_ID:
        return match[1], match[2]
    if parts.path in ("", "/", "/watch", "/watch/", "/watch_popup", "/movie"):
        ids = parse_qs(parts.query).get("v")
        return ("watch", ids[0]) if ids else None
    return None


def is_youtube_host(host: str) -> bool:
    return any(host == known or host.endswith(f".{known}") for known in _YOUTUBE_HOSTS)


def is_short(url: str) -> bool:
    """Whether the URL itself says that this is a YouTube Short."""
    parts = urlsplit(url)
    return is_youtube_host(parts.hostname or "") and parts.path.startswith("/shorts/")


def _normalised(parts: SplitResult) -> str:
    """The URL without what doesn't change what it names: case of the host, default port, user part,
    tracking parameters, and a fragment that is a place on a page. One that is a path (``#/video/1``, ``#!/…``) says
    which page."""
    host = (parts.hostname or "").rstrip(".")
    if parts.port and parts.port != _DEFAULT_PORTS.get(parts.scheme.lower()):
        host = f"{host}:{parts.port}"
    query = parts.query
    if _TRACKING.search(query):
        query = urlencode([pair for pair in parse_qsl(query, True) if not _TRACKING.fullmatch(pair[0])])
    fragment = parts.fragment if parts.fragment.startswith(("/", "!")) else ""
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", query, fragment))


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~ and a name that no user has
        return Path(text)


def _file(path: Path, source: str) -> SourceItem:
    try:
        if path.is_file():
            absolute = path.resolve()  # a link and the file it leads to are one video
            digest = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:12]
            return SourceItem(VideoId(f"file-{digest}"), absolute.as_uri(), "file")
        is_folder = path.is_dir()
    except (OSError, ValueError):  # a name too long, NUL inside, a folder that may not be searched
        is_folder = False
    if is_folder:
        raise PermanentError(
            f"{shown(source)} is a folder", code="unsupported", remedy="Name the files in it"
        )
    if source.isprintable() and len(source) <= 255 and path.suffix[1:].lower() in MEDIA_EXTENSIONS:
        raise PermanentError(f"There is no file {shown(source)}", code="no_file", remedy="Check the path")
    raise PermanentError(
        f"{shown(source)} is neither a video id, nor a URL, nor a file that exists",
        code="bad_id",
        remedy=ACCEPTED,
    )


def path_of(file_url: str) -> Path:
    """The local path of a ``file://`` URL.

    Raises:
        PermanentError: ``unsupported`` if the URL names another host.
    """
    parts = urlsplit(file_url)
    if parts.netloc not in ("", "localhost"):
        raise PermanentError(
            f"{shown(file_url)} lies on another machine", code="unsupported", remedy="Give a path of this one"
        )
    return Path(os.fsdecode(unquote_to_bytes(parts.path)))


def media_files(folder: Path) -> Iterator[Path]:
    """Media files below a folder, sorted, by suffix; hidden files and folders are left out.

    Raises:
        PermanentError: ``no_file`` if there is no such folder.
    """
    if not folder.is_dir():
        raise PermanentError(
            f"There is no folder {shown(str(folder))}", code="no_file", remedy="Check the path"
        )

    def unreadable(error: OSError) -> None:
        _log.warning("left out %s: %s", shown(str(error.filename)), error.strerror)

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix[1:].lower() in MEDIA_EXTENSIONS:
                yield path


def link_at(url: str, start_s: float) -> str:
    """A link that opens at that second: YouTube's ``t``, else a media fragment (W3C ``#t=``)."""
    second = max(0, math.floor(start_s)) if math.isfinite(start_s) else 0
    parts = urlsplit(url)
    found = _youtube_video(parts)
    if found and _ID.fullmatch(found[1]):
        # A Short ignores t; the same video's watch page heeds it.
        return f"https://www.youtube.com/watch?v={found[1]}&t={second}s"
    return urlunsplit(parts._replace(fragment=f"t={second}"))
