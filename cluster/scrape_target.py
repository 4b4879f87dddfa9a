"""Tells Prometheus where the endpoints of runs are that go on now: a file a run, gone with it.

Prometheus's ``file_sd_configs`` reads them (``*.json`` in one directory). Ray writes such a file itself, but only where
its dashboard is up, one for all the Rays of a directory, and it stays when Ray has gone.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

JOB = "ray"


@contextmanager
def scrape_target(folder: Path, name: str, address: str) -> Iterator[Path]:
    """Have ``address`` (host and port) scraped until the block ends; gives the file.

    What a killed process left behind goes now.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        pid = old.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            old.unlink(missing_ok=True)
    target = folder / f"{name}_{os.getpid()}.json"
    written = target.with_suffix(".new")  # Prometheus must not read half of it
    written.write_text(json.dumps([{"targets": [address], "labels": {"job": JOB}}]) + "\n", encoding="ascii")
    written.replace(target)
    try:
        yield target
    finally:
        target.unlink(missing_ok=True)
