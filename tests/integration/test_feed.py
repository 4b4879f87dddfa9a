"""The head of the line on a real Postgres, without Ray: what it hands out, and when it stops."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from store_rows import RECIPE, wanted

from actors.errors import PermanentError, TransientError
from actors.rows import RunId
from actors.store.backoff import Backoff
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits
from configs.settings import Settings
from pipelines.context import RunContext
from pipelines.feed import claims

NewRun = Callable[[], RunId]
HERE = Path()


def context(run: RunId, database_url: str, **sections: dict[str, Any]) -> RunContext:
    """A run's, whose places on the disk don't matter here."""
    places = {field.name: HERE for field in fields(RunContext) if field.type is Path}
    settings = Settings(**sections)  # type: ignore[arg-type]
    return RunContext(
        run_id=run,
        settings=settings,
        database_url=database_url,
        scoreboard=None,
        **places,  # type: ignore[arg-type]
    )


def test_what_fails_for_now_comes_out_again_and_then_the_feed_ends(
    database: Database, database_url: str, new_run: NewRun
) -> None:
    """It waits for the failure that is due soon, and for no other; room is kept as the settings say."""
    run, ledger = new_run(), Ledger(database, Backoff(first_s=0.3))
    ledger.ask(run, wanted("a", "b", "c"), RECIPE)
    feed = claims(context(run, database_url, ray={"look_ahead_videos": 2}, retry={"patience_s": 5}))
    a, b = next(feed), next(feed)
    ledger.fail(a.video_id, a.fence, TransientError("reset", code="network"))
    ledger.skip(b.video_id, b.fence, "short", "a Short")
    c = next(feed)
    ledger.enter(c.video_id, c.fence, "transcribe")
    again = next(feed)
    assert (again.video_id, again.fence > a.fence) == ("a", True)
    ledger.fail(again.video_id, again.fence, PermanentError("gone", code="removed"))
    assert next(feed, None) is None, "what is only transcribed keeps no feed open"


def test_a_failure_beyond_the_runs_patience_is_left_to_another_run(
    database: Database, database_url: str, new_run: NewRun
) -> None:
    """It ends at once, and the video is failed with its time."""
    run, ledger = new_run(), Ledger(database)
    ledger.ask(run, wanted("a"), RECIPE)
    feed = claims(context(run, database_url, retry={"patience_s": 5}))
    request = next(feed)
    ledger.fail(request.video_id, request.fence, TransientError("reset", retry_after_s=3600.0))
    assert list(feed) == []
    assert ledger.counts(run).failed == 1


def test_a_pause_is_waited_for_and_the_postponed_video_comes_out_again(
    database: Database, database_url: str, new_run: NewRun
) -> None:
    """Half a second here; the other video of that source comes first, the one that drew the block last."""
    run, ledger = new_run(), Ledger(database)
    governor = {"first_pause_s": 0.5, "other_videos_per_h": 36_000}
    told = context(run, database_url, governor=governor, ray={"look_ahead_videos": 1})
    permits = Permits.of(database, told.settings.governor, told.settings.download)
    ledger.ask(run, wanted("a", "b"), RECIPE)
    feed = claims(told)
    a = next(feed)
    ledger.postpone(a.video_id, a.fence, permits.blocked("example.org", asked_ago_s=0.0), last=True)
    order = []
    for request in feed:
        order.append(request.video_id)
        ledger.skip(request.video_id, request.fence, "short", "a Short")
    assert order == ["b", "a"]
