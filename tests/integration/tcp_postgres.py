"""A Postgres as other people have it: on a TCP port, with a password. Made of the embedded server's programs."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import psycopg
from psycopg import sql

from actors.store import embedded
from actors.store.service_account import let_reach, server_account


@contextmanager
def tcp_postgres(user: str, password: str, address: str = "127.0.0.1") -> Iterator[str]:
    """A server with an empty database ``corpus`` that belongs to ``user``; gives its URL, password and all.

    Args:
        address: of this machine, on which it listens; whoever is in the same /24 may come in.
    """
    home = Path(tempfile.mkdtemp(prefix="em-pg-"))
    cluster = home / "pg" / "pg18"
    try:
        with psycopg.connect(embedded.ensure_server(home / "pg"), autocommit=True) as connection:
            role = {"user": sql.Identifier(user), "password": sql.Literal(password)}
            connection.execute(
                sql.SQL("create role {user} superuser login password {password}").format(**role)
            )
            connection.execute(sql.SQL("create database corpus owner {user}").format(**role))
        embedded.stop_server(home / "pg")
        (cluster / "pg_hba.conf").write_text(
            f"host all all {ip_network(f'{address}/24', strict=False)} scram-sha-256\n"
        )
        port = free_port(address)
        _pg_ctl(cluster, "start", "-o", f"-c listen_addresses={address} -c port={port} -k ''")
        try:
            yield f"postgresql://{user}:{password}@{address}:{port}/corpus"
        finally:
            _pg_ctl(cluster, "stop", "-m", "immediate")
    finally:
        embedded.stop_server(home / "pg")
        shutil.rmtree(home)


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _pg_ctl(cluster: Path, *arguments: str) -> None:
    account = server_account(cluster)
    let_reach(account, cluster)
    command = [embedded._program("pg_ctl"), "-w", "-s", "-D", str(cluster), "-l", str(cluster / "server.log")]
    subprocess.run([*command, *arguments], check=True, stdin=subprocess.DEVNULL, **account.spawn_options())


def dump(url: str) -> dict[str, list[str]]:
    """Every row of every table of ours as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        return {
            name: [
                str(row[0])
                for row in connection.execute(
                    sql.SQL("select t::text from {} t").format(sql.Identifier(name))
                )
            ]
            for (name,) in tables
        }
