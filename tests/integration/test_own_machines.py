"""``ray up`` of ``cluster/ray-up/on-premises.yaml`` over real ssh, and a run on the cluster that comes of it."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import yaml
from command import ROOT, earmark
from local_head import BIN
from ssh_boxes import Boxes, boxes
from street import street
from tcp_postgres import free_port, tcp_postgres

from tests.media_server import MediaServer
from tests.waiting import answers, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

FILE = ROOT / "cluster" / "ray-up" / "on-premises.yaml"
TALK = ROOT / "configs" / "demo" / "speech" / "strings-and-keys.m4a"
HEAD, WORKERS = "head", ("one", "two")
UP_WITHIN_S = 120.0
STATUS = "RAY_AUTH_MODE=token ~/earmark/.venv/bin/ray status"
ENDED_WITHIN_S = 180.0
BACK_WITHIN_S = 240.0
"""Ray takes a node for lost after half a minute without a word, and then goes over to it."""


@dataclass(frozen=True)
class Site:
    """Three machines, of which ``ray up`` knows the addresses."""

    boxes: Boxes
    file: Path
    env: dict[str, str]
    """Of whoever starts and uses the cluster."""
    token_file: Path
    database_url: str
    server: MediaServer

    def ray(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "ray"), command, str(self.file), *arguments], cwd=ROOT, env=self.env, capture_output=True,
            text=True, timeout=UP_WITHIN_S, check=False,
        )  # fmt: skip

    def raylets(self, name: str) -> list[psutil.Process]:
        found = []
        for pid in self.boxes.processes(name):
            with suppress(psutil.NoSuchProcess):  # gone since it was counted
                if (process := psutil.Process(pid)).name() == "raylet":
                    found.append(process)
        return found

    def all_joined(self) -> bool:
        """As Ray's state on the head has it."""
        return f" {1 + len(WORKERS)} local.cluster.node" in self.boxes.said(HEAD, STATUS)

    def told(self) -> str:
        """What the head says of its nodes, and its autoscaler's last words."""
        return self.boxes.said(HEAD, f"{STATUS}; tail -n 100 $RAY_TMPDIR/ray/session_latest/logs/monitor.*")

    @contextmanager
    def dashboard(self) -> Iterator[str]:
        """Its address at the end of the tunnel that ``ray dashboard`` digs."""
        port = free_port()
        command = [str(BIN / "ray"), "dashboard", str(self.file), "--port", str(port)]
        with subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as tunnel:  # fmt: skip
            try:
                assert until(lambda: tunnel.poll() is not None or answers("127.0.0.1", port), UP_WITHIN_S)
                yield f"http://127.0.0.1:{port}"
            finally:
                os.killpg(tunnel.pid, 9)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    root = Path(tempfile.mkdtemp(prefix="em-o-"))  # not tmp_path: a socket's path must be short
    try:
        with (
            street(root, HEAD, *WORKERS) as machines,
            tcp_postgres("earmark", "pw", machines.address) as postgres,
            MediaServer(host=machines.address) as server,
            boxes(machines, root) as made,
        ):
            url = f"{postgres}?sslmode=prefer&connect_timeout=5"  # a shell would take this for two commands
            home = root / "home"
            token_file = _give(home, secrets.token_hex(32))
            for name in machines.machines:
                _give(made.home(name), token_file.read_text())
            secret = made.home(HEAD) / "earmark-cluster.env"
            secret.touch(mode=0o600)
            secret.write_text(f"DATABASE_URL='{url}'\n")
            env = {
                key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "EARMARK_"))
            }
            env |= machines.without_proxy | {
                "HOME": str(home), "RAY_TMPDIR": str(root), "RAY_UP_enable_autoscaler_v2": "0",
            }  # fmt: skip
            yield Site(made, _file(root, made), env, token_file, url, server)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _give(home: Path, token: str) -> Path:
    """Ray's token, where the file's first lines want it."""
    path = home / ".ray" / "auth_token"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o600)
    path.write_text(token)
    return path


def _file(root: Path, made: Boxes) -> Path:
    """The file as a user fills it in, and what is installed here in the place of what would be."""
    config: dict[str, Any] = yaml.safe_load(FILE.read_text())
    address = {name: machine.address for name, machine in made.street.machines.items()}
    config["provider"] |= {"head_ip": address[HEAD], "worker_ips": [address[name] for name in WORKERS]}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(made.key)}
    (installing,) = config["setup_commands"]
    assert "make install" in installing
    config["setup_commands"] = [f"ln -sfn {ROOT}/.venv ~/earmark/.venv"]
    path = root / "on-premises.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def up(site: Site) -> Iterator[Site]:
    done = site.ray("up", "-y")
    assert done.returncode == 0, done.stdout + done.stderr
    assert until(site.all_joined, UP_WITHIN_S, 1), site.told()
    yield site


def test_all_machines_join_and_what_git_ignores_stays_here(up: Site) -> None:
    for name in (HEAD, *WORKERS):
        assert len(up.raylets(name)) == 1
        checkout = up.boxes.home(name) / "earmark"
        assert (checkout / "run.py").read_bytes() == (ROOT / "run.py").read_bytes()
        assert not (checkout / ".git").exists() and not (checkout / ".env").exists()


def test_the_databases_address_is_on_the_head_alone(up: Site) -> None:
    (head,) = up.raylets(HEAD)
    assert head.environ()["DATABASE_URL"] == up.database_url
    assert head.environ()["EARMARK_GOVERNOR__EXIT"] == "this-site"
    for name in WORKERS:
        (raylet,) = up.raylets(name)
        assert "DATABASE_URL" not in raylet.environ()


def test_a_run_is_submitted_through_the_tunnel_and_stored(up: Site, tmp_path: Path) -> None:
    url = up.server.add(f"/{TALK.name}", TALK)
    with up.dashboard() as address:
        done = earmark(
            tmp_path, "submit", url, "--profile", "demo", "--address", address, "--json",
            RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(up.token_file),
        )  # fmt: skip
    assert (done.code, done.json["status"]) == (0, "SUCCEEDED"), done.err
    with psycopg.connect(up.database_url) as connection:
        assert connection.execute("select status from ingest_state").fetchall() == [("stored",)]


def test_a_machine_whose_ray_ended_is_taken_in_again(up: Site) -> None:
    (lost,) = up.raylets(WORKERS[0])
    lost.kill()
    assert until(lambda: bool(up.raylets(WORKERS[0])) and up.all_joined(), BACK_WITHIN_S, 2)


def test_the_heads_end_is_the_end_of_all(up: Site) -> None:
    """As the file's first lines say. The last test: the cluster is gone after it."""
    stop = "~/earmark/.venv/bin/ray stop --grace-period 60"
    assert stop in FILE.read_text()
    done = up.ray("exec", stop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert until(lambda: not any(up.raylets(name) for name in (HEAD, *WORKERS)), ENDED_WITHIN_S, 1)
