"""Where a video enters the line: what the ledger or the archive has is not asked of its source."""

from collections.abc import Callable
from pathlib import Path

import pytest
from store_rows import RECIPE, meta, spoken, wanted

from actors.errors import Rejected
from actors.fetch.archive import AudioArchive
from actors.rows import Audio, Request, Resumed, RunId, VideoId
from actors.store import status
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from configs.settings import Settings
from pipelines.context import RunContext
from pipelines.recall import Recall

A = VideoId("a")


@pytest.fixture
def claim(database_url: str, ledger: Ledger) -> Callable[..., Request]:
    """A run of its own asks for a video and claims it; it is dead when the next one begins."""

    def take(video_id: str = "a", *, force: bool = False) -> Request:
        with RunRegistry(database_url) as registry:
            run = registry.open_run({})
            ledger.ask(run, wanted(video_id), RECIPE, force=force)
            (request,) = ledger.claim(run, 1)
        return request

    return take


@pytest.fixture
def recall(tmp_path: Path, ledger: Ledger) -> Callable[..., Recall]:
    def build(**overrides: object) -> Recall:
        settings = Settings(prefilter=overrides)  # type: ignore[arg-type]
        context = RunContext(RunId(1), settings, "", tmp_path, tmp_path, tmp_path / "audio", scoreboard=None)  # type: ignore[arg-type]
        return Recall(context, ledger)

    return build


@pytest.fixture
def archive(tmp_path: Path) -> AudioArchive:
    return AudioArchive(tmp_path / "audio", Settings().archive)


def track(video_id: str = "a", content: bytes = b"sound") -> Audio:
    return Audio(VideoId(video_id), 1, meta("As the source had it", duration_s=100.0), content, "webm")


def test_an_archived_track_is_taken_and_described_as_it_was(
    claim: Callable[..., Request], recall: Callable[..., Recall], archive: AudioArchive, database: Database
) -> None:
    """Under the new claim's fence; without a track the source is asked."""
    assert recall()(claim()) is None
    archive.keep(track())
    request = claim()
    found = recall()(request)
    assert isinstance(found, Audio)
    assert (found.content, found.fence, found.extension) == (b"sound", request.fence, "webm")
    row = status.video(database, "a")
    assert row is not None
    assert row.title == "As the source had it"


def test_slices_that_are_all_here_need_no_track(
    claim: Callable[..., Request], recall: Callable[..., Recall], ledger: Ledger
) -> None:
    """Only assembling is left."""
    request = claim()
    ledger.describe(A, request.fence, meta())
    ledger.commit_slice(spoken("a", request.fence, 0, 1))
    again = claim()
    assert recall()(again) == Resumed(A, again.fence)


def test_what_is_forced_is_fetched_anew_once(
    claim: Callable[..., Request], recall: Callable[..., Recall], archive: AudioArchive, ledger: Ledger
) -> None:
    """The track from before doesn't count; the one fetched since does."""
    archive.keep(track())
    forced = claim(force=True)
    ledger.skip(A, forced.fence, "short", "because")
    forced = claim(force=True)
    assert (forced.redo, recall()(forced)) == ("fetch", None)
    archive.keep(track(content=b"newer"))
    ledger.claim_content(A, forced.fence, bytes(32))
    found = recall()(claim())
    assert isinstance(found, Audio)
    assert found.content == b"newer"


def test_a_track_is_left_out_by_the_rules_in_force(
    claim: Callable[..., Request], recall: Callable[..., Recall], archive: AudioArchive
) -> None:
    """Too long by now, or the same content as another video's."""
    archive.keep(track())
    with pytest.raises(Rejected) as refused:
        recall(max_duration_s=60.0)(claim())
    assert refused.value.code == "too_long"
    assert isinstance(recall()(claim()), Audio)
    archive.keep(track("b"))
    with pytest.raises(Rejected) as refused:
        recall()(claim("b"))
    assert refused.value.code == "duplicate"
