"""From yt-dlp's info dictionary to our words: the facts for a decision, and a video's description.

Owns which of a source's many fields we believe. Reads plain dictionaries; asks nobody.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from yt_dlp.utils import ISO639Utils

from actors.credentials import without_user
from actors.fetch.identity import is_short
from actors.fetch.wording import cleaned
from actors.rows import VideoId, VideoMeta

Info = dict[str, Any]

_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi"}
"""Withdrawn ISO 639 codes that YouTube still uses."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision about a video needs; ``None`` where the source doesn't say."""

    url: str
    live_status: str | None = None
    """yt-dlp's: ``is_live``, ``is_upcoming``, ``was_live``, ``not_live`` or ``post_live``."""
    duration_s: float | None = None
    is_short: bool = False


def facts_of(info: Info, url: str) -> Facts:
    live_status = info.get("live_status") or ("is_live" if info.get("is_live") else None)
    short = is_short(url) or is_short(str(info.get("webpage_url") or "")) or info.get("media_type") == "short"
    return Facts(url, live_status, positive(info.get("duration")), short)


def describe(info: Info, video_id: VideoId, hint: VideoMeta | None = None) -> VideoMeta:
    """A video's description.

    Args:
        info: yt-dlp's, the track chosen.
        hint: what the list said that named the video. Where a bare file was found, its title, date
            and channel are better than what yt-dlp makes of the file's name.
    """
    own_title = cleaned(str(info.get("title") or ""))
    is_bare_file = bool(info.get("direct"))
    hinted = hint or VideoMeta(title="", url="")
    titles = (hinted.title, own_title) if is_bare_file else (own_title, hinted.title)
    dates = (published_at(info), hinted.published_at)
    channel = info.get("channel") or info.get("uploader") or hinted.channel
    channel_id = info.get("channel_id") or info.get("uploader_id") or hinted.channel_id
    return VideoMeta(
        title=next(filter(None, titles), str(video_id)),
        url=without_user(str(info.get("webpage_url") or info.get("original_url") or "")),
        channel=cleaned(str(channel)) if channel else None,
        channel_id=cleaned(str(channel_id)) if channel_id else None,
        published_at=next(filter(None, reversed(dates) if is_bare_file else dates), None),
        duration_s=positive(info.get("duration")),
        language=iso_639_1(info.get("language")) or hinted.language,
        extractor=str(info.get("extractor") or "generic"),
    )


def published_at(info: Info) -> datetime | None:
    """When it was published, in UTC; days without a time count from midnight."""
    for key in ("timestamp", "release_timestamp"):
        seconds = info.get(key)
        if isinstance(seconds, int | float) and math.isfinite(seconds) and 0 < seconds < 4e9:
            return datetime.fromtimestamp(seconds, UTC)
    for key in ("upload_date", "release_date"):
        try:
            return datetime.strptime(str(info.get(key)), "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def iso_639_1(code: Any) -> str | None:
    """Two-letter code of a language tag such as ``en-US`` or ``eng``; None if there is none."""
    primary = str(code or "").replace("_", "-").partition("-")[0].lower()
    if len(primary) == 3:
        primary = ISO639Utils.long2short(primary) or ""
    primary = _OLD_CODES.get(primary, primary)
    return primary if len(primary) == 2 and ISO639Utils.short2long(primary) else None


def positive(value: Any) -> float | None:
    """A length that can be meant: finite and above zero."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and value > 0 else None
