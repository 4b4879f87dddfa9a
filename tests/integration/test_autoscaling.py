"""A cluster that grows: Ray's own autoscaler brings nodes with cards for the backlog, and takes them when they idle."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from autoscaled_head import IDLE_S, autoscaled_head
from command import ROOT, environment
from local_head import Head

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MAX_GPUS = 3
CARD_HOLDS = 2
"""Recognisers beside an embedding model, as ``resources.py`` reckons for this card."""
N_VIDEOS = 160
"""Two recognisers with two rows in hand each are at it for more than two and a half minutes, so that there is a backlog
whenever further nodes come."""
LONG_VIDEO = "long-talk"
LOOK_EVERY_S = 1.0
GONE_WITHIN_S = 120
SOONER = {
    "RAY_DATA_MIN_GAP_BETWEEN_AUTOSCALING_REQUESTS": "2", "RAY_DATA_AUTOSCALING_REQUEST_EXPIRE_TIME_S": "30",
}  # fmt: skip
TAIL_WITHIN_S = 150.0


@dataclass(frozen=True)
class Moment:
    """The cluster at one moment."""

    at_s: float
    cards: int
    """Nodes with one."""
    recognisers: int
    stored: int

    def __str__(self) -> str:
        return f"{self.at_s:6.0f} s: {self.cards} cards, {self.recognisers} recognisers, {self.stored} stored"


@pytest.fixture
def head(database_url: str) -> Iterator[Head]:
    kinds = {"gpu": {"resources": {"CPU": 0, "GPU": 1}, "max_workers": MAX_GPUS}}
    with autoscaled_head(database_url, n_cpus=3, kinds=kinds) as head:
        yield head


def test_nodes_come_with_backlog_and_go_with_idleness(head: Head, database_url: str, tmp_path: Path) -> None:
    """None is up at the start. The pool's first recogniser brings one, its backlog the others; while the last video is still
    at it some are given back, and after the run all."""
    ended, said = tmp_path / "ended.json", tmp_path / "said"
    asked = {
        "url": database_url, "address": head.address, "max_gpus": MAX_GPUS, "ended": str(ended),
        "videos": [*(f"talk-{n}" for n in range(N_VIDEOS)), LONG_VIDEO],
    }  # fmt: skip
    began = time.monotonic()

    def look() -> Moment:
        recognisers, stored = _of_run(database_url)
        return Moment(time.monotonic() - began, _cards(head), recognisers, stored)

    seen = [look()]
    with said.open("w") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.autoscaled_line", json.dumps(asked)], cwd=ROOT,
            env=environment(head.home / "driver") | head.client | SOONER, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        while running.poll() is None:
            time.sleep(LOOK_EVERY_S)
            seen.append(look())
            tail = [moment for moment in seen if moment.stored == N_VIDEOS]
            if tail and (tail[-1].cards < MAX_GPUS or tail[-1].at_s - tail[0].at_s > TAIL_WITHIN_S):
                _end(database_url)
    finally:
        running.kill()
        running.wait()
    n_working = len(seen)
    until = time.monotonic() + GONE_WITHIN_S
    while seen[-1].cards and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        seen.append(look())

    print("\n".join(["", *map(str, _changes(seen))]))
    told = said.read_text() + _autoscalers_log(head)
    assert running.returncode == 0, told
    document = json.loads(ended.read_text())
    assert (document["stored"], document["unaccounted"]) == (N_VIDEOS + 1, 0)
    assert document["bounds"]["Transcribe"] == [1, 1, MAX_GPUS * CARD_HOLDS]
    cards = [moment.cards for moment in seen]
    assert cards[0] == 0, told
    assert max(cards) == MAX_GPUS, told
    tail = [moment.cards for moment in seen[:n_working] if moment.stored == N_VIDEOS]
    assert min(tail) < MAX_GPUS, f"one video was left, and all cards stayed: {told}"
    alone = seen[cards.index(1) : next(n for n, up in enumerate(cards) if up > 1)]
    assert any(moment.recognisers for moment in alone), "the second came before the first had worked"
    assert max(moment.recognisers for moment in seen[:n_working]) > CARD_HOLDS, (
        "no recogniser used another than the first"
    )
    grown = [
        each
        for each in document["scalings"]
        if each["stage"] == "Transcribe" and each["after"] > each["before"]
    ]
    assert grown and all("waited before it" in each["why"] for each in grown)
    assert cards[-1] == 0, (
        f"a card is still there {GONE_WITHIN_S} s after the run ({IDLE_S} s idle are enough): {told}"
    )


def _end(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table if not exists told_to_end ()")


def _cards(head: Head) -> int:
    return sum(round(node["resources_total"].get("GPU", 0)) for node in head.nodes())


def _of_run(database_url: str) -> tuple[int, int]:
    """Recognisers at work, as the run itself notes it for whoever watches, and videos that are stored."""
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("select count(*) from ingest_state where status = 'stored'").fetchone()
        noted = connection.execute(
            "select figures -> 'stages' -> 'Transcribe' ->> 'actors' from runs where finished_at is null"
        ).fetchone()
    assert stored is not None
    return int(noted[0]) if noted and noted[0] else 0, stored[0]


def _changes(seen: list[Moment]) -> Iterator[Moment]:
    """Moments at which the cluster or the pool was another one than before, and the last."""
    yield seen[0]
    for before, now in pairwise(seen):
        if (before.cards, before.recognisers) != (now.cards, now.recognisers):
            yield now
    yield seen[-1]


def _autoscalers_log(head: Head) -> str:
    logs: list[Any] = sorted(head.sessions.glob("session_latest/logs/monitor*"))
    return "".join(f"\n--- {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)
