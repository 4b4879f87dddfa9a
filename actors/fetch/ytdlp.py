"""The one place where yt-dlp is configured and called.

Owns yt-dlp's options, its log lines and the turning of its exceptions into ours. Knows nothing of
videos, lists or files. Import it only where yt-dlp is needed: that costs most of a second.
"""

import copy
import io
import logging
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yt_dlp
from yt_dlp.cookies import CookieLoadError, YoutubeDLCookieJar, load_cookies
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import YoutubeDLError

from actors.errors import ConfigError
from actors.fetch.guard import Guard, GuardedRH, bounded
from actors.fetch.messages import classify
from actors.fetch.wording import message_of, shown
from configs.settings import DownloadSettings

_log = logging.getLogger(__name__)

Info = dict[str, Any]
"""yt-dlp's info dictionary: its keys are documented in ``yt_dlp/extractor/common.py``."""

_RETRY_PAUSE_MAX_S = 16.0


class _Log:
    """yt-dlp's logger: everything to ``logging``, nothing to the terminal, no credentials."""

    def debug(self, message: str) -> None:
        _log.debug("%s", message_of(message))

    info = warning = error = debug  # errors come as exceptions too; the caller says what they mean


_FIXED: Info = {
    "quiet": True,
    "noprogress": True,
    "color": "no_color",
    # The smallest track in the original language; `wa` would take a dub. Without a track of its own,
    # the smallest film; a plain `b` falls back on one known to be silent.
    "format": "ba/b[acodec!=?none]",
    "format_sort": ["lang", "+abr"],
    # Nothing but sound: text comes from the recogniser alone.
    "writesubtitles": False,
    "writeautomaticsub": False,
    "writethumbnail": False,
    "getcomments": False,
    "postprocessors": [],
    "fixup": "never",
    # YouTube's player answer lists captions whether asked or not; nothing more is spent on them.
    "extractor_args": {"youtube": {"skip": ["translated_subs"]}},
    "noplaylist": True,
    "extract_flat": "in_playlist",
    "lazy_playlist": True,
    "ignoreerrors": False,
    "skip_unavailable_fragments": False,  # a talk with a hole in it is not a talk
    "hls_prefer_native": True,
    "updatetime": False,
}
"""What no setting changes."""


def options(
    download: DownloadSettings,
    cache_dir: Path,
    *,
    timeout_s: float,
    on_progress: Callable[[Info], None] | None = None,
) -> Info:
    """Every option we give to yt-dlp. As a library it reads no configuration file of the user's.

    Args:
        download: whose cookies, proxy, retries and rate limit are taken.
        cache_dir: below it yt-dlp keeps what it learned of players.
        timeout_s: longest silence of a server.
        on_progress: called for each block of a transfer; what it raises ends the transfer.

    Raises:
        ConfigError: the cookie file can't be read.
    """
    chosen = copy.deepcopy(_FIXED)  # yt-dlp writes into what it is given
    chosen |= {
        "logger": _Log(),
        "cachedir": str(cache_dir / "yt-dlp"),
        "socket_timeout": timeout_s,
        "retries": download.retries,
        "fragment_retries": download.retries,
        "retry_sleep_functions": {"http": _pause_s, "fragment": _pause_s},
        "ratelimit": download.rate_limit_bytes_per_s,
        "progress_hooks": [on_progress] if on_progress else [],
    }
    if download.proxy is not None:
        chosen["proxy"] = download.proxy.get_secret_value()
    if download.cookies_from_browser:
        chosen["cookiesfrombrowser"] = (download.cookies_from_browser, None, None, None)
    if download.cookies_file is not None:
        chosen["cookiefile"] = _cookies(download.cookies_file)
    return chosen


def _pause_s(n: int) -> float:
    """Seconds before retry ``n`` (from 0): a server that just failed gets time to recover."""
    return float(min(0.5 * 2**n, _RETRY_PAUSE_MAX_S))


def _cookies(path: Path) -> io.StringIO:
    # Given a path yt-dlp rewrites the file at its end, and several workers would do so at once.
    try:
        return io.StringIO(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f"The cookie file {shown(str(path))} can't be read: {reason}",
            remedy="Export it in Netscape format and set download.cookies_file",
        ) from None


def cookies_of(chosen: Info) -> YoutubeDLCookieJar:
    """The cookies that these ``options`` name, loaded as a session loads them; yt-dlp prints lines of the file
    that it can't read to standard error.

    Raises:
        ConfigError: the file isn't one of cookies, or the browser's can't be had.
    """
    try:
        return load_cookies(chosen.get("cookiefile"), chosen.get("cookiesfrombrowser"), None)
    except CookieLoadError as error:
        why = str(error.__context__ or error).replace(repr(chosen.get("cookiefile")), "the file")
        raise ConfigError(
            f"The cookies can't be loaded: {message_of(why)}",
            remedy="Check download.cookies_file (Netscape format) or download.cookies_from_browser",
        ) from None


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns whatever yt-dlp raises inside into our errors, ``what`` (no credentials) named in them."""
    try:
        yield
    except CookieLoadError as error:
        raise ConfigError(
            f"The cookies can't be loaded: {message_of(str(error))}",
            remedy="Check download.cookies_file or download.cookies_from_browser",
        ) from None
    except (YoutubeDLError, OSError) as error:
        _log.debug("yt-dlp on %s: %s", what, message_of(str(error), 2_000))
        # Not `from error`: the text of a cause would bring URLs with credentials into tracebacks.
        raise classify(error, what) from None


class Session(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp ships no types
    """A YoutubeDL that hangs up. yt-dlp looks at the head of an answer and leaves the rest, and the
    connection, to the garbage collector: a media server goes on sending into it. It speaks HTTP alone, goes
    where ``guard`` lets it, and holds no page without an end."""

    def __init__(self, chosen: Info, target: Path | None) -> None:
        self._answers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._target = target
        self.guard = Guard()
        super().__init__(chosen, auto_init=False if target else "no_verbose_header")

    def urlopen(self, req: Any) -> Any:
        try:
            answer = super().urlopen(req)
        except HTTPError as error:
            self._answers.add(error.response)
            raise
        self._answers.add(answer)
        if self._target is None:
            answer.read = bounded(answer, shown(self.guard.given or answer.url))
        return answer

    def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
        return super().build_request_director([partial(GuardedRH, guard=self.guard)], preferences)

    def prepare_filename(self, *args: Any, **kwargs: Any) -> str:
        """One file, whose name neither title nor suffix nor template (``%``, ``$HOME``) can bend."""
        return str(self._target or "media")

    def hang_up(self) -> None:
        """Closes all answers that are still open."""
        for answer in list(self._answers):
            answer.close()
        self._answers.clear()

    def close(self) -> None:
        self.hang_up()
        super().close()


def open_ydl(chosen: Info, *, target: Path | None = None, given: str | None = None) -> Session:
    """A session for looking at sources; or, given the file to write, one that opens at once and can
    only download what is resolved.

    Args:
        given: the address that the user or the ledger named, for the guard; ``extraction`` sets it itself.
    """
    with translated("yt-dlp"):
        session = Session(chosen, target)
    session.guard.given = given
    return session
