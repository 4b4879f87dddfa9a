"""The first stage: can a video be had, and is it wanted? One extraction answers both.

Owns the user's rules about which videos to leave out. What yt-dlp says goes through ``extraction``;
what its refusals mean through ``messages``.
"""

import threading
from pathlib import Path

from actors.errors import Rejected, SoftBlocked
from actors.fetch.admission import Admission, always
from actors.fetch.describe import Facts, describe, facts_of
from actors.fetch.extraction import LIST_TYPES, choose, packed, resolve
from actors.fetch.identity import is_short, path_of
from actors.fetch.listing import LeftOut, Listing, entries_of
from actors.fetch.local_file import describe_file
from actors.fetch.wording import cleaned, shown
from actors.fetch.ytdlp import Info, Session, open_ydl, options
from actors.rows import Request, Video
from configs.settings import DownloadSettings, PrefilterSettings

MAX_LIST_DEPTH = 3
"""Lists that may lead to a list: a channel's tab holds playlists. Pages that name the next page for ever,
or each other under new names, end here."""


def decide(facts: Facts, settings: PrefilterSettings) -> Rejected | None:
    """The reason to leave a video out by the user's settings, or None to take it."""
    what = shown(facts.url)
    if settings.skip_shorts and facts.is_short:
        return Rejected(
            f"{what} is a Short", code="short", remedy="Set prefilter.skip_shorts to false to take it"
        )
    if settings.skip_upcoming and facts.live_status == "is_upcoming":
        return Rejected(f"{what} has not begun", code="upcoming", remedy="Ingest it again once it is over")
    if settings.skip_live and facts.live_status in ("is_live", "post_live"):
        return Rejected(
            f"{what} is still live, or its recording is not ready",
            code="live",
            remedy="Ingest it again once it is over",
        )
    if facts.duration_s is not None and facts.duration_s > settings.max_duration_s:
        return Rejected(
            f"{what} lasts {facts.duration_s / 3600:.1f} h; the limit is {settings.max_duration_s / 3600:.1f} h",
            code="too_long",
            remedy="Raise prefilter.max_duration_s to take it",
        )
    return None


class Prefilter:
    """Asks sources about videos. Calls may come from several threads; each has its own session."""

    def __init__(
        self, settings: PrefilterSettings, download: DownloadSettings, cache_dir: Path,
        admission: Admission = always,
    ) -> None:  # fmt: skip
        """
        Args:
            admission: asked for each extraction.

        Raises:
            ConfigError: the cookie file can't be read.
        """
        self._settings = settings
        self._download = download
        self._cache_dir = cache_dir
        self._admission = admission
        self._own_cookies = bool(download.cookies_file or download.cookies_from_browser)
        self._of_thread = threading.local()
        self._session()

    def __call__(self, request: Request) -> Video | Listing:
        """What the request's address holds: a video that can be had, or a list not read yet.

        Raises:
            Rejected: left out by the settings.
            PermanentError, TransientError, SoftBlocked: the source refuses.
            NotNow: it may not be asked yet.
        """
        if request.url.startswith("file:"):
            meta = describe_file(path_of(request.url), request.url)
            return Video(request.video_id, request.fence, meta, info_json="")
        self._apply_rules(Facts(request.url, is_short=is_short(request.url)))  # saves asking about Shorts
        try:
            with self._admission(request.url):
                return self._look(request, self._session())
        except SoftBlocked:
            self._forget_session()  # the block may hang on its cookies
            raise

    def _look(self, request: Request, ydl: Session) -> Video | Listing:
        info = resolve(ydl, request.url)
        if info.get("_type", "video") in LIST_TYPES:
            return self._listing(request, info)
        self._apply_rules(facts_of(info, request.url))
        chosen = choose(ydl, info, request.url)
        self._apply_rules(facts_of(chosen, request.url))  # what only the processed info says
        return self._video(request, chosen)

    def _listing(self, request: Request, info: Info) -> Listing:
        depth = request.hint.list_depth if request.hint else 0
        if depth > MAX_LIST_DEPTH:
            raise Rejected(
                f"{shown(request.url)} is a list, and {depth} lists one inside of the other led to it",
                code="nested_list",
                remedy="Ingest that list itself if you want it",
            )
        left_out = LeftOut()
        limit = self._settings.max_list_entries
        entries = entries_of(info, request.url, limit, left_out, depth=depth + 1)
        title = cleaned(str(info.get("title") or ""))
        return Listing(request.video_id, request.fence, title, entries, left_out)

    def _video(self, request: Request, chosen: Info) -> Video:
        meta = describe(chosen, request.video_id, request.hint)
        return Video(request.video_id, request.fence, meta, packed(chosen, own_cookies=self._own_cookies))

    def _apply_rules(self, facts: Facts) -> None:
        rejected = decide(facts, self._settings)
        if rejected is not None:
            raise rejected

    def _session(self) -> Session:
        """This thread's session: kept, because a session that starts anew with every video is
        blocked sooner, and fetches YouTube's player anew."""
        ydl: Session | None = getattr(self._of_thread, "ydl", None)
        if ydl is None:
            ydl = open_ydl(options(self._download, self._cache_dir, timeout_s=self._settings.timeout_s))
            self._of_thread.ydl = ydl
        return ydl

    def _forget_session(self) -> None:
        self._session().close()
        del self._of_thread.ydl
