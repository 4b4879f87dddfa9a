"""How often a second the ledger, the governor and a list can be written to, with more and more connections."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from actors.fetch.identity import SourceItem
from actors.rows import RunId, VideoId, VideoMeta
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from actors.store.vectors import ensure_model
from configs.home import Home
from tests.bench.crew import Crew, crew
from tests.bench.scale.arithmetic import SHARED_EXIT, Rate
from tests.bench.scale.clients import CLAIM_OF, N_SLICES, PERMITS_AT_ONCE, Client, Held
from tests.bench.trial import new_database

N_ENTRIES = 20_000
N_CLAIMS, N_SMALL, N_COMMITTED = 60, 600, 200
"""At each number of connections: claims, and how many of the videos that they take go on to the other kinds."""
N_PERMITS = 100
SMALL_AT_ONCE = 3
DIMENSIONS = 1536
"""Of the embedding model that the larger profiles take."""
LIMIT_S = 600.0
SLICE_BYTES = "select pg_total_relation_size('slices')::float8 / greatest(1, (select count(*) from slices))"


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger did."""

    rates: tuple[Rate, ...]
    slice_bytes: float
    """That a slice takes in its table, indexes and all."""


def measure(connections: Sequence[int], home: Home, tell: Callable[[str], None]) -> Found:
    """
    Raises:
        RuntimeError: the work did not come to what it should have.
    """
    database_url = new_database(home, "rates")
    with Database(database_url) as database, RunRegistry(database_url) as registry:
        run_id = registry.open_run({})
        table = ensure_model(database, "bench", DIMENSIONS)
        tell(f"a list of {N_ENTRIES} entries")
        rates = [_list(Ledger(database), run_id)]
        for n in connections:
            tell(f"{n} connections")
            with crew(n, Client(database_url, run_id, table)) as clients:
                rates += _rates(clients, n)
        registry.close_run("finished", {})
    with psycopg.connect(database_url) as connection:
        (slice_bytes,) = connection.execute(SLICE_BYTES).fetchone() or (0.0,)
    return Found(tuple(rates), float(slice_bytes))


def _list(ledger: Ledger, run_id: RunId) -> Rate:
    """One list taken apart, as Prefilter has it done."""
    source = SourceItem(VideoId("web-of-the-bench"), "https://example.org/feed", "unknown")
    ledger.ask(run_id, [source], "bench")
    (request,) = ledger.claim(run_id, 1)
    began_s = time.monotonic()
    asked = ledger.set_list(request.video_id, request.fence, _entries())
    took_s = time.monotonic() - began_s
    if asked.new != N_ENTRIES:
        raise RuntimeError(f"of {N_ENTRIES} entries of a list {asked.new} are on the queue")
    return Rate("entries", 1, N_ENTRIES / took_s)


def _entries() -> Iterator[SourceItem]:
    for number in range(N_ENTRIES):
        url = f"https://example.org/{number}"
        yield SourceItem(VideoId(f"entry-{number:06d}"), url, "video", VideoMeta(f"Talk {number}", url))


def _rates(clients: Crew, n: int) -> Iterator[Rate]:
    claimed, took_s = _timed(clients, "claim", [None] * N_CLAIMS)
    held: list[Held] = [video for videos in claimed for video in videos]
    if len(held) != N_CLAIMS * CLAIM_OF:
        raise RuntimeError(f"{N_CLAIMS} claims of {CLAIM_OF} gave {len(held)} videos: the list was too short")
    yield Rate("claimed", n, len(held) / took_s)
    _, took_s = _timed(clients, "small", held[:N_SMALL])
    yield Rate("small", n, N_SMALL * SMALL_AT_ONCE / took_s)
    committed = held[:N_COMMITTED]
    _timed(clients, "describe", committed)  # a text without it can't be put together
    whole, took_s = _timed(clients, "commit", committed)
    if not all(whole):
        raise RuntimeError("the last slice of a video did not complete it")
    yield Rate("slices", n, N_COMMITTED * N_SLICES / took_s)
    written, took_s = _timed(clients, "store", committed)
    if set(written) != {"written"}:
        raise RuntimeError(f"videos were not stored: {set(written)}")
    yield Rate("videos", n, N_COMMITTED / took_s)
    _, took_s = _timed(clients, "permits", ["one"] * N_PERMITS)
    yield Rate(SHARED_EXIT, n, N_PERMITS * PERMITS_AT_ONCE / took_s)
    _, took_s = _timed(clients, "permits", [f"node-{number % n}" for number in range(N_PERMITS)])
    yield Rate("permits", n, N_PERMITS * PERMITS_AT_ONCE / took_s)


def _timed(clients: Crew, kind: str, arguments: Sequence[Any]) -> tuple[list[Any], float]:
    """What came of each, and the seconds that all took."""
    began_s = time.monotonic()
    done = clients.do([(kind, argument) for argument in arguments], LIMIT_S)
    return done, time.monotonic() - began_s
