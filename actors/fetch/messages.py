"""What yt-dlp's exceptions mean to us: a table from its words and status codes to our errors.

Owns the verdict on a failure of a source: whose fault, whether to try again, what to do. Pure: goes
by the names and attributes of what it is given, imports no yt-dlp, opens nothing. The wording is
YouTube's own (playability reasons) and yt-dlp's; ``tests/data/ytdlp_messages.jsonl`` keeps samples.

Sources that were read: ``yt_dlp/extractor/youtube/_video.py`` and ``_tab.py``, ``extractor/common.py``,
``extractor/generic.py``, ``downloader/http.py`` and ``YoutubeDL.py`` of yt-dlp 2026.8.
"""

import errno
import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from actors.errors import EarmarkError, PermanentError, Rejected, SoftBlocked, TransientError
from actors.fetch.wording import cleaned, message_of

Verdict = Literal["rejected", "permanent", "transient", "soft_blocked"]

_COOKIES = "If an account of yours may see it, set download.cookies_file"
_UPDATE = "If it stays so, update yt-dlp: the source may have changed its pages"
_LATER = "It is tried again later"
_WAIT_BLOCK = "The source is left alone for a while, then asked less often. " + _COOKIES
_MAX_RETRY_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A message that matches ``pattern`` (regular expression, any case) gets this verdict."""

    pattern: str
    verdict: Verdict
    code: str
    meaning: str
    remedy: str = ""
    retry_after_s: float | None = None


FIRST = (
    # The source turns us away. Before all else: YouTube says it in words like those for dead videos.
    Rule(r"not a bot|try again later.*(rate.?limit|session)|content isn't available, try again later",
         "soft_blocked", "soft_blocked", "YouTube turns this address or session away", _WAIT_BLOCK),
    Rule(r"captcha|unusual traffic|anti-bot challenge|IP is likely being blocked|rate-limited by YouTube",
         "soft_blocked", "soft_blocked", "The source suspects a robot", _WAIT_BLOCK),
    # Not begun, or not over.
    Rule(r"premieres? (in|will begin|on)\b|live event will begin|waiting for .* to start|scheduled (live|to)",
         "rejected", "upcoming", "It has not begun", "Ingest it again once it is over"),
    Rule(r"not currently live|live event has not started",
         "rejected", "upcoming", "Nothing is being broadcast there", "Ingest it again once it is over"),
    Rule(r"live event has ended|processing this video|being processed|check back later",
         "transient", "server_error", "Its recording is not ready yet", _LATER, 3600),
    # Whose it is, and who may see it.
    Rule(r"members?[- ]only|channel's members|join this channel|requires? (payment|a .*(premium|rental))|"
         r"premium members|only available to music premium|rental",
         "permanent", "members_only", "It is for paying members", _COOKIES),
    Rule(r"private video|video is private|playlist is private|this (video|playlist|channel) is not public|"
         r"granted access to this video",
         "permanent", "private", "It is private", _COOKIES),
    Rule(r"confirm your age|age.?restrict|inappropriate for some|age verification|account age",
         "permanent", "age_restricted", "It is restricted by age", _COOKIES),
    Rule(r"account.*(terminated|closed)|has been (removed|terminated|deleted)|copyright claim|"
         r"no longer available|isn't available anymore|video has been removed|stream recording is not available|"
         r"violat(ed|ing|ion)|user has (removed|deleted)|video (does|doesn't) (not )?exist",
         "permanent", "removed", "It was taken down"),
    Rule(r"in your country|your (location|region)|geo.?(restrict|block)|"
         r"available in .*(region|countries)",
         "permanent", "geo_blocked", "It is not shown in this country",
         "A proxy in a country where it is shown can be set as download.proxy"),
    Rule(r"\bDRM\b", "permanent", "drm", "It is protected by DRM", "There is no way to ingest it"),
    Rule(r"page needs to be reloaded|incomplete data received|failed to extract any player response|"
         r"unable to recognize tab page|error on our end|something went wrong|an unknown error",
         "transient", "server_error", "The source answered with an incomplete page", _UPDATE, 600),
    Rule(r"content isn't available|playback on other websites",
         "transient", "forbidden", "The source doesn't give it out now", f"{_LATER}. {_COOKIES}", 3600),
    Rule(r"video unavailable|this video (is unavailable|is not available|isn't available)",
         "permanent", "removed", "It is not available"),
    Rule(r"(playlist|channel|user|account|page) (does|doesn't) (not )?exist|does not have a .* tab|"
         r"unable to find .*(playlist|channel)",
         "permanent", "not_found", "There is no such list", "Check the address"),
    Rule(r"incomplete youtube id|looks truncated", "permanent", "bad_id", "The id is cut short",
         "A YouTube id has 11 characters; put the URL in quotes"),
    Rule(r"registered users|log ?in details|login.?required|sign in|requires? (authentication|login)|"
         r"account credentials|members of the site",
         "permanent", "forbidden", "It needs a login", _COOKIES),
)  # fmt: skip
"""Tried before the status code: these say more than it does."""

LAST = (
    Rule(r"no space left|disk quota exceeded|\[Errno (28|122)\]", "transient", "disk_full",
         "The disk for downloads is full", "Free some space below the cache directory"),
    Rule(r"requested range not satisfiable", "transient", "file_changed",
         "The file changed on the server during the transfer", _LATER),
    Rule(r"bytes read, \d+ more expected|incompleteread|downloaded \d+ bytes, expected|content too short|"
         r"fragment \d+ not found",
         "transient", "truncated", "The transfer stopped short", _LATER),
    Rule(r"did not get any data blocks", "permanent", "not_media", "The file on the server is empty",
         "Check the address"),
    Rule(r"timed? ?out", "transient", "timeout", "The server did not answer in time", _LATER),
    Rule(r"unsupported url|no suitable extractor|is not a valid url|no longer supported|unsupported url scheme|"
         r"file:// urls are disabled|invalid url|piracy",
         "permanent", "unsupported", "yt-dlp knows no way to read this address", "Give the address of the media itself"),
    Rule(r"\[youtube[^\]]*\].*(requested format is not available|no video formats|only images are available)",
         "transient", "forbidden", "YouTube gave out no audio track",
         "Check that deno is installed (it comes with yt-dlp[deno]). " + _UPDATE, 3600),
    Rule(r"requested format is not available|only images are available", "rejected", "no_audio",
         "It has no audio track"),
    Rule(r"no video formats found", "permanent", "unsupported", "No media was found there", _UPDATE),
    Rule(r"name or service not known|name resolution|getaddrinfo|failed to resolve|nodename nor servname",
         "transient", "network", "The server's name was not found", "Check the address and the network"),
    Rule(r"certificate|ssl", "transient", "network", "The server's certificate was not accepted",
         "Check this machine's clock and certificates"),
    Rule(r"proxy", "transient", "network", "The proxy did not answer", "Check download.proxy"),
    Rule(r"connection (refused|reset|aborted|broken)|network is unreachable|no route to host|remote end closed|"
         r"max retries exceeded|unable to connect|broken pipe|connection error|giving up after",
         "transient", "network", "The connection failed", "Check the network. " + _LATER),
    Rule(r"unable to extract|extractor error|failed to (parse|extract)|unable to download|regex",
         "transient", "server_error", "yt-dlp could not read the page", _UPDATE, 6 * 3600),
)  # fmt: skip
"""Tried after the status code and the exception's kind."""

_SERVER = Rule("", "transient", "server_error", "The server failed", _LATER)
_REFUSED = Rule("", "permanent", "forbidden", "The server refuses the request", "Check the address")
_LOGIN = Rule("", "permanent", "forbidden", "The server asks for a login", _COOKIES)
_CIRCLE = Rule("", "permanent", "unsupported", "The address leads in a circle", "Check the address")
_GONE = Rule("", "permanent", "not_found", "There is nothing at this address", "Check the address")
BY_STATUS = {
    401: _LOGIN,
    403: Rule("", "transient", "forbidden", "The server forbids it", f"{_LATER}. {_COOKIES}", 600),
    404: _GONE,
    407: Rule("", "transient", "network", "The proxy asks for a login", "Check download.proxy"),
    408: Rule("", "transient", "timeout", "The server gave up waiting", _LATER),
    410: _GONE,
    416: Rule("", "transient", "file_changed", "The file changed on the server during the transfer", _LATER),
    425: _SERVER,
    429: Rule("", "transient", "throttled", "The server says that we ask too often", _LATER, 300),
    451: Rule("", "permanent", "geo_blocked", "It is withheld for legal reasons"),
}

BY_KIND = {
    "GeoRestrictedError": Rule("", "permanent", "geo_blocked", "It is not shown in this country",
                               "A proxy in a country where it is shown can be set as download.proxy"),
    "UserNotLive": Rule("", "rejected", "upcoming", "Nothing is being broadcast there",
                        "Ingest it again once it is over"),
    "UnsupportedError": Rule("", "permanent", "unsupported", "yt-dlp knows no way to read this address",
                             "Give the address of the media itself"),
    "IncompleteRead": Rule("", "transient", "truncated", "The transfer stopped short", _LATER),
    "ContentTooShortError": Rule("", "transient", "truncated", "The transfer stopped short", _LATER),
}  # fmt: skip
_NETWORK = Rule("", "transient", "network", "The connection failed", "Check the network. " + _LATER)
_OF_NETWORK = (ConnectionError, TimeoutError, socket.gaierror, socket.herror, ssl.SSLError)
_DISK = Rule("", "transient", "disk_full", "The disk for downloads can't be written",
             "Check space and rights below the cache directory")  # fmt: skip
_UNKNOWN = Rule("", "permanent", "unexpected", "yt-dlp failed in a way that is new to us",
                "Report it with this message")  # fmt: skip
_STATUS = re.compile(r"HTTP Error (\d{3})")
# What an id or address says is no symptom: an interview may lie at /members-only/captcha.mp3.
_LINKS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_NAMES = re.compile(r"^(\[[\w:.+-]+\] ).*?: ")


def classify(error: BaseException, what: str = "") -> EarmarkError:
    """Our error for one of yt-dlp's: by its words, then status, then kind, then words again.

    Args:
        error: what yt-dlp raised. When retries inside a transfer run out it carries no cause, so the
            message must do.
        what: the video or address, for the message; free of credentials.

    Returns:
        The error, not raised. An ``EarmarkError`` comes back as it is.
    """
    if isinstance(error, EarmarkError):
        return error
    causes = list(_causes(error))
    for cause in causes:  # ours, raised inside one of yt-dlp's callbacks
        if isinstance(cause, EarmarkError):
            return cause
    text = message_of(str(error), 600)
    words = _NAMES.sub(r"\1", _LINKS.sub("", text))
    rule = _by_words(FIRST, words) or _by_status(causes, words) or _by_kind(causes) or _by_words(LAST, words)
    rule = rule or _by_descent(causes)
    subject = f"{what}: " if what else ""
    message = f"{subject}{rule.meaning} ({cleaned(text, 200)})"
    return _build(rule, message, _retry_after_s(causes))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that lies behind it, outermost first, each once."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        exc_info = getattr(current, "exc_info", None) or (None, None, None)
        waiting += [exc_info[1], getattr(current, "cause", None), current.__cause__]


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _by_words(rules: tuple[Rule, ...], text: str) -> Rule | None:
    return next((rule for rule in rules if re.search(rule.pattern, text, re.IGNORECASE)), None)


def _by_status(causes: list[BaseException], text: str) -> Rule | None:
    status = next((s for cause in causes if isinstance(s := getattr(cause, "status", None), int)), None)
    if any(getattr(cause, "redirect_loop", False) for cause in causes) or "redirect loop" in text.lower():
        return _CIRCLE
    if status is None:
        match = _STATUS.search(text)
        status = int(match[1]) if match else None
    if status is None or status < 400:
        return None
    return BY_STATUS.get(status) or (_SERVER if status >= 500 else _REFUSED)


def _by_kind(causes: list[BaseException]) -> Rule | None:
    for cause in causes:
        for name in (kind.__name__ for kind in type(cause).__mro__):
            if name in BY_KIND:
                return BY_KIND[name]
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return LAST[0]
    return None


def _by_descent(causes: list[BaseException]) -> Rule:
    if any(isinstance(cause, OSError) and not isinstance(cause, _OF_NETWORK) for cause in causes):
        return _DISK
    is_network = any(_kinds(cause) & {"RequestError", "OSError"} for cause in causes)
    return _NETWORK if is_network else _UNKNOWN


def _retry_after_s(causes: list[BaseException]) -> float | None:
    """The server's Retry-After in seconds (RFC 9110: a number or a date), at most a day."""
    for cause in causes:
        headers = getattr(getattr(cause, "response", None), "headers", None)
        value = headers.get("Retry-After") if headers else None
        if not value:
            continue
        if str(value).strip().isdigit():
            return min(float(value), _MAX_RETRY_AFTER_S)
        try:
            seconds = parsedate_to_datetime(str(value)).timestamp() - time.time()
        except ValueError:
            continue
        return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)
    return None


def _build(rule: Rule, message: str, retry_after_s: float | None) -> EarmarkError:
    if rule.verdict == "rejected":
        return Rejected(message, code=rule.code, remedy=rule.remedy)
    if rule.verdict == "permanent":
        return PermanentError(message, code=rule.code, remedy=rule.remedy)
    delay_s = rule.retry_after_s if retry_after_s is None else retry_after_s
    kind = SoftBlocked if rule.verdict == "soft_blocked" else TransientError
    return kind(message, code=rule.code, remedy=rule.remedy, retry_after_s=delay_s)
