"""The line across ``ray start`` nodes with addresses of their own: a head, two that fetch and prepare, one with a (pretended)
card. Each has a home and a directory for Ray to itself; of what else lies on this machine's disk they use nothing. One cluster for all tests, in their order; the last kills a node."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from apart_nodes import HEAD, Cluster, cluster
from command import ROOT, environment
from small_run import end_all
from store_rows import with_database
from street import Street, street
from tcp_postgres import tcp_postgres
from worked import Note

from actors.fetch.governor import BURST
from actors.fetch.identity import identify
from actors.store.migrations import migrate
from tests.corpus import LONG_ENCODING, speech_item
from tests.faults.corpus_state import CorpusState, differences, read_corpus
from tests.media_server import MediaServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SPEECH = ROOT / "configs" / "demo" / "speech"
TALKS = ("soup-for-the-rabbit.mp3", "strings-and-keys.m4a", "servers-and-robots.webm")
LECTURE = "lecture.webm"
LECTURE_S = 240
"""Eight slices at least, of 30 s."""
FETCHING, CARD = ("cpu1", "cpu2"), "gpu1"
ON_FETCHING = {"Prefilter", "Download", "Prepare", "Identify", "Assemble", "Segment", "Store"}
"""Identify too: with nobody to identify it needs no card."""
ON_CARD = {"Transcribe", "Embed"}
COMMITTED = 2
"""Slices of the lecture that are in the ledger when its node dies."""
RUN_WITHIN_S = 240.0
SLICES = "select video_id, ordinal, run_id, committed_at from slices order by 1, 2"


@dataclass(frozen=True)
class Town:
    """Everything that the nodes reach."""

    street: Street
    root: Path
    server: MediaServer
    database_url: str
    sources: list[str]

    @property
    def lecture(self) -> str:
        return self.server.url(f"/{LECTURE}")

    def new_database(self, name: str) -> str:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        url = with_database(self.database_url, name)
        migrate(url)
        return url


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    root = Path(tempfile.mkdtemp(prefix="em-a-"))  # not tmp_path: a socket's path must be short
    try:
        with (
            street(root, HEAD, *FETCHING, CARD) as machines,
            tcp_postgres("earmark", "pw", machines.address) as url,
            MediaServer(host=machines.address) as server,
        ):
            lecture = speech_item(root / LECTURE, LONG_ENCODING, seed=310, duration_s=LECTURE_S)
            sources = [
                server.add(f"/{path.name}", path)
                for path in (lecture.path, *(SPEECH / name for name in TALKS))
            ]
            yield Town(machines, root, server, url, sources)
    finally:
        end_all(root / "plain")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def expected(town: Town) -> CorpusState:
    """What the same line makes of the same sources on one machine."""
    url, home, ended = town.new_database("plain"), town.root / "plain", town.root / "plain.json"
    asked = {"url": url, "sources": town.sources, "ended": str(ended)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.apart_line", json.dumps(asked)], cwd=ROOT,
        env=environment(home) | town.street.without_proxy, capture_output=True, text=True, timeout=RUN_WITHIN_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return read_corpus(url)


@pytest.fixture(scope="module")
def nodes(town: Town, expected: CorpusState) -> Iterator[Cluster]:
    """After the plain run, so that this machine has one Ray at a time."""
    with cluster(town.street, town.root, FETCHING, (CARD,)) as made:
        yield made


def asked(town: Town, url: str, **more: object) -> dict[str, Any]:
    return {"url": url, "sources": town.sources, "n_nodes": 4, **more}


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_every_stage_runs_where_it_belongs_and_each_node_asks_in_its_own_name(
    town: Town, nodes: Cluster, expected: CorpusState
) -> None:
    """The corpus is that of one machine. A source that allows three requests, and then one an hour, gives four videos to two
    nodes: each counts by its own address."""
    url, n_before = town.new_database("apart"), town.server.count()
    allowed = {"governor.other_videos_per_h": 1, "governor.jitter": 0}
    n_videos = len(town.sources)
    assert n_videos > BURST
    with nodes.driving(asked(town, url, n_exits=2, settings=allowed)) as running:
        ended = running.to_its_end(RUN_WITHIN_S)
    assert ended.code == 0 and ended.document["stored"] == n_videos, ended.said
    assert ended.document["differences"] == []
    assert differences(expected, read_corpus(url)) == []
    assert ended.document["hardware"] == {"cpus": 8, "gpus": ["NVIDIA GeForce RTX 5080"]}

    done = {name: Counter(stage for stage, _, _ in nodes.noted(name)) for name in town.street.machines}
    assert done[HEAD].keys() == set()
    assert done[CARD].keys() == ON_CARD
    assert done["cpu1"].keys() | done["cpu2"].keys() == ON_FETCHING
    assert dict(sum(done.values(), Counter())) == ended.document["items"], (
        "the scoreboard counts the same rows"
    )

    # Tracks lie where they were fetched, and with nobody else.
    tracks = {name: len(list((nodes.home(name) / "audio").glob("*.track"))) for name in done}
    assert tracks == {name: done[name]["Download"] for name in done}

    exits = rows(
        url, f"select exit, round(recent::numeric)::int from governor where site = '{town.street.address}'"
    )
    own_names = {town.street[name].address: done[name]["Prefilter"] for name in FETCHING}
    assert dict(exits) == own_names
    assert sum(own_names.values()) == n_videos and all(0 < n <= BURST for n in own_names.values())
    assert {seen.client for seen in town.server.requests[n_before:]} == own_names.keys()


def test_a_node_that_dies_over_a_half_finished_video_costs_its_slices_in_hand_and_nothing_else(
    town: Town, nodes: Cluster, expected: CorpusState
) -> None:
    """Two slices of the lecture are in the ledger, others at the recogniser, the rest lies on the node that cut them when that is
    killed. Nothing is lost, nothing is there twice, and what was committed isn't done again."""
    url, video = town.new_database("killed"), identify(town.lecture).video_id
    before = {name: nodes.noted(name) for name in town.street.machines}
    for name in FETCHING:  # what another run kept there
        shutil.rmtree(nodes.home(name) / "audio", ignore_errors=True)

    def since(name: str) -> list[Note]:
        return nodes.noted(name)[len(before[name]) :]

    with nodes.driving(asked(town, url, held={"source": town.lecture, "first": COMMITTED})) as running:
        of_lecture = f"select ordinal from slices where video_id = '{video}' order by 1"
        while running.process.poll() is None:
            committed = [ordinal for (ordinal,) in rows(url, of_lecture)]
            in_hand = {part for stage, each, part in since(CARD) if (stage, each) == ("Transcribe", video)}
            if len(committed) == COMMITTED and max(in_hand) >= COMMITTED:
                break
            time.sleep(0.1)
        assert running.process.poll() is None, nodes.told()
        (holder,) = (name for name in FETCHING if ("Prepare", video, 0) in since(name))
        (other,) = set(FETCHING) - {holder}
        town.street[holder].die()
        noted_at_death, settled = since(holder), rows(url, SLICES)
        nodes.go_on(CARD)
        ended = running.to_its_end(RUN_WITHIN_S)
    assert ended.code == 0 and ended.document["stored"] == len(town.sources), ended.said
    assert ended.document["differences"] == []
    assert differences(expected, read_corpus(url)) == []

    assert since(holder) == noted_at_death
    assert ("Prepare", video, 0) in since(other), "what the dead node held of the video was cut anew"
    after = rows(url, SLICES)
    assert set(settled) <= set(after)
    transcribed = Counter((each, part) for stage, each, part in since(CARD) if stage == "Transcribe")
    assert transcribed.keys() == {(each, part) for each, part, _, _ in after}
    n_times = [transcribed[each, part] for each, part, _, _ in settled if each == video]
    assert n_times == [1] * COMMITTED, "none of these was done again"
    assert rows(url, "select status, count(*) from ingest_state group by 1") == [
        ("stored", len(town.sources))
    ]
    assert rows(url, "select count(*) from runs where finished_at is null") == [(0,)]
