"""Machines of a street that are let in by ssh, as ``ray up`` reaches one's own: each with a home, processes and a directory for
Ray to itself."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import street_keeper
from street import Machine, Street

from tests.waiting import answers, until

SSHD = Path("/usr/sbin/sshd")
SEPARATION = Path("/run/sshd")
"""Where sshd locks itself in before it knows who calls; a machine whose own sshd runs has it."""
APART = """
mount --bind "$1" /etc/passwd
shift
exec unshare --pid --fork --kill-child --mount-proc "$@"
"""
"""Accounts of its own, since ssh looks for keys in the home that stands there, whatever HOME says; and processes of its own,
since `ray stop` ends every Ray that it sees."""
UP_WITHIN_S = 20.0


@dataclass(frozen=True)
class Boxes:
    """They are up."""

    street: Street
    key: Path
    """Opens all of them."""

    def home(self, name: str) -> Path:
        """Its user's home there."""
        return self.street[name].place / "home"

    def said(self, name: str, command: str) -> str:
        """What the command prints there; empty where it fails. What ssh says of the machine's key, which is new to
        everybody, is left out."""
        asked = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")  # fmt: skip
        done = subprocess.run(
            ["ssh", *asked, "-i", str(self.key), f"root@{self.street[name].address}", command],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else ""

    def processes(self, name: str) -> list[int]:
        """Ids on this machine of what runs there."""
        return list(street_keeper.processes(self.street[name].namespace))


@contextmanager
def boxes(street: Street, root: Path) -> Iterator[Boxes]:
    """sshd on every machine; what it started ends with it."""
    if not SSHD.exists() or shutil.which("rsync") is None:
        pytest.fail(
            "This test needs Debian's openssh-server and rsync. `make tools` leaves them to you: the first one opens a door.",
            pytrace=False,
        )
    SEPARATION.mkdir(mode=0o755, exist_ok=True)
    key = _key(root / "key")
    started = []
    try:
        for machine in street.machines.values():
            (machine.place / "home").mkdir()
            serve = (str(SSHD), "-D", "-e", "-f", str(_settings(machine, key)))
            started.append(
                machine.start(
                    "sh", "-c", APART, "sh", str(_accounts(machine)), *serve,
                    env=os.environ, log=root / f"{machine.name}.sshd",
                )
            )  # fmt: skip
        up = until(lambda: all(answers(each.address, 22) for each in street.machines.values()), UP_WITHIN_S)
        assert up, [path.read_text() for path in root.glob("*.sshd")]
        yield Boxes(street, key)
    finally:
        for machine in street.machines.values():
            machine.die()
        for process in started:
            process.wait()


def _key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def _settings(machine: Machine, key: Path) -> Path:
    own = machine.place / "sshd_config"
    lines = (
        f"HostKey {_key(machine.place / 'host_key')}", f"AuthorizedKeysFile {key}.pub", "StrictModes no",
        "PermitRootLogin prohibit-password", "UsePAM no", "PidFile none",
        f"SetEnv RAY_TMPDIR={machine.place}",  # /tmp/ray else, which all machines share
    )  # fmt: skip
    own.write_text("".join(f"{line}\n" for line in lines))
    return own


def _accounts(machine: Machine) -> Path:
    """This machine's, with another home for root."""
    own = machine.place / "passwd"
    others = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("root:")]
    root = f"root:x:0:0:root:{machine.place / 'home'}:/bin/bash"
    own.write_text("".join(f"{line}\n" for line in (root, *others)))
    return own
