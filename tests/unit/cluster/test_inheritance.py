"""What Ray's processes inherit from ours."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cluster.connect import SOCKET_ROOM, _sessions_dir, _without_secrets
from configs.load import SECRET_SETTINGS, is_secret_variable


def test_a_started_process_inherits_no_secret_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under each of its names; ours come back afterwards, and all else is passed on."""
    secret = {
        "DATABASE_URL": "hunter2",
        "EARMARK_STORE__DATABASE_URL": "hunter2",
        "earmark_download__proxy": "hunter2",
    }
    for name, value in (secret | {"EARMARK_EMBED__BATCH_SIZE": "7"}).items():
        monkeypatch.setenv(name, value)
    with _without_secrets():
        printed = subprocess.run(
            [sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, text=True, check=True
        ).stdout  # fmt: skip
    assert "hunter2" not in printed and "EARMARK_EMBED__BATCH_SIZE" in printed
    assert {name: os.environ[name] for name in secret} == secret


def test_every_secret_setting_is_known_by_its_variable() -> None:
    """And no other setting is taken for one."""
    assert {"store.database_url", "download.proxy"} == SECRET_SETTINGS
    assert not is_secret_variable("EARMARK_EMBED__MODEL") and not is_secret_variable("BATCH_SIZE")


@pytest.mark.parametrize("length", ["short", "long"])
def test_what_ray_opens_to_everybody_lies_in_a_private_directory(
    length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an earlier version left that one open; and a socket's path fits."""
    with tempfile.TemporaryDirectory(prefix="em-") as temporary:
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        ray_dir = Path(temporary) / ("x" * 60 if length == "long" else "x") / "ray"
        ray_dir.mkdir(parents=True, mode=0o777)
        sessions = _sessions_dir(ray_dir)
        assert sessions.parent.stat().st_mode & 0o777 == 0o700
        assert (sessions.parent == ray_dir) is (length == "short")
        assert len(str(sessions)) <= SOCKET_ROOM
