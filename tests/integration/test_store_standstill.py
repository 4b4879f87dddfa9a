"""What the watchdog asks the ledger, on a real Postgres."""

from collections.abc import Iterator

import pytest
from store_rows import RECIPE, wanted

from actors.rows import RunId, VideoId
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from actors.store.standstill import longest_held


@pytest.fixture
def run(database_url: str) -> Iterator[RunId]:
    with RunRegistry(database_url, budget_s=20.0, grace_s=0.0) as registry:
        yield registry.open_run({})


def test_the_video_longest_in_the_line_is_known_with_its_stage(
    database: Database, ledger: Ledger, run: RunId
) -> None:
    """The one claimed first, where it was noted last; none where none is in the line."""
    ledger.ask(run, wanted("a", "b"), RECIPE)
    assert longest_held(database, run) is None
    (first,) = ledger.claim(run, 1)
    ledger.claim(run, 1)
    ledger.enter(first.video_id, first.fence, "prepare")
    found = longest_held(database, run)
    assert found is not None
    assert (found.video_id, found.stage) == ("a", "prepare")


def test_deaths_are_read_without_counting_one(ledger: Ledger, run: RunId) -> None:
    """As many as beginnings without an end, of this row of this stage alone."""
    ledger.ask(run, wanted("a"), RECIPE)
    ledger.claim(run, 1)
    video = VideoId("a")
    assert ledger.n_deaths(video, "embed", 0) == 0
    ledger.begin_work(video, "embed", 0)
    ledger.begin_work(video, "embed", 0)
    assert [ledger.n_deaths(video, "embed", 0) for _ in range(2)] == [2, 2]
    assert ledger.n_deaths(video, "embed", 1) == ledger.n_deaths(video, "store", 0) == 0
    ledger.end_work(video, "embed", 0)
    assert ledger.n_deaths(video, "embed", 0) == 0
