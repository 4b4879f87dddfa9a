"""A private folder for one transfer, gone afterwards whatever happens.

Owns where unfinished downloads lie. Knows nothing of what is put there. A folder is locked while its
process lives, and the lock dies with the process: what a killed one left is told from what a
neighbour is still using without guessing by age. POSIX only.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "transfer-"


@contextmanager
def scratch_folder(cache_dir: Path) -> Iterator[Path]:
    """A new folder below ``cache_dir``, readable by its owner only, removed at the end: also on an
    error, also on Ctrl-C."""
    folder, lock = _locked_folder(_parent(cache_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(cache_dir: Path) -> int:
    """Removes what killed processes left behind; returns how many folders that were."""
    removed = 0
    for folder in _parent(cache_dir).glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder, os.O_RDONLY)
        except OSError:
            continue  # its owner removed it just now
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        finally:
            os.close(lock)
    return removed


def _parent(cache_dir: Path) -> Path:
    parent = cache_dir / "transfers"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return parent


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)
        # A sweep came between making and locking it: take another.
