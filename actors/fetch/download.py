"""The second stage: a video's audio track as bytes, exactly as the source has it.

Owns limits of size, the one fresh extraction when a link is stale, and that nothing is left on the
disk. Resuming a broken transfer is yt-dlp's; what a refusal means is ``messages``'.
"""

import dataclasses
import re
from contextlib import closing
from pathlib import Path

from actors.errors import ConfigError, EarmarkError, PermanentError, TransientError
from actors.fetch.admission import Admission, always
from actors.fetch.extraction import choose, link_expired, page_of, resolve, unpacked
from actors.fetch.identity import path_of
from actors.fetch.local_file import read_whole
from actors.fetch.private_hosts import is_private
from actors.fetch.scratch import scratch_folder, sweep
from actors.fetch.sniff import sniff
from actors.fetch.wording import shown
from actors.fetch.ytdlp import Info, open_ydl, options, translated
from actors.rows import Audio, Video
from configs.settings import DownloadSettings

_WHOLE_SHARE = 0.98
"""A file may be this much smaller than the format list says: YouTube's own figures are off by bytes."""


class Downloader:
    """Fetches audio tracks into memory by way of a private folder. Safe to call from several threads."""

    def __init__(self, settings: DownloadSettings, cache_dir: Path, admission: Admission = always) -> None:
        """Also removes what killed processes left below ``cache_dir``.

        Args:
            admission: asked for each fresh extraction; the transfer itself needs no leave.

        Raises:
            ConfigError: the cookie file can't be read, or the cache directory not be made.
        """
        self._settings = settings
        self._cache_dir = cache_dir
        self._admission = admission
        options(settings, cache_dir, timeout_s=settings.timeout_s)
        try:
            sweep(cache_dir)
        except OSError as error:
            raise ConfigError(
                f"Nothing can be written below {shown(str(cache_dir))}: {error.strerror}",
                remedy="Free some space, or set another cache directory",
            ) from error

    def __call__(self, video: Video) -> Audio:
        """The video's audio.

        Raises:
            Rejected: ``no_audio``.
            PermanentError: ``too_large``, ``not_media``, ``undecodable``, ``not_found``, ``no_file`` …
            TransientError: ``truncated``, ``file_changed``, ``network``, ``timeout``, ``throttled`` …
            SoftBlocked, NotNow: the source turns us away, or may not be asked yet.
        """
        what = shown(video.meta.title)
        if video.info_json:
            info = unpacked(video.info_json)
            content, named = self._fetch_refreshing(info, what), str(info.get("ext") or "")
        else:
            path = path_of(video.meta.url)
            content, named = read_whole(path, self._settings.max_bytes), path.suffix[1:].lower()
        sniffed = sniff(content, what, is_local=not video.info_json)
        is_telling = re.fullmatch(r"[a-z0-9]{1,5}", named) is not None  # unknown_video is not
        duration_s = video.meta.duration_s or sniffed.promised_s
        return Audio(
            video_id=video.video_id,
            fence=video.fence,
            meta=dataclasses.replace(video.meta, duration_s=duration_s),
            content=content,
            extension=named if is_telling else sniffed.extension,
        )

    def _fetch_refreshing(self, info: Info, what: str) -> bytes:
        """Fetches the track; a stale link is renewed by one fresh extraction."""
        if not link_expired(info):
            try:
                return self._fetch(info, what)
            except EarmarkError as error:
                if not _may_be_stale(info, error):
                    raise
        chosen = options(self._settings, self._cache_dir, timeout_s=self._settings.timeout_s)
        page = page_of(info)
        with self._admission(page), closing(open_ydl(chosen)) as ydl:
            fresh = choose(ydl, resolve(ydl, page), page)
        return self._fetch(fresh, what)

    def _fetch(self, info: Info, what: str) -> bytes:
        limit = self._settings.max_bytes
        self._refuse_larger(info.get("filesize"), what)

        lengths: set[int] = set()

        def watch(progress: Info) -> None:
            self._refuse_larger(progress.get("downloaded_bytes"), what)
            if progress.get("total_bytes"):
                self._refuse_larger(progress["total_bytes"], what)
                lengths.add(progress["total_bytes"])
            if len(lengths) > 1:  # resumed into another version of the file
                raise _changed(what)

        with translated(what), scratch_folder(self._cache_dir) as folder:
            chosen = options(
                self._settings, self._cache_dir, timeout_s=self._settings.timeout_s, on_progress=watch
            )
            given = _admitted(info)
            with closing(open_ydl(chosen, target=folder / "media", given=given)) as ydl:
                ydl.process_ie_result(info, download=True)
            content = _only_file(folder / "media", what, limit)
        promised = info.get("filesize")
        if isinstance(promised, int) and len(content) < promised * _WHOLE_SHARE:
            raise _truncated(what, f"{len(content):,} of {promised:,} bytes arrived")
        return content

    def _refuse_larger(self, n_bytes: object, what: str) -> None:
        limit = self._settings.max_bytes
        if isinstance(n_bytes, int | float) and n_bytes > limit:
            raise PermanentError(
                f"{what}: the audio track has {n_bytes:,.0f} bytes or more; the limit is {limit:,}",
                code="too_large",
                remedy="Raise download.max_bytes; each download in flight lies in memory",
            )


def _admitted(info: Info) -> str:
    """The address from which this track followed: the track's own where the prefilter has let it lie in a
    private network, else its page's."""
    media = str(info.get("url") or "")
    return media if is_private(media) else page_of(info)


def _may_be_stale(info: Info, error: EarmarkError) -> bool:
    """Whether a fresh extraction could give a link that works: sources answer 403, some 404, to a
    link of yesterday. For an address that is the media itself a 404 is the truth."""
    is_the_address_itself = bool(info.get("direct")) and info.get("url") == page_of(info)
    return error.code == "forbidden" or (error.code == "not_found" and not is_the_address_itself)


def _only_file(path: Path, what: str, limit: int) -> bytes:
    if not path.is_file():
        raise _truncated(what, "yt-dlp ended without a file")
    return read_whole(path, limit)


def _changed(what: str) -> TransientError:
    message = f"{what}: the server named two lengths for it, as if it changed meanwhile"
    return TransientError(message, code="file_changed", retry_after_s=60)


def _truncated(what: str, detail: str) -> TransientError:
    return TransientError(
        f"{what}: the transfer stopped short ({detail})", code="truncated", retry_after_s=60
    )
