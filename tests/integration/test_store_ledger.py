"""The ledger on a real Postgres: states, fences, sharing, resuming, lost answers."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from store_rows import MADE_BY, RECIPE, Wanted, meta, spoken, wanted

from actors.errors import LeaseLost, PermanentError, SoftBlocked, TransientError
from actors.rows import RunId, VideoId
from actors.store import status
from actors.store.database import Conn, Database
from actors.store.ledger import Ledger
from actors.store.standing import Asked


class AnswersLost(Database):
    """Commits each transaction, then loses the answer of the first try and does it all again."""

    def run(self, work):  # type: ignore[no-untyped-def]
        super().run(work)
        return super().run(work)


def at_hand(ledger: Ledger, run: RunId, video_id: str = "a") -> int:
    """Ask for a video and claim it; its fence."""
    ledger.ask(run, wanted(video_id), RECIPE)
    (request,) = ledger.claim(run, 1)
    assert request.video_id == video_id
    ledger.describe(request.video_id, request.fence, meta())
    return request.fence


def test_asking_counts_each_item_once_by_its_standing(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """New, named twice (in one batch and in another), and already asked for by an earlier run."""
    first, second = new_run(), new_run()
    assert ledger.ask(first, wanted("a", "b", "a"), RECIPE) == Asked(new=2, duplicate=1)
    assert ledger.ask(first, wanted("b", "c"), RECIPE) == Asked(new=1, duplicate=1)
    assert ledger.ask(second, wanted("a", "d"), RECIPE) == Asked(new=1, again=1)
    assert ledger.counts(second).asked == 2


def test_a_long_list_is_asked_for_lazily_and_claimed_in_its_order(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """2,500 items go in by batches, and come out oldest first."""
    run = new_run()
    taken: list[int] = []

    def endless() -> Iterator[Wanted]:
        for n in range(2_500):
            taken.append(n)
            yield Wanted(f"v{n * 7919 % 2_500:04}")
            if n == 1_500:
                assert ledger.counts(run).asked == 1_000, "the first batch is in the ledger already"

    assert ledger.ask(run, endless(), RECIPE).new == 2_500
    claimed = [request.video_id for request in ledger.claim(run, 50)]
    assert claimed == [f"v{n * 7919 % 2_500:04}" for n in range(50)]


def test_claim_gives_url_and_fence_and_nobody_gets_a_video_twice(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """Two runs that asked for the same 300 videos share them, from eight threads at once."""
    runs = [new_run(), new_run()]
    names = [f"v{n}" for n in range(300)]
    for run in runs:
        ledger.ask(run, wanted(*names), RECIPE)

    def claim_all(run: RunId) -> list[str]:
        mine: list[str] = []
        while batch := ledger.claim(run, 7):
            assert all(request.url == f"https://example.org/{request.video_id}" for request in batch)
            mine += [request.video_id for request in batch]
        return mine

    with ThreadPoolExecutor(8) as threads:
        shares = list(threads.map(claim_all, runs * 4))
    assert sorted(name for share in shares for name in share) == sorted(names)
    for run in runs:
        counts = ledger.counts(run)
        assert counts.running + counts.held_elsewhere == 300
        assert counts.pending == 0


def test_a_run_claims_only_what_it_asked_for(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """What another run left on the queue isn't taken along."""
    ledger.ask(new_run(), wanted("theirs"), RECIPE)
    assert ledger.claim(new_run(), 10) == []


def test_a_claim_whose_answer_was_lost_is_given_again(
    database_url: str, ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """No video stays behind as running with nobody at it."""
    run = new_run()
    ledger.ask(run, wanted("a", "b", "c"), RECIPE)
    with AnswersLost(database_url) as forgetful:
        requests = Ledger(forgetful).claim(run, 2)
    assert [request.video_id for request in requests] == ["a", "b"]
    assert ledger.counts(run).running == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda ledger, fence: ledger.enter(VideoId("a"), fence, "prepare"),
        lambda ledger, fence: ledger.describe(VideoId("a"), fence, meta()),
        lambda ledger, fence: ledger.claim_content(VideoId("a"), fence, bytes(32)),
        lambda ledger, fence: ledger.agree_language(VideoId("a"), fence, "en"),
        lambda ledger, fence: ledger.commit_slice(spoken("a", fence, 0, 1)),
        lambda ledger, fence: ledger.transcript(VideoId("a"), fence),
        lambda ledger, fence: ledger.skip(VideoId("a"), fence, "short", "a Short"),
        lambda ledger, fence: ledger.fail(VideoId("a"), fence, PermanentError("gone")),
        lambda ledger, fence: ledger.postpone(VideoId("a"), fence, 1.0),
        lambda ledger, fence: ledger.set_list(VideoId("a"), fence, []),
    ],
)
@pytest.mark.parametrize("lost_by", ["fence", "release", "unknown"])
def test_a_lost_lease_is_told_everywhere_and_changes_nothing(
    act: Callable[[Ledger, int], object],
    lost_by: str,
    ledger: Ledger,
    new_run: Callable[[], RunId],
    database: Database,
) -> None:
    """Every change asks for the fence of the present claim."""
    run = new_run()
    if lost_by == "unknown":
        fence = 1
    else:
        fence = at_hand(ledger, run)
        ledger.release(run)
        if lost_by == "fence":
            (request,) = ledger.claim(run, 1)
            assert request.fence > fence
    everything = (
        "select row(s.*)::text as r from ingest_state s union all select row(s.*)::text from slices s"
    )
    before = database.run(lambda c: c.execute(everything).fetchall())
    with pytest.raises(LeaseLost):
        act(ledger, fence)
    assert database.run(lambda c: c.execute(everything).fetchall()) == before


def test_a_video_goes_through_its_stages(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """Only videos before prepare count as look-ahead."""
    run = new_run()
    fence = at_hand(ledger, run)
    assert ledger.n_look_ahead(run) == 1
    ledger.enter(VideoId("a"), fence, "download")
    assert ledger.n_look_ahead(run) == 1
    ledger.enter(VideoId("a"), fence, "prepare")
    assert ledger.n_look_ahead(run) == 0


def test_failures_are_kept_with_reason_and_remedy_and_without_credentials(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database
) -> None:
    """A permanent failure isn't asked for again, unless forced."""
    run = new_run()
    fence = at_hand(ledger, run)
    error = PermanentError("https://me:hunter2@host/x is private", code="private", remedy="Ask its owner")
    ledger.fail(VideoId("a"), fence, error)
    ledger.fail(VideoId("a"), fence, error)  # a lost answer
    (row,) = status.videos(database, status="failed")
    assert (row.code, row.remedy, row.permanent, row.attempts) == ("private", "Ask its owner", True, 1)
    assert row.reason == "https://***@host/x is private"
    assert ledger.ask(new_run(), wanted("a"), RECIPE) == Asked(failed_before=1)
    assert ledger.ask(new_run(), wanted("a"), RECIPE, force=True) == Asked(again=1)


@pytest.mark.parametrize(
    "error", [TransientError("reset", retry_after_s=7200.0), SoftBlocked("not a bot", retry_after_s=7200.0)]
)
def test_a_passing_failure_waits_for_its_time(
    error: TransientError, ledger: Ledger, new_run: Callable[[], RunId], database: Database
) -> None:
    """Not before Retry-After; then the next asking takes it up, and its attempts go on counting."""
    fence = at_hand(ledger, new_run())
    ledger.fail(VideoId("a"), fence, error)
    row = status.video(database, "a")
    assert row is not None
    assert row.not_before is not None
    assert 7200 <= (row.not_before - datetime.now(UTC)).total_seconds() + 60 <= 7200 * 1.1 + 60
    assert ledger.ask(new_run(), wanted("a"), RECIPE) == Asked(not_due=1)
    database.run(lambda c: c.execute("update ingest_state set not_before = now() - interval '1 s'"))
    later = new_run()
    assert ledger.ask(later, wanted("a"), RECIPE) == Asked(again=1)
    ledger.claim(later, 1)
    row = status.video(database, "a")
    assert row is not None
    assert (row.status, row.attempts, row.reason) == ("running", 2, None)


def test_a_postponed_video_goes_back_without_a_verdict(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database
) -> None:
    """It isn't claimed before its time, and the attempt doesn't count."""
    run = new_run()
    ledger.postpone(VideoId("a"), at_hand(ledger, run), 3600.0)
    assert ledger.claim(run, 1) == []
    assert ledger.counts(run).pending == 1
    database.run(lambda c: c.execute("update ingest_state set not_before = now()"))
    (request,) = ledger.claim(run, 1)
    row = status.video(database, request.video_id)
    assert row is not None
    assert row.attempts == 1


def test_skips_that_time_undoes_are_asked_for_again(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """A live stream ends; a Short stays one."""
    run = new_run()
    for name, code in (("l", "live"), ("s", "short")):
        ledger.skip(VideoId(name), at_hand(ledger, run, name), code, "because")
    assert ledger.counts(run).skipped == 2
    assert ledger.ask(new_run(), wanted("l", "s"), RECIPE) == Asked(again=1, skipped_before=1)


def test_a_list_is_taken_apart_in_its_run(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """Its entries are this run's, itself and what was named before are not asked for twice."""
    run = new_run()
    ledger.ask(run, [Wanted("channel", kind="unknown"), Wanted("x")], RECIPE)
    (request,) = ledger.claim(run, 1)
    asked = ledger.set_list(request.video_id, request.fence, wanted("x", "y", "z", "channel"))
    assert asked == Asked(new=2, duplicate=2)
    counts = ledger.counts(run)
    assert (counts.asked, counts.lists, counts.pending, counts.skipped) == (4, 1, 3, 0)
    assert {each.video_id for each in ledger.claim(run, 10)} == {"x", "y", "z"}
    assert ledger.ask(new_run(), wanted("channel"), RECIPE) == Asked(again=1)


def test_a_list_says_what_of_it_was_left_out(
    database: Database, ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """Known only once its entries have been read; a password in it is masked."""
    fence = at_hand(ledger, new_run())
    left_out: list[str] = []

    def entries() -> Iterator[Wanted]:
        yield from wanted("b")
        left_out.append("https://me:hunter2@host/x")

    class Later:
        def __str__(self) -> str:
            return f"left out {left_out[0]}"

    ledger.set_list(VideoId("a"), fence, entries(), left_out=Later())
    row = status.video(database, "a")
    assert row is not None and row.reason == "a list of 1 entries; left out https://***@host/x"


def test_a_list_too_deep_begins_anew_where_it_is_named_by_itself(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """The lists that once led to it don't count then; what else they said of it stays."""
    run, later = new_run(), new_run()
    ledger.ask(run, [Wanted("deep", hint=meta("A list", list_depth=4))], RECIPE)
    (request,) = ledger.claim(run, 1)
    assert request.hint is not None and request.hint.list_depth == 4
    ledger.skip(request.video_id, request.fence, "nested_list", "too deep")
    assert ledger.ask(later, [Wanted("deep")], RECIPE) == Asked(again=1)
    (request,) = ledger.claim(later, 1)
    assert request.hint is not None
    assert (request.hint.list_depth, request.hint.title) == (0, "A list")


def test_release_gives_back_everything_and_forgives_what_was_cut_short(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database
) -> None:
    """After a clean stop another run can go on at once, and nothing counts against the videos."""
    run = new_run()
    ledger.ask(run, wanted("a", "b"), RECIPE)
    ledger.claim(run, 2)
    ledger.begin_work(VideoId("a"), "transcribe", 0)
    assert ledger.release(run, forgive=True) == 2
    other = new_run()
    ledger.ask(other, wanted("a", "b"), RECIPE)
    assert len(ledger.claim(other, 5)) == 2
    assert ledger.begin_work(VideoId("a"), "transcribe", 0) == 1
    assert [row.attempts for row in status.videos(database)] == [1, 1]


def test_what_dead_workers_left_behind_keeps_its_count(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """A run that picks up its own leftovers finds the row that kills out."""
    run = new_run()
    tries = []
    ledger.ask(run, wanted("a"), RECIPE)
    for _ in range(4):
        ledger.claim(run, 1)
        tries.append(ledger.begin_work(VideoId("a"), "transcribe", 0))
        assert ledger.release(run) == 1
    assert tries == [1, 2, 3, 4]


def test_a_limit_counts_videos_and_reads_no_further(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """Lists don't count, nor what is passed over; the source is left where the limit was reached."""
    ledger.skip(VideoId("old"), at_hand(ledger, new_run(), "old"), "short", "a Short")
    run = new_run()
    ledger.ask(run, [Wanted("old"), Wanted("channel", kind="unknown"), Wanted("x")], RECIPE, limit=3)
    (request,) = ledger.claim(run, 1)
    entries = iter(wanted(*(f"v{n}" for n in range(100))))
    ledger.set_list(request.video_id, request.fence, entries, limit=3)
    counts = ledger.counts(run)
    assert (counts.to_do, counts.lists, counts.passed_over) == (3, 1, 1)
    assert len(list(entries)) >= 90
    assert [each.video_id for each in ledger.claim(run, 10)] == ["x", "v0", "v1"]


def test_lists_taken_apart_at_once_share_a_limit(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """Four at the same time, 100 entries each: the limit is met and not passed."""
    run = new_run()
    ledger.ask(run, [Wanted(name, kind="list") for name in "abcd"], RECIPE, limit=50)
    requests = ledger.claim(run, 4)

    def take_apart(n: int) -> None:
        entries = wanted(*(f"{n}-{m}" for m in range(100)))
        ledger.set_list(requests[n].video_id, requests[n].fence, entries, limit=50)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(take_apart, range(4)))
    assert ledger.counts(run).to_do == 50


def test_a_hint_travels_to_the_claim_and_stands_in_the_ledger(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database
) -> None:
    """What a list says of a video is known before the video was looked at."""
    run, hint = new_run(), meta("From the feed", published_at=datetime(2024, 5, 1, tzinfo=UTC))
    ledger.ask(run, [Wanted("a", hint=hint), Wanted("b")], RECIPE)
    assert [request.hint for request in ledger.claim(run, 2)] == [hint, None]
    row = status.video(database, "a")
    assert row is not None
    assert row.title == "From the feed"


def test_work_that_kills_its_worker_is_counted(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """Begun and never ended three times: the third begin says three. An end starts anew."""
    at_hand(ledger, new_run())
    tries = [ledger.begin_work(VideoId("a"), "transcribe", 4) for _ in range(3)]
    assert tries == [1, 2, 3]
    assert ledger.begin_work(VideoId("a"), "transcribe", 5) == 1
    ledger.end_work(VideoId("a"), "transcribe", 4)
    assert ledger.begin_work(VideoId("a"), "transcribe", 4) == 1


def test_the_first_language_proposed_holds_for_the_whole_video(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """Whoever asks, and whenever: all slices get one answer."""
    fence = at_hand(ledger, new_run())
    proposals = ["en", "de", "fr", "es"] * 5
    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(lambda each: ledger.agree_language(VideoId("a"), fence, each), proposals))
    assert len(answers) == 1


def test_the_same_content_is_held_by_one_video(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """The second is told who has it; where the first fails, the second may have it."""
    run = new_run()
    ledger.ask(run, wanted("a", "b"), RECIPE)
    a, b = ledger.claim(run, 2)
    digest = bytes(range(32))
    assert ledger.claim_content(a.video_id, a.fence, digest) is None
    assert ledger.claim_content(a.video_id, a.fence, digest) is None
    assert ledger.claim_content(b.video_id, b.fence, digest) == "a"
    ledger.fail(a.video_id, a.fence, PermanentError("undecodable"))
    assert ledger.claim_content(b.video_id, b.fence, digest) is None


def test_a_duplicate_is_asked_for_again_only_while_its_original_isnt_stored(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database
) -> None:
    """Otherwise a failed original would keep its content out of the corpus for ever."""
    run = new_run()
    ledger.ask(run, wanted("a", "b"), RECIPE)
    a, b = ledger.claim(run, 2)
    ledger.claim_content(a.video_id, a.fence, bytes(32))
    assert ledger.claim_content(b.video_id, b.fence, bytes(32)) == "a"
    ledger.skip(b.video_id, b.fence, "duplicate", "the same as a")
    assert ledger.ask(new_run(), wanted("b"), RECIPE) == Asked(again=1)
    database.run(
        lambda c: c.execute(
            "update ingest_state set status = 'skipped', code = 'duplicate', reason = '' where video_id = 'b'"
        )
    )
    database.run(lambda c: c.execute("update ingest_state set status = 'stored' where video_id = 'a'"))
    assert ledger.ask(new_run(), wanted("b"), RECIPE) == Asked(skipped_before=1)


def test_only_one_of_many_with_the_same_content_holds_it(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """Eight at once, one winner, and the seven others name it."""
    run = new_run()
    ledger.ask(run, wanted(*"abcdefgh"), RECIPE)
    requests = ledger.claim(run, 8)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda r: ledger.claim_content(r.video_id, r.fence, bytes(32)), requests))
    (winner,) = [
        request.video_id for request, answer in zip(requests, answers, strict=True) if answer is None
    ]
    assert Counter(answers) == {None: 1, winner: 7}


def test_changed_content_drops_the_slices_cut_from_the_old(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """They would not fit between the new ones."""
    fence = at_hand(ledger, new_run())
    ledger.claim_content(VideoId("a"), fence, bytes(32))
    ledger.commit_slice(spoken("a", fence, 0))
    ledger.claim_content(VideoId("a"), fence, bytes(32))
    assert ledger.slices_present(VideoId("a"), RECIPE).ordinals == {0}
    ledger.claim_content(VideoId("a"), fence, bytes([1] * 32))
    assert ledger.slices_present(VideoId("a"), RECIPE).ordinals == frozenset()


def test_what_lay_there_at_the_claim_stays_the_same_until_the_next(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """A row that is prepared again after its actor died gives the same slices again: Ray drops as many as it
    had, and if those committed meanwhile were left out it would drop others in their stead."""
    run = new_run()
    fence = at_hand(ledger, run)
    ledger.commit_slice(spoken("a", fence, 0))
    assert ledger.slices_at_claim(VideoId("a")) == frozenset()
    ledger.release(run)
    (request,) = ledger.claim(run, 1)
    ledger.commit_slice(spoken("a", request.fence, 1))
    assert ledger.slices_at_claim(VideoId("a")) == {0}
    assert ledger.slices_present(VideoId("a"), RECIPE).ordinals == {0, 1}


def test_slices_in_any_order_make_one_transcript(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """The completing commit gets the text in order with words, flags, metadata and provenance."""
    fence = at_hand(ledger, new_run())
    about = meta(channel="C", published_at=datetime(2024, 5, 1, tzinfo=UTC))
    ledger.describe(VideoId("a"), fence, about)
    assert ledger.commit_slice(spoken("a", fence, 2, n_slices=3)) is None
    assert ledger.commit_slice(spoken("a", fence, 0)) is None
    present = ledger.slices_present(VideoId("a"), RECIPE)
    assert (present.ordinals, present.n_slices, present.complete) == ({0, 2}, 3, False)
    whole = ledger.commit_slice(spoken("a", fence, 1))
    assert whole is not None
    assert whole.utterances == tuple(spoken("a", fence, n).utterances[0] for n in range(3))
    assert (whole.meta, whole.language, whole.provenance, whole.fence) == (about, "en", MADE_BY, fence)
    assert ledger.transcript(VideoId("a"), fence) == whole


def test_a_repeated_commit_gets_the_transcript_again_until_it_is_stored(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database, database_url: str
) -> None:
    """A lost answer never loses a video, and a stored one isn't sent on again."""
    fence = at_hand(ledger, new_run())
    with AnswersLost(database_url) as forgetful:
        assert Ledger(forgetful).commit_slice(spoken("a", fence, 0)) is None
        assert Ledger(forgetful).commit_slice(spoken("a", fence, 1, n_slices=2)) is not None
    assert ledger.commit_slice(spoken("a", fence, 0)) is not None
    database.run(lambda c: c.execute("update ingest_state set status = 'stored'"))
    assert ledger.commit_slice(spoken("a", fence, 0)) is None


def test_exactly_one_commit_completes_a_video(
    database_url: str, ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """Eight threads with connections of their own commit 24 slices of each of six videos at once."""
    run = new_run()
    names = [f"v{n}" for n in range(6)]
    ledger.ask(run, wanted(*names), RECIPE)
    fences = {request.video_id: request.fence for request in ledger.claim(run, 6)}
    for name, fence in fences.items():
        ledger.describe(name, fence, meta())
    slices = [
        spoken(name, fences[VideoId(name)], n, 24 if n == 23 else None) for n in range(24) for name in names
    ]
    start = threading.Barrier(8)

    def commit(share: int) -> list[str]:
        start.wait()
        done = (eight.commit_slice(each) for each in slices[share::8])
        return [whole.video_id for whole in done if whole is not None]

    with Database(database_url, pool_size=8) as wide, ThreadPoolExecutor(8) as threads:
        eight = Ledger(wide)
        completed = [name for share in threads.map(commit, range(8)) for name in share]
    assert sorted(completed) == names


def test_a_slice_beyond_the_last_is_refused(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """The transaction is undone: the ledger doesn't keep what can't be right."""
    fence = at_hand(ledger, new_run())
    ledger.commit_slice(spoken("a", fence, 1, n_slices=2))
    with pytest.raises(PermanentError, match="more slices"):
        ledger.commit_slice(spoken("a", fence, 5))
    assert ledger.slices_present(VideoId("a"), RECIPE).ordinals == {1}


def test_numbers_that_json_cannot_hold_fail_their_slice(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """NaN from a model is that video's failure, not an exception of the driver's."""
    fence = at_hand(ledger, new_run())
    bad = spoken("a", fence, 0, 1)
    bad = replace(bad, utterances=(replace(bad.utterances[0], avg_logprob=float("nan")),))
    with pytest.raises(PermanentError) as caught:
        ledger.commit_slice(bad)
    assert caught.value.code == "bad_data"


def test_text_that_postgres_cannot_hold_is_cleaned(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """NUL and lone surrogates in ids, titles and text; SQL and quotes are only text."""
    run = new_run()
    name = "we'ird; drop table runs; --\x00\ud83d"
    ledger.ask(
        run, [Wanted(name, "https://example.org/\x00", hint=meta("ti\x00tle")), Wanted("x" * 5000)], RECIPE
    )
    first, second = ledger.claim(run, 2)
    assert first.video_id == "we'ird; drop table runs; --\ufffd"
    assert len(second.video_id) <= 400
    ledger.describe(first.video_id, first.fence, meta("\u202enul \x00 \udc00" + "x" * 10_000))
    whole = ledger.commit_slice(
        spoken(first.video_id, first.fence, 0, 1, text="so \x00 it \ud83d\ude00 goes \udfff")
    )
    assert whole is not None
    assert whole.utterances[0].text == "so  it 😀 goes \ufffd"
    assert whole.meta.title.startswith("\u202enul  \ufffdxxx")


def test_another_recipe_starts_anew_and_keeps_the_old_slices(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """What was transcribed under other settings doesn't count, nor does the language agreed on then."""
    run = new_run()
    fence = at_hand(ledger, run)
    ledger.agree_language(VideoId("a"), fence, "de")
    ledger.commit_slice(spoken("a", fence, 0))
    ledger.release(run)
    other = new_run()
    ledger.ask(other, wanted("a"), "recipe-2")
    (request,) = ledger.claim(other, 1)
    assert ledger.slices_present(request.video_id, "recipe-2").ordinals == frozenset()
    assert ledger.slices_present(request.video_id, RECIPE).ordinals == {0}
    assert ledger.agree_language(request.video_id, request.fence, "en") == "en"
    assert ledger.commit_slice(spoken("a", request.fence, 0, 1)) is not None


def test_force_forgets_earlier_slices_and_leaves_running_videos_alone(
    ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """A forced video is done from the start; one that another run works on isn't taken from it."""
    run = new_run()
    fence = at_hand(ledger, run, "a")
    ledger.commit_slice(spoken("a", fence, 0))
    ledger.release(run)
    held = at_hand(ledger, run := new_run(), "b")
    forced = new_run()
    assert ledger.ask(forced, wanted("a", "b"), RECIPE, force=True) == Asked(again=1, held=1)
    assert ledger.slices_present(VideoId("a"), RECIPE).ordinals == frozenset()
    ledger.enter(VideoId("b"), held, "prepare")
    assert ledger.counts(forced).held_elsewhere == 1


def test_counts_account_for_every_video_asked_for(ledger: Ledger, new_run: Callable[[], RunId]) -> None:
    """Asked = worked on + passed over, whatever became of them."""
    earlier = new_run()
    ledger.skip(VideoId("old"), at_hand(ledger, earlier, "old"), "short", "a Short")
    ledger.fail(VideoId("bad"), at_hand(ledger, earlier, "bad"), PermanentError("gone"))
    run = new_run()
    ledger.ask(run, wanted("old", "bad", *"abcde"), RECIPE)
    a, b, c = ledger.claim(run, 3)
    ledger.skip(a.video_id, a.fence, "live", "live")
    ledger.fail(b.video_id, b.fence, TransientError("reset"))
    ledger.describe(c.video_id, c.fence, meta(duration_s=90.0))
    ledger.commit_slice(spoken(c.video_id, c.fence, 0))
    counts = ledger.counts(run)
    assert (counts.asked, counts.passed_over, counts.pending, counts.running) == (7, 2, 2, 1)
    assert (counts.skipped, counts.failed, counts.stored) == (1, 1, 0)
    assert (counts.transcribed_speech_s, counts.known_audio_s) == (20.0, 90.0)


def test_a_connection_ended_by_the_server_costs_nothing(
    database: Database, database_url: str, ledger: Ledger, new_run: Callable[[], RunId]
) -> None:
    """pg_terminate_backend in the middle of a transaction: it is done again, once."""
    run = new_run()
    ledger.ask(run, wanted("a"), RECIPE)
    kills = iter([True, False])

    def suicidal(connection: Conn) -> int:
        connection.execute("update ingest_state set attempts = attempts + 1")
        if next(kills):
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        row = connection.execute("select attempts from ingest_state").fetchone()
        assert row is not None
        return int(row["attempts"])

    assert database.run(suicidal) == 1
