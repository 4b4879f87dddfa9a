"""The start scripts, with a `ray` that only notes how it was called."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cluster_files import CLUSTER

NOTES = """#!/usr/bin/env bash
printf '%s\\n' "$@" > "$NOTED/arguments"
env > "$NOTED/environment"
"""
MPS = """#!/usr/bin/env bash
if [[ "${1:-}" == -d ]]; then
  : > "$CUDA_MPS_PIPE_DIRECTORY/control"
  said=-d
else
  read -r said
fi
printf '%s\\n' "$said" >> "$NOTED/mps"
[[ -e "$CUDA_MPS_PIPE_DIRECTORY/control" ]]
"""
"""Of a daemon that is up once it was started."""
TOOLS = ("bash", "cat", "dirname", "env", "find", "install", "realpath", "sed", "stat")


class Box:
    """A checkout with the scripts, and what they did."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, root / "home"
        (root / "cluster").mkdir()
        shutil.copytree(CLUSTER / "boxes", root / "cluster" / "boxes")
        (root / ".venv" / "bin").mkdir(parents=True)
        (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
        ray = root / ".venv" / "bin" / "ray"
        ray.write_text(NOTES)
        ray.chmod(0o755)
        self.tools = root / "tools"  # of this machine, and no NVIDIA driver's among them
        self.tools.mkdir()
        for tool in TOOLS:
            (self.tools / tool).symlink_to(str(shutil.which(tool)))

    def has(self, tool: str, text: str) -> None:
        """A program of this machine more."""
        (self.tools / tool).write_text(text)
        (self.tools / tool).chmod(0o755)

    def run(self, script: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        env = {
            "PATH": str(self.tools),
            "HOME": str(self.root),
            "EARMARK_HOME": str(self.home),
            "NOTED": str(self.root),
        } | variables
        return subprocess.run(
            [self.root / "cluster" / "boxes" / script, *arguments],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def arguments(self) -> list[str]:
        return (self.root / "arguments").read_text().splitlines()

    @property
    def environment(self) -> dict[str, str]:
        lines = (self.root / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    @property
    def told_mps(self) -> list[str]:
        return (self.root / "mps").read_text().splitlines()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_box_alone_keeps_to_loopback_and_asks_for_a_token(box: Box) -> None:
    done = box.run("start.sh")
    assert done.returncode == 0, done.stderr
    assert {"start", "--head", "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1"} <= set(
        box.arguments
    )
    assert box.environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert (box.environment["RAY_AUTH_MODE"], box.environment["RAY_JOB_STOP_WAIT_TIME_S"]) == ("token", "60")
    token = Path(box.environment["RAY_AUTH_TOKEN_PATH"])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600 and len(token.read_text()) == 64
    assert token.read_text() not in done.stdout + done.stderr + "".join(box.arguments)
    assert box.environment["PATH"].startswith(str(box.root / ".venv" / "bin"))
    assert "CUDA_MPS_PIPE_DIRECTORY" not in box.environment


def test_the_token_stays_the_same_over_starts(box: Box) -> None:
    box.run("start.sh")
    token = (box.home / "ray-token").read_text()
    box.run("start.sh")
    assert (box.home / "ray-token").read_text() == token


def test_an_open_box_lets_others_join_and_keeps_its_dashboard_to_itself(box: Box) -> None:
    done = box.run("start.sh", "--open", "192.0.2.10")
    assert {"--node-ip-address=192.0.2.10", "--dashboard-host=127.0.0.1"} <= set(box.arguments)
    assert box.environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "1"
    assert "join.sh 192.0.2.10" in done.stdout
    assert "--profile cluster" in done.stdout and "--profile local" in box.run("start.sh").stdout


@pytest.mark.parametrize("opened", [(), ("--open", "192.0.2.10")])
def test_boxes_count_as_one_for_sources_unless_told_otherwise(box: Box, opened: tuple[str, ...]) -> None:
    """Behind one router two would ask twice as often; and one alone has one exit."""
    for named, counted in ((None, "this-site"), ("office", "office"), ("", None)):
        variables = {} if named is None else {"EARMARK_GOVERNOR__EXIT": named}
        box.run("start.sh", *opened, **variables)
        assert box.environment.get("EARMARK_GOVERNOR__EXIT") == counted


def test_both_machines_listen_at_the_ports_that_a_firewall_is_told(box: Box, tmp_path: Path) -> None:
    text = (CLUSTER / "boxes" / "join.sh").read_text()
    assert "6379-6383, 20000-20999 and 52365" in text and "10001" in text
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("x" * 64)
    fixed = {
        "--node-manager-port=6380", "--object-manager-port=6381", "--dashboard-agent-grpc-port=6382",
        "--metrics-export-port=6383", "--min-worker-port=20000", "--max-worker-port=20999",
    }  # fmt: skip
    for call in (("start.sh", "--open", "192.0.2.10"), ("join.sh", "192.0.2.10", str(token))):
        box.run(*call)
        assert fixed <= set(box.arguments)


@pytest.mark.parametrize(("shown", "kind"), [(None, "cpu"), ("exit 9", "cpu"), ("echo 'GPU 0: X'", "gpu")])
def test_a_machine_is_of_the_kind_that_its_driver_shows(
    box: Box, tmp_path: Path, shown: str | None, kind: str
) -> None:
    """A driver that shows no card is none."""
    if shown is not None:
        box.has("nvidia-smi", f"#!/usr/bin/env bash\n{shown}\n")
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("x" * 64)
    for call in (("start.sh",), ("join.sh", "192.0.2.10", str(token))):
        box.run(*call)
        assert f"--labels=earmark.io/kind={kind}" in box.arguments


def test_mps_is_started_once_for_ray_and_ended_with_it(box: Box, tmp_path: Path) -> None:
    box.has("nvidia-cuda-mps-control", MPS)
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("x" * 64)
    for call in (
        ("start.sh", "--mps"),
        ("start.sh", "--mps"),
        ("join.sh", "--mps", "192.0.2.10", str(token)),
    ):
        done = box.run(*call)
        assert done.returncode == 0, done.stderr
        assert box.environment["CUDA_MPS_PIPE_DIRECTORY"] == str(box.home / "mps")
    # It is asked whether it is up, and started the first time alone.
    assert box.told_mps == ["get_server_list", "-d", "get_server_list", "get_server_list"]
    assert box.run("start.sh", "--stop").returncode == 0
    assert box.arguments[0] == "stop" and box.told_mps[-1] == "quit"


def test_mps_that_is_not_there_is_said(box: Box) -> None:
    """Never a start without what was asked for."""
    done = box.run("start.sh", "--mps")
    assert done.returncode == 2 and "nvidia-cuda-mps-control" in done.stderr
    assert not (box.root / "arguments").exists()


@pytest.mark.parametrize("script", ["start.sh", "join.sh"])
def test_nothing_installed_is_said_with_what_to_do(box: Box, script: str) -> None:
    (box.root / ".venv" / "bin" / "ray").unlink()
    done = box.run(script, *(["192.0.2.10", "/dev/null"] if script == "join.sh" else []))
    assert done.returncode == 2 and "make install" in done.stderr


def test_a_machine_joins_under_the_label_that_the_settings_name(box: Box, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x" * 64)
    token.chmod(0o644)
    assert "others may read" in box.run("join.sh", "192.0.2.10", str(token)).stderr
    token.chmod(0o600)
    done = box.run("join.sh", "192.0.2.10", str(token), "gpu")
    assert done.returncode == 0, done.stderr
    assert {"start", "--address=192.0.2.10:6379", "--labels=earmark.io/kind=gpu"} <= set(box.arguments)
    assert box.environment["RAY_AUTH_TOKEN_PATH"] == str(token)
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in box.environment
