"""A Ray head as somebody keeps one for jobs: ``ray start``, with a token, on loopback, in a directory of its own."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from command import environment
from spying import API
from tcp_postgres import free_port

from tests.waiting import until

BIN = Path(sys.executable).parent
UP_WITHIN_S = 120
ASKED_TIMES = 20
PATHS = (*API, "/api/version")


@dataclass(frozen=True)
class Head:
    """A head that is up."""

    url: str
    address: str
    """Where drivers join it."""
    home: Path
    token_file: Path
    sessions: Path

    @property
    def client(self) -> dict[str, str]:
        """What somebody who submits has in his environment."""
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}

    def ask(self, path: str) -> str:
        """The dashboard's answer; empty where it gives none or an error."""
        try:
            with self._opened(path) as answer:
                return str(answer.read().decode(errors="replace"))
        except OSError:
            return ""

    def status(self, path: str, token: str | None = None) -> int:
        """Of the dashboard's answer to whoever sends this token."""
        try:
            with self._opened(path, token) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def _opened(self, path: str, token: str | None = None) -> Any:
        sent = self.token_file.read_text() if token is None else token
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {sent}"})
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)

    def everything(self, job_id: str) -> dict[str, str]:
        """All that the dashboard's API answers of the cluster and of one job, by path."""
        found = {path: self.ask(path) for path in (*PATHS, f"/api/jobs/{job_id}", f"/api/jobs/{job_id}/logs")}
        for node in _rows(found["/api/v0/nodes?detail=1"]):
            listing = f"/api/v0/logs?node_id={node['node_id']}"
            found[listing] = self.ask(listing)
            for names in json.loads(found[listing] or "{}").get("data", {}).get("result", {}).values():
                for name in names:
                    path = f"/api/v0/logs/file?node_id={node['node_id']}&filename={name}&lines=100000"
                    found[path] = self.ask(path)
        for job in json.loads(found["/api/jobs/"]):
            path = f"/api/data/datasets/{job.get('job_id')}"
            found[path] = self.ask(path)
        return found

    def nodes(self) -> list[dict[str, Any]]:
        """Those that are up. A dashboard that is busy is asked again."""
        for _ in range(ASKED_TIMES):
            try:
                return [row for row in _rows(self.ask("/api/v0/nodes?detail=1")) if row["state"] == "ALIVE"]
            except (ValueError, KeyError, TypeError):  # no answer, or an error in the place of the rows
                time.sleep(1)
        raise AssertionError("the dashboard doesn't tell its nodes")


def _rows(answer: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(answer)["data"]["result"]["result"]
    return rows


@contextmanager
def local_head(
    database_url: str, *options: str, n_cpus: int = 5, port: int | None = None, **variables: str
) -> Iterator[Head]:
    """
    Args:
        database_url: in the head's environment, as a cluster's own secret.
        options: further ones of ``ray start``.
        port: of its state, where drivers and nodes join; any free one unless it is given.
        variables: others of its environment.
    """
    home = Path(tempfile.mkdtemp(prefix="em-h-"))  # not tmp_path: a socket's path must be short
    token_file = home / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(secrets.token_hex(32))
    port, dashboard_port = port or free_port(), free_port()
    env = environment(home / "home") | {
        "PATH": f"{BIN}:{os.environ['PATH']}", "DATABASE_URL": database_url, "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file), "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    } | variables  # fmt: skip
    env.pop("EARMARK_RAY__DASHBOARD")
    command = [
        str(BIN / "ray"), "start", "--head", "--block", f"--num-cpus={n_cpus}", "--node-ip-address=127.0.0.1",
        f"--port={port}", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard_port}",
        f"--temp-dir={home / 'ray'}", "--object-store-memory=400000000", "--disable-usage-stats",
        f"--ray-client-server-port={free_port()}", f"--dashboard-agent-listen-port={free_port()}", *options,
    ]  # fmt: skip
    with (home / "head.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=home, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        url, address = f"http://127.0.0.1:{dashboard_port}", f"127.0.0.1:{port}"
        head = Head(url, address, home, token_file, home / "ray")
        ended_or_up = until(
            lambda: process.poll() is not None or "ray_version" in head.ask("/api/version"), UP_WITHIN_S, 0.5
        )
        assert ended_or_up and process.poll() is None, (home / "head.log").read_text()
        yield head
    finally:
        process.kill()
        while family := _of(home):  # one that was starting another is gone, the other one isn't
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            _, alive = psutil.wait_procs(family, timeout=20)
            assert not alive, alive
        process.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def _of(home: Path) -> list[psutil.Process]:
    """Ray's own processes, also those that lost their parent; their sessions lie in ``home``. A zombie is nobody's."""
    found, place = [], str(home / "home")
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) or process.environ().get("EARMARK_HOME") == place:
                found.append(process)
        except psutil.Error:
            continue
    return found
