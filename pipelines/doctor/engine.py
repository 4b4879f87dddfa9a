"""Ray: its version, who may use it, and where a cluster is named, whether it can be joined.

Starts none: what a start needs of the machine is looked at in ``machine.py``.
"""

import os
import socket
import stat
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from actors.errors import ConfigError
from cluster.connect import engine
from configs.engine import RaySettings
from pipelines.doctor.child import ask
from pipelines.doctor.finding import Finding, Surroundings, ok, warning, wrong

TESTED = SpecifierSet(">=2.60,<2.64")
CLUSTER_LIMIT_S = 60.0
KNOCK_S = 5.0
REACH = (
    "See that it runs and that Ray and Python have the same versions on both sides; a token of its own goes into "
    "RAY_AUTH_TOKEN; or unset ray.address"
)


def release(around: Surroundings) -> Iterator[Finding]:
    installed = version("ray")
    if TESTED.contains(installed, prereleases=True):
        yield ok("Ray", f"{installed}, within {TESTED}")
    else:
        yield wrong(
            "Ray", f"{installed}, and Earmark is made for {TESTED}",
            f"pip install 'ray[data,default]{TESTED}', the same on every node",
        )  # fmt: skip


def token(around: Surroundings) -> Iterator[Finding]:
    """Without a token whoever reaches Ray's ports runs code as this user."""
    mode = os.environ.get("RAY_AUTH_MODE", "")
    if mode == "disabled":
        yield warning(
            "Ray's token", "RAY_AUTH_MODE=disabled: every user of this machine may run code as you through Ray",
            "Leave RAY_AUTH_MODE unset; the token is in ~/.ray/auth_token",
        )  # fmt: skip
        return
    if os.environ.get("RAY_AUTH_TOKEN"):
        yield ok("Ray's token", "asked for, out of RAY_AUTH_TOKEN")
        return
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    if not path.exists():
        yield ok("Ray's token", f"asked for; the first run makes it in {path}")
    elif not path.read_text(encoding="utf-8").strip():
        yield wrong("Ray's token", f"{path} is empty", "Remove it: the next run makes a new one")
    elif _others_read(path):
        yield warning(
            "Ray's token", f"other users of this machine can read {path}", f"chmod 600 {path}"
        )  # fmt: skip
    else:
        yield ok("Ray's token", f"asked for, and only this user can read {path}")


def _others_read(path: Path) -> bool:
    """Whether the file's rights and those of every directory above let anybody at it."""
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)


def cluster(around: Surroundings) -> Iterator[Finding]:
    ray = around.settings.ray
    if ray.address is None:
        yield ok("cluster", "none is named: a run starts Ray here and ends it afterwards")
        return
    _knock(ray.address)
    question = {"ray": ray.model_dump(mode="json"), "home": str(around.home.ray_dir)}
    found = ask("pipelines.doctor.engine:join", question, limit_s=CLUSTER_LIMIT_S)
    yield ok("cluster", f"{found['nodes']} nodes with {found['cpus']:g} CPUs and {found['gpus']:g} GPUs")


def _knock(address: str) -> None:
    """See that somebody listens there: Ray itself tries for minutes, whatever is wrong.

    Raises:
        ConfigError: nobody does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto": Ray looks on this machine, and says at once if there is none
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()
    except OSError as error:
        raise ConfigError(f"nobody answers at {address} ({error.strerror or error})", remedy=REACH) from error


def join(question: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a child: join the cluster, count, leave.

    Raises:
        ConfigError: it can't be joined.
    """
    import ray

    settings = RaySettings(**question["ray"])
    try:
        with engine(settings, Path(question["home"]), 0, 0) as there:
            n_nodes = sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]
            return {"nodes": n_nodes, "cpus": there.n_cpus, "gpus": there.n_gpus}
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"the cluster at {settings.address} can't be joined: {str(error).strip().splitlines()[0]}",
            remedy=REACH,
        ) from error
