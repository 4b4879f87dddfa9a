"""A cluster of ``ray start`` processes on machines with addresses of their own, as ``cluster/boxes`` makes one of real ones."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import environment
from gates import go_on
from local_head import BIN
from street import Machine, Street
from worked import Note, noted

from tests.waiting import answers, until

HEAD = "head"
PORT = 6379
UP_WITHIN_S = 120.0
STORE_BYTES = 300_000_000
LOG_TAIL = 3000


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    document: dict[str, Any]
    """As ``apart_line.py`` writes it; empty where it didn't come to that."""
    said: str


@dataclass(frozen=True)
class Cluster:
    """It is up, or on its way."""

    street: Street
    root: Path
    token: str

    def home(self, name: str) -> Path:
        """A node's EARMARK_HOME."""
        return self.street[name].place / "home"

    def noted(self, name: str) -> list[Note]:
        """Rows that were taken in hand there."""
        return noted(self.home(name))

    def go_on(self, name: str) -> None:
        """Whoever waits on that node need wait no longer."""
        go_on(self.home(name)).touch()

    def environment(self, name: str) -> dict[str, str]:
        place = self.street[name].place
        return environment(self.home(name)) | self.street.without_proxy | {
            "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(place / "token"), "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        }  # fmt: skip

    def start_node(self, name: str, *options: str) -> "subprocess.Popen[bytes]":
        machine = self.street[name]
        (machine.place / "token").touch(mode=0o600)
        (machine.place / "token").write_text(self.token)
        return machine.start(
            str(BIN / "ray"), "start", "--block", f"--node-ip-address={machine.address}", "--disable-usage-stats",
            f"--temp-dir={machine.place / 'ray'}", f"--object-store-memory={STORE_BYTES}", *options,
            env=self.environment(name), log=self._log(name),
        )  # fmt: skip

    @contextmanager
    def driving(self, asked: Mapping[str, Any]) -> Iterator["Running"]:
        """The line of ``apart_line.py``, driven from the head."""
        head = self.street[HEAD]
        ended = head.place / "ended.json"
        ended.unlink(missing_ok=True)
        document = {**asked, "address": f"{head.address}:{PORT}", "ended": str(ended)}
        process = head.start(
            sys.executable, "-m", "tests.integration.apart_line", json.dumps(document),
            env=self.environment(HEAD), log=self._log("driver"),
        )  # fmt: skip
        try:
            yield Running(self, process, ended)
        finally:
            process.kill()
            process.wait()

    def told(self) -> str:
        """The last words of the driver and of every node."""
        logs = [self._log(name) for name in ("driver", *self.street.machines)]
        tails = (
            f"--- {log.name}\n{log.read_text(errors='replace')[-LOG_TAIL:]}" for log in logs if log.exists()
        )
        return "\n".join(tails)

    def _log(self, name: str) -> Path:
        return self.root / f"{name}.log"


@dataclass(frozen=True)
class Running:
    """A run that goes on."""

    cluster: Cluster
    process: "subprocess.Popen[bytes]"
    ended: Path

    def to_its_end(self, timeout_s: float) -> Ended:
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the run takes over {timeout_s:.0f} s\n{self.cluster.told()}") from None
        document = json.loads(self.ended.read_text()) if self.ended.exists() else {}
        return Ended(code, document, self.cluster.told())


@contextmanager
def cluster(
    street: Street, root: Path, cpu_nodes: tuple[str, ...], gpu_nodes: tuple[str, ...]
) -> Iterator[Cluster]:
    """A head without CPUs, nodes with four that Ray counts, and nodes with a card that Ray takes for one."""
    made = Cluster(street, root, secrets.token_hex(32))
    started = [
        made.start_node(
            HEAD, "--head", f"--port={PORT}", "--num-cpus=0", "--num-gpus=0", "--include-dashboard=false"
        )
    ]
    try:
        _wait_for(street[HEAD], started[0], made)
        join = f"--address={street[HEAD].address}:{PORT}"
        for name in cpu_nodes:
            options = ("--num-cpus=4", "--num-gpus=0", "--labels=earmark.io/kind=cpu")
            started.append(made.start_node(name, join, *options))
        for name in gpu_nodes:
            options = ("--num-cpus=0", "--num-gpus=1", "--labels=earmark.io/kind=gpu")
            started.append(made.start_node(name, join, *options))
        yield made
    finally:
        for machine in street.machines.values():
            machine.die()
        for process in started:
            process.wait()


def _wait_for(head: Machine, process: "subprocess.Popen[bytes]", made: Cluster) -> None:
    """Until the head answers nodes that join."""
    came = until(lambda: process.poll() is not None or answers(head.address, PORT), UP_WITHIN_S)
    assert came and process.poll() is None, made.told()
