"""The system account under which the embedded Postgres runs when we ourselves are root.

Owns: making that account, and letting it reach the server's programs and data. Postgres refuses to
run as root, and containers often run everything as root. Doesn't know what is started.
"""

import logging
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from actors.errors import ConfigError

logger = logging.getLogger(__name__)

ACCOUNT = "earmark-pg"
REMEDY = "Run Earmark as an ordinary user, or set DATABASE_URL to a Postgres of your own"


class SpawnOptions(TypedDict, total=False):
    """The part of ``subprocess.run``'s keywords that changes who runs."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server: ``None`` ids mean ourselves."""

    uid: int | None = None
    gid: int | None = None

    def spawn_options(self) -> SpawnOptions:
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make ``path`` this account's."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def server_account(cluster: Path) -> Account:
    """Who runs the server of ``cluster``: ourselves, unless we are root.

    For root it is the owner of the cluster, where there is one already, else the account
    ``earmark-pg`` (made if need be).

    Raises:
        ConfigError: the account is missing and can't be made.
    """
    if os.geteuid() != 0:
        return Account()
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _lookup() or _create()
    return Account(entry.pw_uid, entry.pw_gid)


def let_reach(account: Account, directory: Path) -> list[Path]:
    """Let ``account`` pass through the parents of ``directory``; returns those that were changed.

    Only the search bit is added (0700 becomes 0711): others may pass through to a path they know,
    and still can't list what is there.
    """
    if account.uid is None:
        return []
    changed = []
    for parent in directory.resolve().parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
            changed.append(parent)
    if changed:
        names = ", ".join(map(str, changed))
        logger.warning(
            "opened %s for passing through (o+x), so that the database's account can reach it", names
        )
    return changed


def _lookup() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    command = [
        "useradd",
        "--system",
        "--no-create-home",
        "--user-group",
        "--shell",
        "/usr/sbin/nologin",
        ACCOUNT,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"Postgres doesn't run as root, and useradd could not be run ({error})", remedy=REMEDY
        ) from error
    entry = (
        _lookup()
    )  # another process may have made it at the same moment: then useradd failed, and all is well
    if entry is None:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        raise ConfigError(
            f"Postgres doesn't run as root, and the account {ACCOUNT} could not be made ({why})",
            remedy=REMEDY,
        )
    return entry
