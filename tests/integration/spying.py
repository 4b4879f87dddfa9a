"""Looks at a running command from outside, as a curious user of the same machine would."""

import json
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.5
API = (
    "/api/jobs/", "/api/v0/jobs", "/api/v0/actors?detail=1", "/api/v0/tasks?detail=1&limit=10000",
    "/api/v0/workers?detail=1", "/api/v0/nodes?detail=1", "/api/v0/objects?detail=1", "/api/v0/runtime_envs?detail=1",
    "/api/v0/cluster_events?detail=1", "/logical/actors", "/nodes?view=summary", "/events", "/api/cluster_status",
    "/api/component_activities", "/api/v0/cluster_metadata",
)  # fmt: skip
"""Everything in Ray's dashboard that could repeat what a job, an actor or a task was given."""


@dataclass
class Seen:
    """What could be seen while the command ran."""

    command_lines: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    """Of the processes that it started, one ``NAME=value`` each."""
    listening: set[tuple[str, str]] = field(default_factory=set)
    """(address without port, name of the process) of the command and what it started."""
    dashboard: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    """What the dashboard answered, by path; the longest answer of each."""


def watch(process: "subprocess.Popen[str]", stderr: Path) -> Seen:
    """Look until the process ends."""
    seen = Seen()
    while process.poll() is None:
        for child in _family(process.pid):
            _look_at(child, seen, is_child=child.pid != process.pid)
        if not seen.dashboard:
            said = stderr.read_text().partition("Ray dashboard: ")[2]
            seen.dashboard = said.partition("\n")[0] if "\n" in said else ""
        else:
            _ask(seen)
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_EVERY_S)
    return seen


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _look_at(process: psutil.Process, seen: Seen, *, is_child: bool) -> None:
    with suppress(psutil.Error):
        seen.command_lines.add(" ".join(process.cmdline()))
        if is_child:
            seen.environments |= {f"{name}={value}" for name, value in process.environ().items()}
        for connection in process.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                seen.listening.add((connection.laddr.ip, process.name()))


def _ask(seen: Seen) -> None:
    for path in API:
        answer = _answer(seen.dashboard + path)
        if len(answer) > len(seen.answers.get(path, "")):
            seen.answers[path] = answer
    with suppress(ValueError, KeyError, TypeError):
        for node in json.loads(seen.answers["/api/v0/nodes?detail=1"])["data"]["result"]["result"]:
            path = f"/api/v0/logs?node_id={node['node_id']}"
            seen.answers[path] = _answer(seen.dashboard + path)


def _answer(url: str) -> str:
    request = urllib.request.Request(url, headers=_login())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return str(answer.read().decode(errors="replace"))
    except (urllib.error.URLError, OSError):
        return ""


def _login() -> dict[str, str]:
    token = Path.home() / ".ray" / "auth_token"
    return {"Authorization": f"Bearer {token.read_text().strip()}"} if token.is_file() else {}


def holders(folder: Path, secret: str) -> list[str]:
    """Files below ``folder`` that hold the secret."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and secret.encode() in path.read_bytes()
    ]
