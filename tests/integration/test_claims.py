"""The head of the line by itself: claims from a real ledger, without Ray."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from store_rows import RECIPE, wanted

from actors.rows import RunId
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry
from configs.engine import RaySettings
from configs.settings import Settings
from pipelines.context import RunContext
from pipelines.feed import claims
from tests.waiting import until

LOOK_AHEAD = 3


@pytest.fixture
def run(database_url: str) -> Any:
    """A run's id; its driver lives as long as the test."""
    with RunRegistry(database_url) as registry:
        yield registry.open_run({})


@pytest.fixture
def context(run: RunId, database_url: str) -> RunContext:
    settings = Settings(ray=RaySettings(look_ahead_videos=LOOK_AHEAD))
    nowhere: Any = Path("unused")
    return RunContext(run, settings, database_url, nowhere, nowhere, nowhere, scoreboard=None)  # type: ignore[arg-type]


def test_videos_are_claimed_as_the_line_has_room(context: RunContext, database: Database) -> None:
    """In the order asked, each once, never more of them unprepared than the look-ahead, and the feed ends
    when nothing is left that could still come."""
    ledger = Ledger(database)
    names = [f"v{n:02}" for n in range(10)]
    ledger.ask(context.run_id, wanted(*names), RECIPE)
    came, unprepared, most = [], [], 0
    for request in claims(context):
        came.append(request.video_id)
        unprepared.append(request)
        most = max(most, ledger.n_look_ahead(context.run_id))
        assert most <= LOOK_AHEAD
        ledger.enter(request.video_id, request.fence, "download")
        if len(unprepared) == LOOK_AHEAD or len(came) == len(names):
            # One is prepared, one ends, the others stay where they are: there is room for two.
            ledger.enter(unprepared[0].video_id, unprepared[0].fence, "prepare")
            ledger.skip(unprepared[1].video_id, unprepared[1].fence, "too_long", "it lasts too long")
            unprepared = unprepared[2:] if len(came) < len(names) else []
    assert came == names
    assert most == LOOK_AHEAD
    assert ledger.counts(context.run_id).pending == 0


def test_the_feed_waits_for_what_may_turn_out_to_be_a_list(context: RunContext, database: Database) -> None:
    """A channel that is being looked at may still name videos: they follow, whenever they come."""
    ledger = Ledger(database)
    ledger.ask(context.run_id, wanted("channel"), RECIPE)
    feed = claims(context)
    channel = next(feed)
    ledger.enter(channel.video_id, channel.fence, "prefilter")
    with ThreadPoolExecutor(1) as elsewhere:
        following = elsewhere.submit(next, feed)
        assert not RunQueue(database, context.run_id, context.settings).exhausted()
        ledger.set_list(channel.video_id, channel.fence, wanted("a", "b"))
        first = following.result(timeout=30)
    second = next(feed)
    assert [first.video_id, second.video_id] == ["a", "b"]
    for request in (first, second):
        ledger.enter(request.video_id, request.fence, "prepare")
    assert list(feed) == []


def test_a_feed_that_ended_leaves_no_connection(context: RunContext, database_url: str) -> None:
    """Each pass of the line has a feed of its own in a process that lives on."""
    own = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'earmark'"
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(own).fetchone()
        assert list(claims(context)) == []
        # The server notices in its own time.
        assert until(lambda: connection.execute(own).fetchone() == before, 60, 0.05), "its connection stays"
