"""What a run needs from outside, so that it can be taken away: a download server and a database server."""

import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from actors.store.embedded import ensure_server, server_status, stop_server
from actors.store.migrations import migrate
from tests.media_server import MediaServer
from tests.waiting import until

START_LIMIT_S = 60.0
TRANSACTION_LIMIT_S = 15.0
COUNT_BEGUN = """
create table asr_begun (
  video_id text not null, ordinal int not null, at timestamptz not null default clock_timestamp()
);
create function note_begun() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or new.tries > old.tries then
    insert into asr_begun (video_id, ordinal) values (new.video_id, new.ordinal);
  end if;
  return null;
end $$;
create trigger asr_begun after insert or update on work_in_hand
  for each row when (new.stage = 'transcribe') execute function note_begun();
"""
"""Counts each slice that a recogniser takes in hand: the line notes that before the work begins."""


class DownloadServer:
    """The media server in a process of its own, always at the same address. Serves every file of a folder."""

    def __init__(self, folder: Path, bytes_per_s: int) -> None:
        self._folder, self._bytes_per_s = folder, bytes_per_s
        self._port = 0
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self.urls: list[str] = []

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self._folder, self._bytes_per_s, self._port, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START_LIMIT_S):
            raise TimeoutError(f"the download server didn't start within {START_LIMIT_S:.0f} s")
        self._port, self.urls = self._pipe.recv()

    def kill(self) -> None:
        """Gone: connections break, new ones are refused."""
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()

    def freeze(self) -> None:
        """Silent: connections stay open and nothing comes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.pid is not None:
            os.kill(self._process.pid, number)


def _serve(folder: Path, bytes_per_s: int, port: int, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with MediaServer(bytes_per_s, port) as server:
        urls = [server.add(f"/{path.name}", path) for path in sorted(folder.iterdir())]
        pipe.send((server.port, urls))
        with suppress(EOFError):  # ends with whoever started it
            pipe.recv()


class DatabaseServer:
    """An embedded Postgres of the test's own, which runs reach by its URL as they would any other."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._url = ""

    def start(self) -> None:
        self._url = ensure_server(self._directory)

    def stop(self) -> None:
        """As an administrator stops it: connections are ended, transactions rolled back."""
        stop_server(self._directory)

    def kill(self, url: str) -> bool:
        """End every process of it at once, in the middle of a transaction of Earmark's that writes a slice
        or a video; whether one came in time to be met."""
        with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            connection.execute("lock table slices, segments in exclusive mode")
            met = until(lambda: _waits_for_lock(url), TRANSACTION_LIMIT_S, pause_s=0.05)
            self._kill()
        return met

    def _kill(self) -> None:
        postmaster = psutil.Process(server_status(self._directory).pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)

    def new_database(self, name: str) -> str:
        """URL of a database with the schema, and a count of the slices taken in hand."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
        url = urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))
        migrate(url)
        with psycopg.connect(url) as connection:
            connection.execute(COUNT_BEGUN)
        return url


def _waits_for_lock(url: str) -> bool:
    query = """
        select exists (select from pg_stat_activity where application_name = 'earmark' and wait_event_type = 'Lock'
                       and datname = current_database() and xact_start is not null)
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone() == (True,)
