"""Lists that a run knows: looked into before the engine starts, which mostly isn't needed then."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import earmark
from store_rows import embedded, unit_vectors

from actors.fetch.identity import identify
from actors.fetch.listing import list_entries
from actors.rows import RunId
from actors.store.database import Database
from actors.store.embedded import ensure_server
from actors.store.ledger import Ledger
from actors.store.migrations import migrate
from actors.store.permits import Permits
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry
from actors.store.status import video
from actors.store.vectors import ensure_model
from actors.store.writer import Writer
from actors.text.models import embedding_name
from configs.load import load_settings
from configs.settings import Settings
from pipelines.gate import Gate
from pipelines.lookout import BATCH, Looked, look_into_lists
from tests.media_server import Fault, MediaServer

N_EPISODES = 3


def feed(server: MediaServer, n_episodes: int, fault: Fault | None = None) -> str:
    """URL of a podcast whose episodes nobody fetches here."""
    items = "".join(
        f"<item><title>Episode {n}</title><enclosure url='{server.url(f'/{n}.mp3')}' type='audio/mpeg'/></item>"
        for n in range(n_episodes)
    )
    content = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Cast</title>{items}</channel></rss>"
    return server.add("/feed.xml", content.encode(), fault)


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as running:
        yield running


@pytest.fixture(scope="module")
def demo() -> Settings:
    return load_settings("demo", env_file=None)


def take_whole(url: str, database_url: str, cache: Path, settings: Settings) -> None:
    """Do as an earlier run would have done: the list taken apart, all of it in the corpus."""
    embed = settings.embed
    with Database(database_url) as database, RunRegistry(database_url) as registry:
        ledger, run = Ledger(database), registry.open_run({})
        table = ensure_model(database, embedding_name(embed), embed.dimensions)
        ledger.ask(run, [identify(url)], settings.recipe())
        (request,) = ledger.claim(run, 1)
        entries = list_entries(url, settings.prefilter, settings.download, cache)
        ledger.set_list(request.video_id, request.fence, entries)
        for episode in ledger.claim(run, 1000):
            vectors = unit_vectors(1, table.dim)
            Writer(database, table).write(
                embedded(episode.video_id, episode.fence, ["said"], vectors, table.name)
            )
        registry.close_run("finished", {})


@dataclass
class Place:
    """A run on a database that knows the list."""

    database: Database
    ledger: Ledger
    registry: RunRegistry
    settings: Settings
    cache: Path

    def look(self, url: str) -> tuple[RunId, Looked]:
        return self.look_at([url])

    def look_at(self, urls: list[str]) -> tuple[RunId, Looked]:
        run = self.registry.open_run({})
        self.ledger.ask(run, [identify(url) for url in urls], self.settings.recipe())
        queue = RunQueue(self.database, run, self.settings)
        gate = Gate(Permits.of(self.database, self.settings.governor, self.settings.download), self.ledger)
        return run, look_into_lists(
            self.ledger, queue, gate, run, self.settings, self.cache, force=False, limit=None
        )


@pytest.fixture
def place(database: Database, database_url: str, demo: Settings, tmp_path: Path) -> Iterator[Place]:
    with RunRegistry(database_url) as registry:
        yield Place(database, Ledger(database), registry, demo, tmp_path)


def test_a_list_with_nothing_new_ends_without_the_engine(demo: Settings) -> None:
    """A real run over a known feed: exit 0, all episodes passed over, no Ray was ever started there."""
    home = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        with MediaServer() as server:
            url = feed(server, N_EPISODES)
            database_url = ensure_server(home / "postgres")
            migrate(database_url)
            take_whole(url, database_url, home, demo)
            n_asked = server.count("/feed.xml")
            answer = earmark(home, "ingest", url, "--profile", "demo", "--json")
            assert answer.code == 0, answer.err
            assert answer.json["asked"]["stored"] == N_EPISODES
            assert answer.json["counts"]["lists"] == 1 and answer.json["unaccounted"] == 0
            assert answer.json["stages"] == {} and not (home / "ray").exists()
            assert "Starting Ray" not in answer.err
            assert server.count("/feed.xml") == 2 * n_asked
            assert server.count("/0.mp3") == 0

            server.add("/feed.xml", fault=Fault(status=404))
            gone = earmark(home, "ingest", url, "--profile", "demo", "--json")
            assert gone.code == 1
            (failed,) = gone.json["failed"]
            assert (failed["url"], failed["code"]) == (url, "not_found")
            assert not (home / "ray").exists()
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)


def test_a_new_entry_is_left_to_the_line(place: Place, server: MediaServer, database_url: str) -> None:
    """The list is on the queue again as if nobody had looked, and what was found is on it too."""
    url = feed(server, N_EPISODES)
    take_whole(url, database_url, place.cache, place.settings)
    feed(server, N_EPISODES + 1)
    run, looked = place.look(url)
    assert looked.work_is_left
    waiting = {request.url: request for request in place.ledger.claim(run, 10)}
    assert list(waiting) == [url, server.url(f"/{N_EPISODES}.mp3")]
    seen = video(place.database, identify(url).video_id)
    assert seen is not None
    assert (seen.status, seen.kind, seen.attempts) == ("running", "list", 2)  # of two runs


def test_looking_stops_at_the_first_batch_with_work(
    place: Place, server: MediaServer, database_url: str
) -> None:
    """A long list is not read through while the first new video waits."""
    url = feed(server, N_EPISODES)
    take_whole(url, database_url, place.cache, place.settings)
    feed(server, 10 * BATCH)
    run, looked = place.look(url)
    assert looked.work_is_left
    assert place.ledger.counts(run).asked == BATCH + 1


def test_an_address_not_known_for_a_list_is_not_looked_at(place: Place, server: MediaServer) -> None:
    """Most likely it is work: the line asks, once."""
    _, looked = place.look(feed(server, N_EPISODES))
    assert looked.work_is_left
    assert server.count() == 0


def test_work_beside_a_known_list_is_not_kept_waiting(
    place: Place, server: MediaServer, database_url: str
) -> None:
    """One new video among the sources is enough to start."""
    url = feed(server, N_EPISODES)
    take_whole(url, database_url, place.cache, place.settings)
    n_asked = server.count()
    _, looked = place.look_at([url, server.url("/new.mp3")])
    assert looked.work_is_left
    assert server.count() == n_asked


def test_a_source_that_is_away_is_left_to_the_line(
    place: Place, server: MediaServer, database_url: str
) -> None:
    """It knows how to wait: nothing is written of the failure here."""
    url = feed(server, N_EPISODES)
    take_whole(url, database_url, place.cache, place.settings)
    feed(server, N_EPISODES, Fault(status=503))
    run, looked = place.look(url)
    assert looked.work_is_left
    (request,) = place.ledger.claim(run, 10)
    assert request.url == url


def test_a_list_within_a_list_is_read_too(place: Place, server: MediaServer, database_url: str) -> None:
    """A channel's tabs: known lists all of them, and only what stands in them could be work."""
    inner = feed(server, N_EPISODES)
    take_whole(inner, database_url, place.cache, place.settings)
    item = f"<item><title>Inner</title><enclosure url='{inner}' type='audio/mpeg'/></item>"
    outer = server.add(
        "/outer.xml", f"<rss version='2.0'><channel><title>O</title>{item}</channel></rss>".encode()
    )
    run = place.registry.open_run({})
    place.ledger.ask(run, [identify(outer)], place.settings.recipe())
    (request,) = place.ledger.claim(run, 1)
    place.ledger.set_list(request.video_id, request.fence, [])
    place.registry.close_run("finished", {})
    run, looked = place.look(outer)
    assert not looked.work_is_left
    assert looked.asked.stored == N_EPISODES
    assert place.ledger.counts(run).lists == 2
