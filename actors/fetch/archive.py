"""Audio tracks as fetched, kept on this machine's disk so that a killed run needn't fetch them again.

Owns: one file a video, what is in it, and room. A file is named by a digest of the video's id, never
by a title; it holds a line of JSON and then the track. It appears whole or not at all, and what is found
damaged is removed and counts as absent. Keeping is a favour: where it can't be done, the work goes on
without. Which videos still need their track, the ledger knows.
"""

import dataclasses
import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from actors.fetch.scratch import scratch_folder, sweep
from actors.fetch.wording import shown
from actors.rows import Audio, VideoId, VideoMeta
from configs.patience import ArchiveSettings

_log = logging.getLogger(__name__)

_FORMAT = 1
"""Raise it when ``VideoMeta`` loses a field: what was kept before then counts as absent."""
_SUFFIX = ".track"
_MAX_HEADER_BYTES = 1_000_000


class AudioArchive:
    """The archive below one directory. Any number of processes may share it.

    Args:
        directory: made if need be, for its owner only.
    """

    def __init__(self, directory: Path, settings: ArchiveSettings) -> None:
        self._directory = directory
        self._settings = settings
        self._is_on = settings.keep != "none"
        if self._is_on:
            with _forgiven("can't be used", directory):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                sweep(directory)

    def keep(self, audio: Audio) -> bool:
        """Keep a track, in place of an earlier one of its video; returns whether it is kept.

        Tracks unused for longest give way to it. One that no room can be made for, or that the disk
        has none for, isn't kept.
        """
        if not self._is_on:
            return False
        head = _header(audio)
        n_bytes = len(head) + len(audio.content)
        kept = False
        if n_bytes <= self._settings.max_bytes:
            with _forgiven("keeps no track", self._directory), self._turn():
                self._make_room(n_bytes, self._path(audio.video_id))
                self._write(self._path(audio.video_id), head, audio.content)
                kept = True
        return kept

    def read(self, video_id: VideoId, fence: int) -> Audio | None:
        """The track of a video, checked whole; ``None``: there is none here.

        Args:
            fence: of the claim under which it is wanted.
        """
        if not self._is_on:
            return None
        path = self._path(video_id)
        try:
            with path.open("rb") as file:
                line, content = file.readline(_MAX_HEADER_BYTES), file.read()
        except OSError:
            return None
        audio = _parsed(line, content, video_id, fence)
        if audio is None:
            _log.warning("the archived track of %s is damaged and is removed", shown(video_id))
            self.drop(video_id)
            return None
        with suppress(OSError):  # removed by another process just now
            os.utime(path)  # used: others give way before it
        return audio

    def drop(self, video_id: VideoId) -> None:
        """Remove a video's track, if there is one."""
        with suppress(OSError):
            self._path(video_id).unlink()

    def release(self, video_id: VideoId) -> None:
        """Its video has come to its end: remove the track unless tracks are kept for good."""
        if self._settings.keep != "always":
            self.drop(video_id)

    def sweep(self, still_needed: Callable[[list[VideoId]], set[VideoId]]) -> int:
        """Remove what is left of videos that have come to their end; returns how many tracks that were.

        Args:
            still_needed: which of these videos may still want their track.
        """
        if self._settings.keep == "always":
            return 0
        found = {path: _video_of(path) for path in self._tracks()}
        needed = still_needed([video_id for video_id in found.values() if video_id is not None])
        unneeded = [path for path, video_id in found.items() if video_id is None or video_id not in needed]
        for path in unneeded:
            with suppress(OSError):
                path.unlink()
        return len(unneeded)

    def _tracks(self) -> list[Path]:
        with suppress(OSError):
            return list(self._directory.glob(f"*{_SUFFIX}"))
        return []

    def _path(self, video_id: VideoId) -> Path:
        digest = hashlib.sha256(video_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self._directory / f"{digest}{_SUFFIX}"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One process at a time makes room and fills it: together they would take too much."""
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _make_room(self, n_bytes: int, path: Path) -> None:
        path.unlink(missing_ok=True)
        found = []
        for track in self._tracks():
            with suppress(OSError):
                status = track.stat()
                found.append((status.st_mtime_ns, status.st_size, track))
        taken = sum(size for _, size, _ in found)
        for _, size, track in sorted(found):
            if taken + n_bytes <= self._settings.max_bytes:
                return
            track.unlink(missing_ok=True)
            taken -= size

    def _write(self, path: Path, head: bytes, content: bytes) -> None:
        with scratch_folder(self._directory) as folder:
            part = folder / "part"
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(head)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _header(audio: Audio) -> bytes:
    meta = dataclasses.asdict(audio.meta)
    published = audio.meta.published_at
    head = {
        "format": _FORMAT, "video_id": audio.video_id, "extension": audio.extension,
        "meta": {**meta, "published_at": published.isoformat() if published else None},
    }  # fmt: skip
    return json.dumps({**head, "sha256": _checksum(head, audio.content)}).encode() + b"\n"


def _checksum(head: dict[str, Any], content: bytes) -> str:
    """Of the track and of what is said of it: a wrong title would otherwise go unnoticed."""
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    digest.update(content)
    return digest.hexdigest()


def _parsed(line: bytes, content: bytes, video_id: VideoId, fence: int) -> Audio | None:
    head = _head(line)
    if head is None or head.get("format") != _FORMAT or head.get("video_id") != video_id:
        return None
    if head.pop("sha256", None) != _checksum(head, content):
        return None
    meta = head["meta"]
    published = meta["published_at"]
    meta["published_at"] = datetime.fromisoformat(published) if published else None
    return Audio(video_id, fence, VideoMeta(**meta), content, head["extension"])


def _head(line: bytes) -> dict[str, Any] | None:
    try:
        head = json.loads(line)
    except ValueError:
        return None
    return head if isinstance(head, dict) else None


def _video_of(path: Path) -> VideoId | None:
    """Whose track it is; ``None``: it can't be said, the file is damaged."""
    try:
        with path.open("rb") as file:
            head = _head(file.readline(_MAX_HEADER_BYTES))
    except OSError:
        return None
    video_id = head.get("video_id") if head else None
    return VideoId(video_id) if isinstance(video_id, str) else None


@contextmanager
def _forgiven(what: str, directory: Path) -> Iterator[None]:
    """A disk that is full or read-only costs the archive, never the video."""
    try:
        yield
    except OSError as error:
        _log.warning("the audio archive at %s %s: %s", shown(str(directory)), what, error.strerror or error)
