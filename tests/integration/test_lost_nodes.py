"""The line across several nodes that share nothing but Ray and the database; and one of them that dies."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command import ROOT, earmark, environment
from small_run import end_all
from tcp_postgres import tcp_postgres
from worked import noted

from tests.faults.corpus_state import differences, read_corpus
from tests.media_server import MediaServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SPEECH = ROOT / "configs" / "demo" / "speech"
TALKS = ("soup-for-the-rabbit.mp3", "strings-and-keys.m4a", "servers-and-robots.webm")
Across = Callable[..., tuple[int, dict[str, Any], str, Path]]


@pytest.fixture(scope="module")
def urls() -> Iterator[list[str]]:
    with MediaServer() as server:
        yield [server.add(f"/{name}", SPEECH / name) for name in TALKS]


@pytest.fixture(scope="module")
def expected(urls: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What ``ingest`` makes of the talks on one machine."""
    with tcp_postgres("plain", "pw") as url:
        home = tmp_path_factory.mktemp("plain")
        done = earmark(home, "ingest", *urls, "--profile", "demo", "--json", DATABASE_URL=url)
        assert done.code == 0, done.err
        return read_corpus(url)


@pytest.fixture
def across(urls: list[str], database_url: str) -> Iterator[Across]:
    root = Path(tempfile.mkdtemp(prefix="em-n-"))  # not tmp_path: a socket's path must be short

    def run(kill: str | None = None) -> tuple[int, dict[str, Any], str, Path]:
        ended = root / "ended.json"
        asked = {"home": str(root), "url": database_url, "sources": urls, "ended": str(ended), "kill": kill}
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.nodes_line", json.dumps(asked)], cwd=ROOT,
            env=environment(root / "driver") | {"RAY_AUTH_MODE": "disabled", "RAY_TMPDIR": str(root)},
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        return done.returncode, json.loads(ended.read_text()) if ended.exists() else {}, done.stderr, root

    yield run
    for place in ("driver", "cpu1", "cpu2", "gpu1", "gpu2"):
        end_all(root / place)
    shutil.rmtree(root, ignore_errors=True)


def test_the_line_runs_across_nodes_without_a_shared_directory(
    across: Across, expected: Any, database_url: str
) -> None:
    """The corpus is that of one machine; tracks lie where they were fetched, and nothing of them with the driver."""
    code, ended, said, root = across()
    assert code == 0 and ended["stored"] == len(TALKS), said
    assert ended["differences"] == []
    assert differences(expected, read_corpus(database_url)) == []
    tracks = {
        place: len(list((root / place / "audio").glob("*.track"))) for place in ("driver", "cpu1", "gpu1")
    }
    assert tracks == {"driver": 0, "cpu1": len(TALKS), "gpu1": 0}
    assert ended["hardware"]["cpus"] == 4 and ended["hardware"]["gpus"] == ["NVIDIA GeForce RTX 5080"]
    assert ended["cpu_busy_s"] > 0


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_a_node_that_dies_costs_nothing(kind: str, across: Across, expected: Any, database_url: str) -> None:
    """Slices of a video are in the ledger and its node has a row in hand when that is killed; nothing is lost, nothing is
    there twice, and nothing is left in anybody's hand."""
    code, ended, said, root = across(kill=kind)
    assert code == 0 and ended["stored"] == len(TALKS), said
    assert ended["differences"] == []
    assert differences(expected, read_corpus(database_url)) == []
    assert noted(root / f"{kind}1") and noted(root / f"{kind}2"), "both nodes worked"
    with psycopg.connect(database_url) as connection:
        left = "select (select count(*) from work_in_hand), (select count(*) from runs where finished_at is null)"
        assert connection.execute(left).fetchone() == (0, 0)
