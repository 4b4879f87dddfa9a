"""The machine: room under EARMARK_HOME, shared memory, memory, open files, and the dashboard's port.

Owns how much is enough. Whether rows are Ray's or the database's disk is full is theirs to say.
"""

import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from cluster.connect import free_port
from cluster.hardware import find_hardware
from cluster.resources import GIB, plan_pools
from pipelines.doctor.finding import Finding, Surroundings, ok, warning, wrong

LEAST_FREE_BYTES = 1 * GIB
"""Below this the database's log and one long track fill the disk within minutes."""
ENOUGH_FREE_BYTES = 10 * GIB
FILES_RAY_TRIES_FOR = 65_536
"""To which ``ray.init`` raises the soft limit where the hard one lets it."""
LEAST_FILES, ENOUGH_FILES = 1_024, 8_192
"""Ray itself warns below 8,192; with fewer than a thousand its processes fail at connections."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - Ray's own place for its object store
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
BESIDE_STORE_BYTES = 2 * GIB
"""What Ray's own processes and the stages' take beside the object store, models apart."""


def disk(around: Surroundings) -> Iterator[Finding]:
    """Raises SettingsError where the home can't be made."""
    around.home.create()
    place = around.home.root
    free, keep = shutil.disk_usage(place).free, around.settings.archive
    more = "Free some space, or set EARMARK_HOME to a directory on a larger disk"
    said = f"{free / GIB:.1f} GiB free under {place}"
    if free < LEAST_FREE_BYTES:
        yield wrong("disk", said, more)
        return
    with tempfile.TemporaryFile(dir=place) as probe:
        probe.write(b"can it be written?")
    if free < ENOUGH_FREE_BYTES:
        yield warning("disk", said, more)
    elif keep.keep == "always" and free < keep.max_bytes:
        yield warning("disk", f"{said}, and archive.max_bytes is {keep.max_bytes / GIB:.1f} GiB", more)
    else:
        yield ok("disk", said)


def shared_memory(around: Surroundings) -> Iterator[Finding]:
    """Ray takes the disk instead where the object store doesn't fit; everything becomes slow."""
    needed = 2 * around.settings.ray.object_store_bytes
    if around.settings.ray.address is not None or not SHARED_MEMORY.is_dir():
        yield ok("shared memory", "not used: the cluster's nodes have their own, or this system has none")
        return
    free = shutil.disk_usage(SHARED_MEMORY).free
    said = f"{free / GIB:.1f} GiB free, the object store takes up to {needed / GIB:.1f}"
    if free < needed:
        yield warning(
            "shared memory", f"{said}: Ray would put it on disk",
            f"Start the container with --shm-size={needed / 1e9 * 1.25:.1f}g, or set ray.object_store_bytes to "
            f"{max(100_000_000, free * 2 // 5)} or less",
        )  # fmt: skip
    else:
        yield ok("shared memory", said)


def memory(around: Surroundings) -> Iterator[Finding]:
    available = psutil.virtual_memory().available
    limit = _cgroup_limit()
    available = min(available, limit) if limit is not None else available
    needed = 2 * around.settings.ray.object_store_bytes + BESIDE_STORE_BYTES
    said = f"{available / GIB:.1f} GiB available, {needed / GIB:.1f} wanted beside the models"
    if around.settings.ray.address is None and available < needed:
        yield warning("memory", said, "Set ray.object_store_bytes and the pools lower, or end other programs")
    else:
        yield ok("memory", said)


def _cgroup_limit() -> int | None:
    """Bytes that this container may use; None: no limit."""
    if not CGROUP_LIMIT.is_file():
        return None
    text = CGROUP_LIMIT.read_text(encoding="utf-8").strip()
    return int(text) if text.isdigit() else None


def open_files(around: Surroundings) -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    reachable = max(soft, FILES_RAY_TRIES_FOR) if unlimited else min(hard, max(soft, FILES_RAY_TRIES_FOR))
    said = f"{reachable} may be open at once (limit {soft}, which Ray may raise to {'any' if unlimited else hard})"
    remedy = f"Raise it before the start: ulimit -Hn {FILES_RAY_TRIES_FOR}, or LimitNOFILE in the unit file"
    if reachable < LEAST_FILES:
        yield wrong("open files", said, remedy)
    elif reachable < ENOUGH_FILES:
        yield warning("open files", said, remedy)
    else:
        yield ok("open files", said)


def ports(around: Surroundings) -> Iterator[Finding]:
    ray = around.settings.ray
    wanted = {}
    if ray.address is None and ray.dashboard:
        wanted["dashboard"] = ("ray.dashboard_port", ray.dashboard_port)
    if ray.address is None and ray.metrics_port is not None:
        wanted["metrics"] = ("ray.metrics_port", ray.metrics_port)
    if not wanted:
        yield ok("ports", "nothing that is started here needs a fixed one")
    for what, (setting, port) in wanted.items():
        yield _port(what, setting, port)


def _port(what: str, setting: str, port: int) -> Finding:
    found = free_port(port)
    if found == port:
        return ok("ports", f"{port} is free for Ray's {what}")
    if found is not None:
        return warning(
            "ports", f"{port} is taken, a run's {what} would come up at {found}",
            f"Look whether another run or Ray is up, or set {setting}",
        )  # fmt: skip
    return wrong("ports", f"{port} and the hundred after it are taken", f"Set {setting}")


def pools(around: Surroundings) -> Iterator[Finding]:
    """Raises DoesNotFit where these settings can't run here."""
    hardware = find_hardware()
    planned = plan_pools(around.settings, hardware)
    cards = f" and {len(hardware.gpus)} GPUs" if hardware.gpus else ""
    said = (
        f"{hardware.n_cpus} cores{cards} take {planned.n_transcribers} × recogniser on {planned.transcribe_device} "
        f"and the embedding model on {planned.embed_device}"
    )
    cut = [note for note in planned.notes if " of " in note]
    if cut:
        yield warning("pools", "; ".join(cut), "`run.py plan` shows what is used; ask for as many as fit")
    else:
        yield ok("pools", said)
