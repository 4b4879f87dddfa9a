"""The embedded server: real starts, kills and stale files."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from actors.errors import ConfigError
from actors.store.embedded import ensure_server, server_status, stop_server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A place for a server, in a private home whose name has a space and a quote; ended afterwards."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    place = home / "it's a home" / "pg"
    yield place
    stop_server(place)
    shutil.rmtree(home)


def put(url: str, n: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (%s)", (n,))


def kept(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
        assert row is not None
        return int(row[0])


def test_data_survive_a_stop_and_a_second_start(data_dir: Path) -> None:
    """stop_server says whether there was one; the status knows without starting anything."""
    assert not server_status(data_dir).running
    url = ensure_server(data_dir)
    put(url, 1)
    assert ensure_server(data_dir) == url
    assert server_status(data_dir).running
    assert stop_server(data_dir) is True
    assert stop_server(data_dir) is False
    assert not server_status(data_dir).running
    assert kept(ensure_server(data_dir)) == 1


def test_several_processes_at_once_start_one_server(data_dir: Path) -> None:
    """Four real processes on a fresh home: one postmaster, all connected, and it outlives them."""
    script = (
        "import sys, pathlib, psycopg\n"
        "from actors.store.embedded import ensure_server, server_status\n"
        "url = ensure_server(pathlib.Path(sys.argv[1]))\n"
        "with psycopg.connect(url) as c: c.execute('select 1')\n"
        "print(server_status(pathlib.Path(sys.argv[1])).pid)"
    )
    command = [sys.executable, "-c", script, str(data_dir)]

    def start(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    with ThreadPoolExecutor(4) as threads:
        pids = {done.stdout.strip() for done in threads.map(start, range(4))}
    assert pids == {str(server_status(data_dir).pid)}


def test_a_postmaster_killed_with_9_is_replaced_and_nothing_is_lost(data_dir: Path) -> None:
    """Though its connections' processes, its pid file and its socket are still about."""
    url = ensure_server(data_dir)
    put(url, 1)
    with closing(psycopg.connect(url)) as lingering:
        lingering.execute("select 1")
        pid = server_status(data_dir).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert ensure_server(data_dir) == url
    assert kept(url) == 1
    assert server_status(data_dir).pid != pid


@pytest.mark.parametrize("whose", ["a sleeper", "an idle postgres elsewhere"])
def test_a_stranger_who_inherited_the_pid_is_left_alone(whose: str, data_dir: Path, server_url: str) -> None:
    """A stale pid file naming another process neither stops the start nor harms that process."""
    ensure_server(data_dir)
    pid = server_status(data_dir).pid
    assert pid is not None
    stale = (data_dir / "pg18/postmaster.pid").read_text().splitlines()
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        with psycopg.connect(server_url) as elsewhere:
            stranger = sleeper.pid if whose == "a sleeper" else elsewhere.info.backend_pid
            (data_dir / "pg18/postmaster.pid").write_text("\n".join([str(stranger), *stale[1:]]) + "\n")
            url = ensure_server(data_dir)
            put(url, 1)
            assert stop_server(data_dir)
            assert psutil.pid_exists(stranger)
            assert elsewhere.execute("select 1").fetchone() == (1,)
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_first_start_killed_half_way_leaves_nothing_in_the_way(data_dir: Path) -> None:
    """initdb works beside the place; what it left is cleared and made anew."""
    draft = data_dir / "pg18.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    put(ensure_server(data_dir), 1)
    assert not draft.exists()


def test_the_server_is_private(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No TCP port; the directory of its socket is its owner's alone; parents can't be listed; no secret of ours in its environment."""
    monkeypatch.setenv("EARMARK_SECRET", "hunter2")
    url = ensure_server(data_dir)
    with psycopg.connect(url) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
    assert stat.S_IMODE((data_dir / "pg18").stat().st_mode) == 0o700
    for parent in (data_dir, data_dir.parent.parent):
        assert not stat.S_IMODE(parent.stat().st_mode) & (stat.S_IROTH | stat.S_IWOTH)
    assert "EARMARK_SECRET" not in psutil.Process(server_status(data_dir).pid).environ()


def test_a_start_that_fails_says_why(data_dir: Path) -> None:
    """The server's own words and where its log is."""
    ensure_server(data_dir)
    stop_server(data_dir)
    with (data_dir / "pg18/postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with pytest.raises(ConfigError, match=r"shared_buffers|configuration file .* errors") as caught:
        ensure_server(data_dir)
    assert "server.log" in caught.value.remedy


def test_root_leaves_a_server_to_the_owner_of_its_files(data_dir: Path) -> None:
    """What a user made and root starts once, the user can start again."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a server for somebody else")
    ensure_server(data_dir)
    stop_server(data_dir)
    cluster = data_dir / "pg18"
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, 65534, 65534)
    ensure_server(data_dir)
    assert psutil.Process(server_status(data_dir).pid).uids().real == 65534
