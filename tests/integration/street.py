"""Several machines on this one: each with an address of its own, and with a directory that no other can see."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import street_keeper
from command import ROOT

GONE_WITHIN_S = 30.0
KEPT_APART = """
set -e
mount --bind "$2" "$3"
mount -t tmpfs -o mode=0755 street "$1"
mkdir "$2"
mount --bind "$3" "$2"
umount "$3"
shift 3
exec "$@"
"""
"""Inside of mounts of its own: of all machines' places ($1) one's own ($2) alone is left; $3 is any other directory."""


@dataclass(frozen=True)
class Machine:
    """One of them."""

    name: str
    address: str
    namespace: str
    place: Path
    """Its own directory, under the same path here and there."""
    door: Path

    def command(self, *arguments: str) -> list[str]:
        """The command as it runs on this machine. Its working directory and programs are this one's: what is installed."""
        return [
            "nsenter", f"--net={street_keeper.NAMESPACES / self.namespace}", "unshare", "--mount",
            "--propagation=slave", "sh", "-c", KEPT_APART, "sh", str(self.place.parent), str(self.place), str(self.door), *arguments,
        ]  # fmt: skip

    def start(self, *arguments: str, env: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
        """A command on this machine; it ends with the street at the latest. What it says goes to ``log``."""
        with log.open("wb") as output:
            return subprocess.Popen(
                self.command(*arguments), cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def die(self) -> None:
        """Every process on it is killed, also those that have lost their parent."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while left := list(street_keeper.processes(self.namespace)):
            assert time.monotonic() < deadline, f"{self.name} still runs {left}"
            street_keeper.kill(left)
            time.sleep(0.05)


@dataclass(frozen=True)
class Street:
    """Machines that reach each other, and this one."""

    address: str
    """Of this machine, for them."""
    machines: Mapping[str, Machine]

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    @property
    def without_proxy(self) -> dict[str, str]:
        """Environment in which nobody looks for these addresses behind a proxy."""
        ours = ",".join(
            ["127.0.0.1", "localhost", self.address, *(each.address for each in self.machines.values())]
        )
        return {"NO_PROXY": ours, "no_proxy": ours}


@contextmanager
def street(root: Path, *names: str) -> Iterator[Street]:
    """Machines of these names; the test fails where there can be none. All their processes end on leaving, or when this
    process is killed.

    Args:
        root: an empty directory, its path short. Each machine's place is ``root/m/NAME``.
    """
    places, door = root / "m", root / "door"
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.street_keeper", *names], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert keeper.stdout is not None
    said = keeper.stdout.readline()
    if not said:
        _, why = keeper.communicate()
        pytest.fail(
            f"This test needs several machines on this one, and there can be none: {why}", pytrace=False
        )
    number = int(said)
    try:
        for name in names:
            (places / name).mkdir(parents=True)
            (door / name).mkdir(parents=True)
        yield Street(
            street_keeper.address(number, 1),
            {
                name: Machine(
                    name, street_keeper.address(number, place), street_keeper.namespace(number, name),
                    places / name, door / name,
                )
                for place, name in enumerate(names, start=2)
            },
        )  # fmt: skip
    finally:
        _, why = keeper.communicate()  # closes its input
        assert keeper.returncode == 0, why
