"""A small disk of its own for what a run fetches, that can be filled up.

A tmpfs where mounting is permitted: writing into it fails with ENOSPC. Elsewhere the downloaders' limit
of file size (RLIMIT_FSIZE) is set to nothing, and writing fails with EFBIG.
"""

import resource
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

SIZE_BYTES = 24 * 2**20


class SmallDisk:
    """Holds the directories of ``home`` in which fetched audio lies."""

    def __init__(self, home: Path, names: Sequence[str] = ("cache", "audio")) -> None:
        self._mount = home / "disk"
        self._mount.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=0700", "tmpfs", str(self._mount)]
        self.is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        for name in names:
            (self._mount / name).mkdir()
            (home / name).symlink_to(self._mount / name)

    def fill(self, writers: Sequence[psutil.Process]) -> None:
        """Leave no byte free; without a disk of our own, allow ``writers`` no byte."""
        if not self.is_mounted:
            self._limit(writers, 0)
            return
        with (self._mount / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while ballast.write(bytes(65_536)):
                pass

    def free(self, writers: Sequence[psutil.Process]) -> None:
        if not self.is_mounted:
            self._limit(writers, resource.RLIM_INFINITY)
        (self._mount / "ballast").unlink(missing_ok=True)

    def _limit(self, writers: Sequence[psutil.Process], n_bytes: int) -> None:
        for process in writers:
            with suppress(ProcessLookupError):
                _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (n_bytes, hard))

    def close(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", str(self._mount)], check=True)
            self.is_mounted = False
