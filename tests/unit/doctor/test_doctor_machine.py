"""The machine: each scarce thing is made scarce and named."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from around import around

from pipelines.doctor import engine, machine

ROOT = Path(__file__).parents[3]


def only(check, *arguments):
    (found,) = check(around(*arguments[:1], **(arguments[1] if len(arguments) > 1 else {})))
    return found


def test_a_sound_machine_is_said_to_be_sound(tmp_path):
    """The one that the tests run on."""
    checks = (machine.shared_memory, machine.memory, machine.open_files, machine.pools)
    assert {only(check, tmp_path).level for check in checks} == {"ok"}
    assert only(machine.disk, tmp_path / "home").level in ("ok", "warning")
    assert (tmp_path / "home").is_dir()


def test_an_object_store_that_does_not_fit_shared_memory_is_named(tmp_path):
    """A hundred gigabytes twice: Ray would put it on disk without failing. The remedy says what would fit."""
    found = only(machine.shared_memory, tmp_path, {"ray__object_store_bytes": 100 * 10**9})
    assert found.level == "warning" and "on disk" in found.said
    assert "--shm-size" in found.remedy and "ray.object_store_bytes" in found.remedy
    assert only(machine.memory, tmp_path, {"ray__object_store_bytes": 100 * 10**9}).level == "warning"


def test_a_container_s_limit_of_memory_counts(tmp_path, monkeypatch):
    """The machine's own figure would be a promise that the kernel doesn't keep."""
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "CGROUP_LIMIT", limit)
    for text, level in (("max\n", "ok"), (f"{10**9}\n", "warning")):
        limit.write_text(text)
        assert only(machine.memory, tmp_path).level == level


@pytest.mark.parametrize(("n", "code", "level"), [(256, 1, "wrong"), (4096, 0, "warning")])
def test_a_low_limit_of_open_files_is_named(tmp_path, n, code, level):
    """``ulimit -n`` before the command, which Ray can't raise again."""
    script = f"ulimit -n {n} && exec {sys.executable} {ROOT / 'run.py'} doctor --profile demo --only 'open files' --json"
    env = {**os.environ, "EARMARK_HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    (found,) = json.loads(done.stdout)["findings"]
    assert found["level"] == level and str(n) in found["said"] and "ulimit" in found["remedy"]


def test_a_dashboard_port_that_is_taken_is_named_with_the_one_that_a_run_would_get(tmp_path):
    """A warning: a run goes on, and the user would look at somebody else's dashboard."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = only(machine.ports, tmp_path, {"ray__dashboard_port": port})
    assert (
        found.level == "warning" and f"{port} is taken" in found.said and "ray.dashboard_port" in found.remedy
    )


def test_a_metrics_port_that_was_asked_for_is_looked_at_too(tmp_path):
    """Prometheus would ask another program."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = {"ray__dashboard": False, "ray__metrics_port": other.getsockname()[1]}
        found = only(machine.ports, tmp_path, settings)
    assert found.level == "warning" and "metrics" in found.said and "ray.metrics_port" in found.remedy


def test_no_port_left_for_the_dashboard_is_wrong(tmp_path):
    """The last port of all, taken: there is no next one."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 65_535))
        other.listen()
        found = only(machine.ports, tmp_path, {"ray__dashboard_port": 65_535})
    assert found.level == "wrong" and "65535" in found.said


def test_a_pool_that_does_not_fit_is_named(tmp_path):
    """cuda on a machine that shows no card."""
    with pytest.raises(ValueError, match="--device cpu"):
        only(machine.pools, tmp_path, {"embed__device": "cuda"})


class TestToken:
    """Who reads Ray's token runs code as its owner."""

    @pytest.fixture
    def path(self, tmp_path, monkeypatch):
        monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
        monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
        path = tmp_path / "ray" / "auth_token"
        path.parent.mkdir()
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
        for folder in (path.parent, *path.parents[1:]):
            if (
                os.access(folder, os.W_OK)
                and not folder.stat().st_mode & stat.S_IXOTH
                and tmp_path in (folder, *folder.parents)
            ):
                folder.chmod(0o755)
        return path

    def test_none_yet_is_fine(self, path, tmp_path):
        """The first run makes it."""
        assert only(engine.token, tmp_path).level == "ok"

    def test_an_empty_one_is_wrong(self, path, tmp_path):
        """Nobody could prove anything with it."""
        path.write_text("\n")
        assert only(engine.token, tmp_path).level == "wrong"

    def test_one_in_a_private_directory_is_fine(self, path, tmp_path):
        """Ray writes it readable for all, and the directory above keeps them out."""
        path.write_text("secret-token")
        path.chmod(0o644)
        path.parent.chmod(0o700)
        found = only(engine.token, tmp_path)
        assert found.level == "ok" and "secret-token" not in found.said

    def test_authentication_switched_off_is_named(self, path, tmp_path, monkeypatch):
        """Every user of the machine could run code through the dashboard."""
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        found = only(engine.token, tmp_path)
        assert found.level == "warning" and "RAY_AUTH_MODE" in found.said

    def test_one_that_others_can_read_is_named(self, path, tmp_path, monkeypatch):
        """With the command that mends it."""
        path.write_text("secret-token")
        path.chmod(0o644)
        monkeypatch.setattr(engine, "_others_read", lambda where: where == path)
        found = only(engine.token, tmp_path)
        assert found.level == "warning" and f"chmod 600 {path}" in found.remedy and "secret" not in found.said
