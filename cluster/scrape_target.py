"""Tells Prometheus where the endpoints of runs are that go on now: a file a run, gone with it.

Prometheus's ``file_sd_configs`` reads them (``*.json`` in one directory). Ray writes such a file itself, but only where
its dashboard is up, one for all the Rays of a directory, and it stays when Ray has gone.

A run that goes on holds a flock on its file: the kernel frees it however the process ends, and it means the same in
every container, where process ids don't. Between hosts that share a directory it may mean nothing, so each leaves
the others' files alone.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

JOB = "ray"
OURS = "earmark-run-*_*.json"
"""Files of runs; all others in the directory are their owners'."""


@contextmanager
def scrape_target(folder: Path, name: str, address: str) -> Iterator[Path]:
    """Have ``address`` (host and port) scraped until the block ends; gives the file.

    What killed runs of this host left behind goes now.

    Args:
        name: of the run, ``earmark-run-7``.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    host = socket.gethostname().replace("_", "-")
    for old in folder.glob(OURS):
        if old.stem.split("_")[1:-1] == [host]:
            _remove_if_left(old)
    target = folder / f"{name}_{host}_{os.getpid()}.json"
    written = target.with_suffix(".new")  # Prometheus must not read half of it
    with written.open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps([{"targets": [address], "labels": {"job": JOB}}]) + "\n")
        file.flush()
        written.replace(target)  # with its lock
        try:
            yield target
        finally:
            target.unlink(missing_ok=True)


def _remove_if_left(target: Path) -> None:
    """Whoever wrote it holds it as long as he lives."""
    try:
        file = target.open("r+b")  # NFS wants it open for writing
    except OSError:  # its run has just ended; or another user's
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held; or a file system without locks, where nothing is known
            return
        target.unlink(missing_ok=True)
