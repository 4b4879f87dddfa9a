"""Where an embedded Postgres lies: names and limits of the files in its directory. Starts nothing.

``<data_dir>/`` holds ``lock`` (held while somebody starts or stops the server), ``alive`` (a flock
that the server inherits) and ``pg18/`` (the cluster, its socket and its log).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from actors.errors import ConfigError

PG_MAJOR = 18
SOCKET_NAME = ".s.PGSQL.5432"
MAX_SOCKET_PATH_BYTES = 103
"""Room for a socket's path on macOS (Linux has 107)."""
UNUSABLE_CHARACTERS = frozenset('"$`\\,\n\r')
"""pg_ctl hands the path to a shell between double quotes; libpq splits hosts at commas."""
LOG_TAIL_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one embedded server."""

    directory: Path

    @classmethod
    def at(cls, data_dir: Path) -> "Place":
        """
        Raises:
            ConfigError: Postgres can't be started there.
        """
        place = cls(data_dir.expanduser().resolve())
        check_path(place.cluster)
        return place

    @property
    def lock(self) -> Path:
        return self.directory / "lock"

    @property
    def alive(self) -> Path:
        return self.directory / "alive"

    @property
    def cluster(self) -> Path:
        return self.directory / f"pg{PG_MAJOR}"

    @property
    def log_file(self) -> Path:
        return self.cluster / "server.log"

    @property
    def url(self) -> str:
        """A socket in a private directory: it needs no password and no port."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.cluster), safe='')}"

    def log_tail(self) -> str:
        try:
            with self.log_file.open("rb") as log:
                log.seek(max(0, self.log_file.stat().st_size - LOG_TAIL_BYTES))
                return log.read().decode(errors="replace")
        except OSError:
            return ""


def check_path(cluster: Path) -> None:
    """Refuse a path that Postgres can't be started in.

    Raises:
        ConfigError: too long for a socket, or with characters that don't survive a shell.
    """
    remedy = "Set EARMARK_HOME to another directory, or DATABASE_URL to a Postgres of your own"
    bad = sorted(UNUSABLE_CHARACTERS & set(str(cluster)))
    if bad:
        raise ConfigError(
            f"the embedded database can't lie in {cluster}: its path holds {bad[0]!r}", remedy=remedy
        )
    room = MAX_SOCKET_PATH_BYTES - len(SOCKET_NAME) - 1
    n_bytes = len(os.fsencode(cluster))
    if n_bytes > room:
        raise ConfigError(
            f"the embedded database can't lie in {cluster}: the path is {n_bytes} bytes long, "
            f"and a socket in it has room for {room}",
            remedy=remedy,
        )


def last_words(text: str) -> str:
    """The last line of a log that says what went wrong, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    blamed = [line for line in lines if "FATAL" in line or "PANIC" in line or "error" in line.lower()]
    return (blamed or lines or [""])[-1][-300:]
