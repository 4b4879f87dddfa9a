"""Makes machines with addresses of their own out of network namespaces, and removes them again, in a process of its own:
``python -m tests.integration.street_keeper head cpu1 …``. Prints the street's number, waits for the end of its input, and
then kills whatever runs in the namespaces and removes them: whoever asked may be killed at any moment.

The machines hang on a bridge, which has a namespace to itself, since a firewall on this machine (Docker's, for one) would drop
what passes a bridge of its own. This machine has one link into the street, and the first address of it.
Needs root and Debian's iproute2.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NAMESPACES = Path("/run/netns")
MOST = 256
GONE_WITHIN_S = 30.0


class NoStreet(Exception):
    """Why there can be none here, as a sentence."""


def address(number: int, place: int) -> str:
    """Of RFC 2544's network, which is kept for measuring devices: nobody's real one."""
    return f"198.18.{number}.{place}"


def namespace(number: int, name: str) -> str:
    return f"em{number}-{name}"


def link(number: int) -> str:
    """This machine's end of its link into the street."""
    return f"em{number}"


def claim() -> int:
    """Make the namespace of a street that nobody has, and give its number.

    Raises:
        NoStreet: namespaces can't be made here.
    """
    if os.geteuid() != 0:
        raise NoStreet(
            "machines with addresses of their own are network namespaces, and only root makes those"
        )
    if shutil.which("ip") is None:
        raise NoStreet("`ip` isn't here; it comes with Debian's iproute2 (`make tools` as root)")
    for number in random.sample(range(MOST), MOST):  # one that has just gone isn't taken again at once
        if (NAMESPACES / namespace(number, "street")).exists():
            continue
        done = subprocess.run(
            ["ip", "netns", "add", namespace(number, "street")], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return number
        if "File exists" not in done.stderr:  # else another test was faster
            raise NoStreet(
                f"this machine makes no network namespaces (ip says: {done.stderr.strip()}); a container needs "
                "the capabilities CAP_SYS_ADMIN and CAP_NET_ADMIN for that"
            )
    raise NoStreet(f"all {MOST} streets are taken; `ip netns list` names them")


def lay(number: int, names: list[str]) -> None:
    """The bridge, this machine's end, and a machine for each name, in the order of their addresses.

    Raises:
        NoStreet: the kernel refuses a part of it.
    """
    street = namespace(number, "street")
    _ip("-n", street, "link", "add", "name", "street", "type", "bridge")
    _ip("-n", street, "link", "set", "street", "up")
    _ip("link", "add", "name", link(number), "type", "veth", "peer", "name", "gate", "netns", street)
    _ip("address", "add", f"{address(number, 1)}/24", "dev", link(number))
    _ip("link", "set", link(number), "up")
    _ip("-n", street, "link", "set", "gate", "master", "street", "up")
    for place, name in enumerate(names, start=2):
        own = namespace(number, name)
        _ip("netns", "add", own)
        _ip("-n", own, "link", "add", "name", "eth0", "type", "veth", "peer", "name", name, "netns", street)
        _ip("-n", own, "address", "add", f"{address(number, place)}/24", "dev", "eth0")
        _ip("-n", own, "link", "set", "lo", "up")
        _ip("-n", own, "link", "set", "eth0", "up")
        # Leads nowhere, since this machine passes nothing on; but the route says by which address a node would leave.
        _ip("-n", own, "route", "add", "default", "via", address(number, 1))
        _ip("-n", street, "link", "set", name, "master", "street", "up")


def remove(number: int) -> None:
    """End what runs in the street's namespaces, then take these away, their links with them.

    Raises:
        TimeoutError: processes can't be killed.
    """
    names = [each.name for each in NAMESPACES.glob(f"em{number}-*")]
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := [pid for name in names for pid in processes(name)]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of street {number} don't end: {left}")
        kill(left)
        time.sleep(0.05)
    if Path(f"/sys/class/net/{link(number)}").exists():
        _ip("link", "delete", link(number))
    # The street's own last: as long as it is there nobody else takes its number.
    for name in sorted(names, key=lambda name: name == namespace(number, "street")):
        _ip("netns", "delete", name)


def processes(name: str) -> Iterator[int]:
    """Ids of what runs in a namespace."""
    said = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=True).stdout
    yield from map(int, said.split())


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoStreet(f"`ip {' '.join(arguments)}` says: {done.stderr.strip()}")


def main(names: list[str]) -> int:
    for word in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the end of its input alone ends it
        signal.signal(word, signal.SIG_IGN)
    for name in names:
        assert re.fullmatch(r"[a-z]+\d*", name) and len(name) < 15 and name not in ("street", "gate"), name
    try:
        number = claim()
        try:
            lay(number, names)
            print(number, flush=True)
            sys.stdin.read()
        finally:
            remove(number)
    except (NoStreet, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
