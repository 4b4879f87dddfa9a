"""What Ray's processes inherit from ours."""

import os
import subprocess
import sys

import pytest

from cluster.connect import _without_secrets
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
