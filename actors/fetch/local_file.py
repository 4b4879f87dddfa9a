"""A file of this machine as a source: the same limits as for a download.

Owns reading it whole and noticing that somebody is still writing it. Decides nothing about content.
"""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from actors.errors import PermanentError, TransientError
from actors.fetch.wording import cleaned, shown
from actors.rows import VideoMeta


def describe_file(path: Path, url: str) -> VideoMeta:
    """What a file's name says of it; the file system's dates say when it was copied, not published.

    Raises:
        PermanentError: see ``status_of``.
    """
    status_of(path)
    return VideoMeta(title=cleaned(path.stem) or path.name, url=url, extractor="file")


def status_of(path: Path) -> os.stat_result:
    """The status of a regular file.

    Raises:
        PermanentError: ``no_file``, ``forbidden``, or ``unsupported`` for a folder, pipe or device.
    """
    try:
        status = path.stat()
    except PermissionError as error:
        raise _forbidden(path) from error
    except OSError as error:
        raise PermanentError(
            f"There is no file {shown(str(path))}", code="no_file", remedy="Check the path"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise PermanentError(
            f"{shown(str(path))} is no regular file", code="unsupported", remedy="Name a media file"
        )
    return status


def read_whole(path: Path, max_bytes: int) -> bytes:
    """The file's bytes.

    Raises:
        PermanentError: ``too_large``, or as ``status_of``.
        TransientError: ``file_changed`` if it changed while it was read.
    """
    before = status_of(path)
    if before.st_size > max_bytes:
        raise PermanentError(
            f"{shown(str(path))} has {before.st_size:,} bytes; the limit is {max_bytes:,}",
            code="too_large",
            remedy="Raise download.max_bytes, or extract its audio track first",
        )
    try:
        with path.open("rb") as file:
            content = file.read(before.st_size + 1)
            after = os.fstat(file.fileno())
    except PermissionError as error:
        raise _forbidden(path) from error
    if (len(content), after.st_mtime_ns, after.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino):
        since = datetime.fromtimestamp(after.st_mtime, UTC)
        raise TransientError(
            f"{shown(str(path))} changed while it was read (last at {since:%H:%M:%S} UTC)",
            code="file_changed",
            remedy="Ingest it again once it is complete",
            retry_after_s=60,
        )
    return content


def _forbidden(path: Path) -> PermanentError:
    return PermanentError(
        f"{shown(str(path))} may not be read", code="forbidden", remedy="Give this user the right to read it"
    )
