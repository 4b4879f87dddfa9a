"""Start scripts, commands of ``ray up`` and the Dockerfile, by shellcheck and hadolint."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cluster_files import (
    CLUSTER,
    RAY_UP,
    ROOT,
    SCRIPTS,
    SOURCED,
    documents,
    ignored,
)

from cluster.package import parts

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("script", [*SCRIPTS, *SOURCED], ids=lambda path: path.name)
def test_shellcheck_finds_nothing_in_a_script(script: Path) -> None:
    done = subprocess.run(
        [BIN / "shellcheck", "--shell=bash", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert os.access(script, os.X_OK) is (script in SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_that_is_called_wrongly_says_how(script: Path) -> None:
    done = subprocess.run([script, "--nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and f"cluster/boxes/{script.name}" in done.stdout


@pytest.mark.parametrize("path", [*RAY_UP], ids=lambda path: path.name)
def test_shellcheck_finds_no_error_in_the_commands_of_ray_up(path: Path) -> None:
    (config,) = documents(path)
    commands = [command for key, value in config.items() if key.endswith("_commands") for command in value]
    done = subprocess.run(
        [BIN / "shellcheck", "--shell=bash", "--exclude=SC1090", "-"], input="\n".join(commands), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert commands and (done.returncode, done.stdout) == (0, "")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run(
        [BIN / "hadolint", "--no-color", CLUSTER / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_dockerfile_copies_is_not_ignored() -> None:
    text = (CLUSTER / "Dockerfile").read_text()
    lines = (CLUSTER / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [each for each in lines if each and not each.startswith("#")]
    copied = [
        word
        for line in re.findall(r"^COPY --chown=\S+ (.+) \S+$", text, re.MULTILINE)
        for word in line.split()
    ]
    assert {"run.py", "actors", "configs"} <= set(copied)
    demo = [path.relative_to(ROOT) for path in (ROOT / "configs" / "demo").rglob("*") if path.is_file()]
    needed = {path.as_posix() for path in (*parts(), *demo) if "__pycache__" not in path.parts}
    needed |= {name for name in copied if (ROOT / name).is_file()}
    assert len(needed) > 150
    assert [path for path in sorted(needed) if ignored(path, patterns)] == []
    assert [path for path in sorted(needed) if path.split("/")[0] not in copied] == []
    for secret in (
        ".env", "actors/.env", "configs/demo/.env", "cluster/.env", "cluster/secrets/ray-token", ".git/config",
        "cluster/kuberay/mine.secret.yaml", "tests/conftest.py", "actors/__pycache__/rows.cpython-311.pyc", "data.db",
    ):  # fmt: skip
        assert ignored(secret, patterns), secret
