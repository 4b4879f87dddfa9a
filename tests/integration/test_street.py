"""Several machines on this one, without Ray: apart, in reach of each other, and gone whatever happens."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import street_keeper
from command import ROOT
from street import Street, street

from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

GONE_WITHIN_S = 30.0
SECRET = "of-one-alone"
TELL = """
from actors.fetch.asker import exit_of
from configs.settings import DownloadSettings
print(exit_of(DownloadSettings()))
"""


@pytest.fixture
def root() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="em-s-"))
    yield root
    shutil.rmtree(root)


def said(street: Street, name: str, *arguments: str) -> str:
    done = subprocess.run(
        street[name].command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def left_of(number: int) -> list[str]:
    """Namespaces of a street, and this machine's link into it."""
    links = Path("/sys/class/net").glob(street_keeper.link(number))
    return [each.name for each in (*street_keeper.NAMESPACES.glob(f"em{number}-*"), *links)]


def test_each_has_its_own_address_and_disk_and_nothing_stays(root: Path) -> None:
    """Each asks the world by its own address, reaches the others and this machine, and sees its own directory alone."""
    with street(root, "one", "two") as two_machines:
        one, two = two_machines["one"], two_machines["two"]
        number = int(one.address.split(".")[2])
        assert left_of(number)
        (one.place / "mark").write_text(SECRET)
        assert said(two_machines, "one", "cat", str(one.place / "mark")) == SECRET
        assert said(two_machines, "two", "ls", str(one.place.parent)).split() == ["two"]
        said(two_machines, "two", "touch", str(two.place / "made"))
        assert (two.place / "made").exists()
        for machine in (one, two):
            assert said(two_machines, machine.name, sys.executable, "-c", TELL).strip() == machine.address
        connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)"
        serve = "import socket; s = socket.create_server(('', 7000)); print(s.accept()[1][0])"
        log = root / "served"
        listening = one.start(sys.executable, "-c", serve, env=os.environ, log=log)
        assert until(lambda: ":7000" in said(two_machines, "one", "ss", "-Htln"), 20, 0.05)
        said(two_machines, "two", sys.executable, "-c", connect, one.address, "7000")
        assert listening.wait(20) == 0
        assert log.read_text().strip() == two.address
        sleeping = two.start("sleep", "1000", env=os.environ, log=log)
    assert sleeping.wait(20) < 0
    assert left_of(number) == []


def test_a_machine_that_dies_takes_all_of_its_processes_with_it(root: Path) -> None:
    """Those in a session of their own too, and nobody else's."""
    with street(root, "one", "two") as two_machines:
        log = root / "log"
        orphan = "setsid sh -c 'echo up; exec sleep 1000' &"
        orphaning = two_machines["one"].start(
            "sh", "-c", f"{orphan} exec sleep 1000", env=os.environ, log=log
        )
        other = two_machines["two"].start("sleep", "1000", env=os.environ, log=root / "other")
        assert until(lambda: "up" in log.read_text(), 20, 0.05)
        two_machines["one"].die()
        assert orphaning.wait(20) < 0
        assert other.poll() is None
    other.wait(20)


def test_whoever_made_it_may_be_killed(root: Path) -> None:
    """With kill -9: its machines end all the same, what ran on them too."""
    make = (
        "import os, pathlib, sys, time; from street import street\n"
        "with street(pathlib.Path(sys.argv[1]), 'one') as made:\n"
        "    process = made['one'].start('sleep', '1000', env=os.environ, log=pathlib.Path(sys.argv[1]) / 'log')\n"
        "    print(made['one'].address, process.pid, flush=True)\n"
        "    time.sleep(1000)\n"
    )
    maker = subprocess.Popen(
        [sys.executable, "-c", make, str(root)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
    )  # fmt: skip
    assert maker.stdout is not None
    address, pid = maker.stdout.readline().split()
    sleeping = psutil.Process(int(pid))
    maker.kill()
    maker.communicate()
    assert until(lambda: not left_of(int(address.split(".")[2])), GONE_WITHIN_S, 0.05), (
        "the street is still there"
    )
    with suppress(psutil.NoSuchProcess):  # else a zombie, which nobody collects now
        assert sleeping.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("user", "programs", "expected"), [(1000, True, "only root"), (0, False, "iproute2")]
)
def test_where_there_can_be_none_is_said_why(
    user: int, programs: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence that names what is missing: a test of nodes fails with it, and isn't left out."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if not programs:
        monkeypatch.setenv("PATH", "")
    with pytest.raises(street_keeper.NoStreet, match=expected):
        street_keeper.claim()
