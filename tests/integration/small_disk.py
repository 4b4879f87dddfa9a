"""Commands on a disk of a few megabytes: a tmpfs in a mount namespace of its own, gone with the command."""

import os
import subprocess
from pathlib import Path

from command import ROOT

_MOUNT = 'mount -t tmpfs -o "size=$1,mode=0755" small "$2" && shift 2 && exec "$@"'


def on_small_disk(
    place: Path, size: str, command: list[str], env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command that finds an empty file system of this size (``8m``) mounted at ``place``."""
    place.mkdir(parents=True, exist_ok=True)
    who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    isolated = ["unshare", *who, "--mount", "sh", "-c", _MOUNT, "sh", size, str(place), *command]
    return subprocess.run(
        isolated, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False
    )  # fmt: skip
