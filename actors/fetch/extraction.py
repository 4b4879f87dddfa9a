"""One look at a source: what its address stands for, and which track of a video to take.

Owns following yt-dlp's references one at a time (so that a list stays lazy), the choice of the
track, and the form in which a chosen track travels to the download. Decides nothing about whether
a video is wanted.
"""

import json
import time
from urllib.parse import parse_qs, urlsplit

import yt_dlp
from yt_dlp.utils import sanitize_url, unsmuggle_url

from actors.credentials import has_user
from actors.errors import PermanentError
from actors.fetch.private_hosts import may_follow
from actors.fetch.wording import shown
from actors.fetch.ytdlp import Info, Session, translated

LIST_TYPES = frozenset({"playlist", "multi_video", "compat_list"})
_MAX_HOPS = 8
_KEPT_BY_OUTER_PAGE = {"_type", "url", "ie_key", "id", "extractor", "extractor_key"}
_DROPPED = frozenset({
    "formats", "requested_formats", "requested_downloads", "entries", "subtitles", "automatic_captions",
    "requested_subtitles", "thumbnails", "thumbnail", "description", "tags", "categories", "chapters", "heatmap",
    "comments", "_format_sort_fields", "_filename", "filename",
})  # fmt: skip
_LINK_MARGIN_S = 60


def resolve(ydl: Session, url: str) -> Info:
    """What lies at an address: a video's info, its track not chosen yet, or a list with lazy entries.

    Follows references as ``YoutubeDL.process_ie_result`` does, but leaves a list unread.

    Raises:
        EarmarkError: whatever ``messages.classify`` makes of yt-dlp's refusal.
    """
    given, what = url, shown(url)
    ydl.guard.given = given
    outer: Info = {}
    ie_key: str | None = None
    for _ in range(_MAX_HOPS):
        try:
            with translated(what):
                info: Info | None = ydl.extract_info(url, download=False, process=False, ie_key=ie_key)
        finally:
            ydl.hang_up()
        if not info:
            raise PermanentError(f"{what}: yt-dlp found nothing there", code="unsupported")
        kind = info.get("_type", "video")
        if kind not in ("url", "url_transparent"):
            return {**info, **{key: value for key, value in outer.items() if key not in _KEPT_BY_OUTER_PAGE}}
        if kind == "url_transparent":
            outer = {**{key: value for key, value in info.items() if value is not None}, **outer}
        url, ie_key = sanitize_url(info["url"], scheme="https"), info.get("ie_key")
        _refuse_strange(url, given)
    raise PermanentError(
        f"{what}: the address leads in a circle", code="unsupported", remedy="Check the address"
    )


def _refuse_strange(url: str, given: str) -> None:
    """Refuses where a page must not send us: other schemes, private networks from outside, and addresses
    with somebody's password, which would be kept and shown with them."""
    # Bare ids and search words, which extractors also refer by, have no scheme.
    if "://" not in url:
        return
    if urlsplit(url).scheme not in ("http", "https"):
        raise PermanentError(
            f"{shown(given)} refers to {shown(url)}, which is no web address", code="unsupported"
        )
    if has_user(url) and not has_user(given):
        raise PermanentError(
            f"{shown(given)} refers to {shown(url)}, an address with a password",
            code="credentials",
            remedy="Give yt-dlp cookies with download.cookies_file",
        )
    if not may_follow(url, given):
        raise PermanentError(
            f"{shown(given)} refers to {shown(url)}, which lies in a private network",
            code="unsupported",
            remedy="If you trust it, give that address itself",
        )


def choose(ydl: Session, info: Info, given: str) -> Info:
    """The info with its track chosen: ``url``, ``ext``, ``protocol``, headers on the top level.

    Raises:
        EarmarkError: as ``resolve``; ``no_audio`` or ``drm`` if there is no track to choose.
    """
    ydl.guard.given = given
    with translated(shown(given)):
        chosen: Info = ydl.process_ie_result(info, download=False)
    _refuse_strange(str(chosen.get("url") or ""), given)
    return chosen


def packed(chosen: Info, *, own_cookies: bool) -> str:
    """The chosen track as JSON, enough for ``YoutubeDL.process_ie_result`` to download it.

    Left out: other formats, captions and the rest of what may be half a megabyte; and, where the
    downloader loads the user's cookies itself (``own_cookies``), all cookies.
    """
    kept = {key: value for key, value in chosen.items() if key not in _DROPPED and not key.startswith("__")}
    if own_cookies:
        kept.pop("cookies", None)
    return json.dumps(yt_dlp.YoutubeDL.sanitize_info(kept, remove_private_keys=True))


def unpacked(info_json: str) -> Info:
    info: Info = json.loads(info_json)
    return info


def link_expired(info: Info) -> bool:
    """Whether the media link says that it is over, or nearly (YouTube's ``expire``, in Unix seconds)."""
    expire = parse_qs(urlsplit(str(info.get("url", ""))).query).get("expire", [""])[0]
    return expire.isdigit() and int(expire) < time.time() + _LINK_MARGIN_S


def page_of(info: Info) -> str:
    """The address to extract anew."""
    return str(info.get("webpage_url") or info.get("original_url") or info["url"])


def plain(url: str) -> str:
    """A listed address without the notes that yt-dlp's extractors hide in it for one another."""
    address, _ = unsmuggle_url(url, {})
    return str(address)
