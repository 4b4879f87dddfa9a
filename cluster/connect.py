"""Ray's life on one machine: started for a run, gone after it; or a cluster that is joined and left.

Owns the directory of its sessions.
"""

import hashlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from cluster.capacity import at_most
from cluster.switches import set_switches
from configs.catalogue import SettingsError
from configs.engine import RaySettings
from configs.load import is_secret_variable

SOCKET_ROOM = 41
"""Longest path under which Ray's sockets still fit the kernel's limit of 107 bytes."""
SESSIONS = "s"
KEPT_SESSIONS = 5
TEMPORARY = "tmp_"
"""Begins the name of a run's temporary directory; the driver's process id ends it."""
START_ATTEMPTS = 3
PORTS = ("dashboard_port", "_metrics_export_port")
NODE_PROGRAMS = ("raylet", "gcs_server")
GONE_WITHIN_S = 5.0
MOST_SAID = 300
"""Characters of Ray's words that an error repeats."""
METRICS_EVERY_MS = 5000
"""How often Ray's processes hand their metrics to the endpoint: as often as Prometheus asks by the configuration that
ships. With Ray's own 10 s a sixth of a run of a minute is missing; 2 s cost a line that binds on its cores 5 %."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """A Ray that is up."""

    dashboard_url: str | None
    logs_dir: Path | None
    n_cpus: float
    n_gpus: float
    """What Ray has to book in all, on a cluster of several nodes the sum, with those that its autoscaler may add."""
    metrics_address: str | None = None
    """Host and port of the Prometheus endpoint of a Ray that was started here with metrics."""
    node: tuple[psutil.Process, ...] = ()
    """The processes that make up a node started here, without which nothing works."""

    def dead(self) -> list[str]:
        """Names of those that have died."""
        return [name for name, process in zip(NODE_PROGRAMS, self.node, strict=False) if not _lives(process)]

    def kill(self) -> None:
        """End every process of a Ray that was started here, at once and without its help. Nothing happens
        to a cluster that was joined."""
        session = self.logs_dir.parent if self.logs_dir is not None else None
        mine = psutil.Process().children() if session is not None else []
        found = [process for process in mine if str(session) in " ".join(_command(process))]
        found += [below for process in list(found) for below in _children(process)]
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=GONE_WITHIN_S)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _node() -> tuple[psutil.Process, ...]:
    """This process's own children of these names, which Ray has just started."""
    children = {process.name(): process for process in psutil.Process().children()}
    return tuple(children[name] for name in NODE_PROGRAMS)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@contextmanager
def engine(
    settings: RaySettings, ray_dir: Path, n_cpus: int, n_gpus: int, *, with_metrics: bool = False
) -> Iterator[Engine]:
    """Start Ray here and end it on leaving, or join the cluster at ``settings.address``.

    Args:
        with_metrics: somebody wants the metrics of a Ray that is started here, and soon.
    """
    set_switches()
    import ray

    sessions = ray_dir
    if settings.address is not None:
        context = join(settings.address)
    else:
        sessions = _sessions_dir(ray_dir)
        _forget_old_sessions(sessions)
        with temporary_dir(sessions), _without_secrets():
            context = _init(
                num_cpus=n_cpus,
                num_gpus=n_gpus,
                object_store_memory=2 * settings.object_store_bytes,  # Ray Data takes half of the store
                include_dashboard=settings.dashboard,
                dashboard_host="127.0.0.1",
                dashboard_port=settings.dashboard_port if settings.dashboard else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _temp_dir=str(sessions),
                **_metrics_options(settings.metrics_port) if with_metrics else {},
            )
    try:
        address = context.dashboard_url or None
        session = ray.get_runtime_context().get_session_name() if settings.address is None else None
        there = at_most(settings)
        yield Engine(
            dashboard_url=f"http://{address}" if address else None,
            logs_dir=sessions / session / "logs" if session else None,
            n_cpus=there.cpus,
            n_gpus=there.gpus,
            node=_node() if session else (),
            metrics_address=_metrics_address() if session and with_metrics else None,
        )
    finally:
        ray.shutdown()
        if settings.address is None:
            shutil.rmtree(_own_temporary(sessions), ignore_errors=True)


def join(address: str) -> Any:
    """Join the cluster, or stay in it; gives Ray's context.

    Raises:
        SettingsError: there is none, this machine is no node of it, or it doesn't let us in.
    """
    set_switches()
    from ray.exceptions import AuthenticationError

    try:
        return _init(
            address=address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True
        )
    except AuthenticationError as error:
        raise SettingsError(
            f"the Ray cluster at {address} (ray.address) doesn't let us in ({_said(error.message)}). Set RAY_AUTH_MODE=token "
            "and RAY_AUTH_TOKEN_PATH to a file with its token"
        ) from error
    except (
        ConnectionError,
        RuntimeError,
        ValueError,
    ) as error:  # on a machine that is no node it is RuntimeError
        raise SettingsError(
            f"ray.address is {address} and no Ray cluster can be joined there ({_said(error)}). Run this on a node of the "
            "cluster, or use `run.py submit` from elsewhere"
        ) from error


def _said(error: object) -> str:
    """On one line."""
    return " ".join(str(error).split())[:MOST_SAID] or type(error).__name__


def beside_the_driver(actor_class: Any) -> Any:
    """An actor class whose actors live on the driver's node: they end with the run, not with some other node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    return actor_class.options(scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=True))


def _metrics_options(port: int | None) -> dict[str, Any]:
    """Ray's agent binds the endpoint to the node's address, which is loopback here; to any free port where
    none is given."""
    interval = {"metrics_report_interval_ms": METRICS_EVERY_MS}
    return {"_system_config": interval, "_metrics_export_port": port}


def _metrics_address() -> str | None:
    import ray

    node = next((node for node in ray.nodes() if node["Alive"]), None)  # type: ignore[no-untyped-call]
    if node is None or node["MetricsExportPort"] <= 0:
        return None
    host = node["NodeManagerAddress"]
    return f"[{host}]:{node['MetricsExportPort']}" if ":" in host else f"{host}:{node['MetricsExportPort']}"


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


def _init(**options: Any) -> Any:
    """``ray.init``, tried again where a busy machine is the trouble, and with our SIGTERM handler left in
    place: Ray gives its node's helpers 15 s, a fixed limit, to say where they listen. What a failed start
    leaves behind ends with this process. Dashboard and metrics get the next port that is free; another run may
    take it at the same moment, and then they get another one."""
    import ray

    def begin() -> Any:
        wanted = {name: options[name] for name in PORTS if options.get(name)}
        return ray.init(**options | {name: free_port(port) or port for name, port in wanted.items()})

    handler = signal.getsignal(signal.SIGTERM)
    starting = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(START_ATTEMPTS), reraise=True, before_sleep=_after_failed_start,
    )  # fmt: skip
    try:
        return starting(begin)
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _may_pass(error: BaseException) -> bool:
    """What Ray says of a node that didn't come up in time is a bare ``Exception``, often without a word."""
    return type(error) is Exception or "occupied" in str(error)


def _after_failed_start(state: RetryCallState) -> None:
    import ray

    logger.warning("Ray didn't start (attempt %d)", state.attempt_number)
    ray.shutdown()


def free_port(wanted: int) -> int | None:
    """The port, or the next one on loopback that nobody listens on: another run may have its dashboard. ``None``
    where the hundred after it are taken as well."""
    for port in range(wanted, min(wanted + 100, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return None


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


def _own_temporary(sessions: Path) -> Path:
    return sessions / f"{TEMPORARY}{os.getpid()}"


@contextmanager
def temporary_dir(sessions: Path) -> Iterator[Path]:
    """Whoever starts inside gets a temporary directory of this run's own: Ray's processes are ended
    without a chance to tidy up. What a killed run left there goes now."""
    for old in sessions.glob(f"{TEMPORARY}*"):
        if not _in_use(old):
            shutil.rmtree(old, ignore_errors=True)
    folder = _own_temporary(sessions)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.gettempdir()  # this process's own choice is made, and stays
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before


def _in_use(folder: Path) -> bool:
    """Their names, as those of Ray's sessions, end in the process id of the driver that began them."""
    pid = folder.name.rpartition("_")[2]
    return pid.isdigit() and Path(f"/proc/{pid}").exists()
