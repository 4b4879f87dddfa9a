"""Ray's life on one machine: started for a run, gone after it; or a cluster that is joined and left.

Owns the switches that Ray reads from the environment and the directory of its sessions.
"""

import hashlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from configs.catalogue import SettingsError
from configs.load import is_secret_variable
from configs.settings import RaySettings

SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # A thread that outlives ray.shutdown() must not start a cluster of its own.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    # Under `uv run` Ray would build a second environment for its workers.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # Ray's name for "other machines may join": else a Ray of one machine keeps to loopback, all its ports.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}
SOCKET_ROOM = 41
"""Longest path under which Ray's sockets still fit the kernel's limit of 107 bytes."""
SESSIONS = "s"
KEPT_SESSIONS = 5


@dataclass(frozen=True, slots=True)
class Engine:
    """A Ray that is up."""

    dashboard_url: str | None
    logs_dir: Path | None


def set_switches() -> None:
    """What Ray reads at import; call before the first ``import ray``. The user's own values stand."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)


@contextmanager
def engine(settings: RaySettings, ray_dir: Path, n_cpus: int, n_gpus: int) -> Iterator[Engine]:
    """Start Ray here and end it on leaving, or join the cluster at ``settings.address``."""
    set_switches()
    import ray

    sessions = ray_dir
    if settings.address is not None:
        context = ray.init(address=settings.address, log_to_driver=False, logging_level=logging.ERROR)
    else:
        sessions = _sessions_dir(ray_dir)
        _forget_old_sessions(sessions)
        with _without_secrets():
            context = ray.init(
                num_cpus=n_cpus,
                num_gpus=n_gpus,
                object_store_memory=2 * settings.object_store_bytes,  # Ray Data takes half of the store
                include_dashboard=settings.dashboard,
                dashboard_host="127.0.0.1",
                dashboard_port=_free_port(settings.dashboard_port) if settings.dashboard else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _temp_dir=str(sessions),
            )
    try:
        address = context.dashboard_url or None
        session = ray.get_runtime_context().get_session_name() if settings.address is None else None
        yield Engine(
            dashboard_url=f"http://{address}" if address else None,
            logs_dir=sessions / session / "logs" if session else None,
        )
    finally:
        ray.shutdown()


@contextmanager
def _without_secrets() -> Iterator[None]:
    """Ray's processes inherit the environment of this moment; their settings come in their arguments."""
    held = {name: value for name, value in os.environ.items() if is_secret_variable(name)}
    for name in held:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(held)


def _free_port(wanted: int) -> int:
    """The port, or the next one on loopback that nobody listens on: another run may have its dashboard."""
    for port in range(wanted, min(wanted + 100, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return wanted


def _sessions_dir(ray_dir: Path) -> Path:
    """Where Ray keeps sockets and logs: in the home, or where its path is too long for a socket in a directory
    of the system's temporary one. Ray opens the directory that it is given to everybody (mode 0777), so it is
    given one inside of a private one."""
    private = ray_dir
    if len(str(ray_dir / SESSIONS)) > SOCKET_ROOM:
        digest = hashlib.sha256(str(ray_dir).encode()).hexdigest()[:8]
        private = Path(tempfile.gettempdir()) / f"earmark-{os.getuid()}-{digest}"
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    if private.stat().st_uid != os.getuid():
        raise SettingsError(f"{private} belongs to another user; set EARMARK_HOME to a shorter path")
    private.chmod(0o700)
    return private / SESSIONS


def _forget_old_sessions(sessions: Path) -> None:
    """Ray keeps the logs of every session; ours keeps the last few that no process uses."""
    found = sorted((p for p in sessions.glob("session_2*") if p.is_dir()), key=lambda p: p.name)
    for old in found[:-KEPT_SESSIONS]:
        if not _in_use(old):
            shutil.rmtree(old, ignore_errors=True)


def _in_use(session: Path) -> bool:
    """Ray's session names end in the process id of the driver that began them."""
    pid = session.name.rpartition("_")[2]
    return pid.isdigit() and Path(f"/proc/{pid}").exists()
