"""Doing stored videos again, on a real Postgres: old rows are served until new ones replace them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from store_rows import DIM, MADE_BY, MODEL, RECIPE, embedded, meta, spoken, unit_vectors, wanted

from actors.errors import LeaseLost, PermanentError, TransientError
from actors.rows import Request, RunId, VideoId
from actors.store import status
from actors.store.conditions import Conditions, parse_conditions
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.recipes import OtherRecipe, begun_otherwise, note_recipe, stored_otherwise
from actors.store.redo import Redo, choose, redoable, unfinished
from actors.store.runs import RunRegistry
from actors.store.search import search
from actors.store.standing import Asked
from actors.store.vectors import EmbeddingTable, ensure_model, n_missing, prefer
from actors.store.writer import Writer

OTHER = "recipe-2"
DIGEST = bytes(32)
A = VideoId("a")


@pytest.fixture
def new_run(database_url: str) -> Iterator[Callable[[], RunId]]:
    """Opens runs; a new one finds the one before it dead, as after kill -9."""
    registries: list[RunRegistry] = []

    def open_one() -> RunId:
        for before in registries:
            before.disconnect()
        registries.append(RunRegistry(database_url, budget_s=20.0))
        return registries[-1].open_run({})

    yield open_one
    for registry in registries:
        registry.disconnect()


@pytest.fixture
def store(
    ledger: Ledger, new_run: Callable[[], RunId], database: Database, table: EmbeddingTable
) -> Callable[..., None]:
    """Takes a video through the line: two slices, two segments."""

    def through(video_id: str, **about: Any) -> None:
        run = new_run()
        ledger.ask(run, wanted(video_id), RECIPE)
        (request,) = ledger.claim(run, 1)
        finish(ledger, Writer(database, table), request, "old", **about)

    return through


def finish(ledger: Ledger, writer: Writer, request: Request, word: str, **about: Any) -> None:
    """What the line does from Download on."""
    video_id, fence = request.video_id, request.fence
    ledger.describe(video_id, fence, meta(**about))
    ledger.claim_content(video_id, fence, DIGEST if video_id == A else video_id.encode().ljust(32))
    ledger.commit_slice(spoken(video_id, fence, 0, text=f"{word} first"))
    assert ledger.commit_slice(spoken(video_id, fence, 1, 2, text=f"{word} second")) is not None
    texts = [f"{word} {video_id} one", f"{word} {video_id} two"]
    writer.write(embedded(video_id, fence, texts, unit_vectors(2, DIM), **about))


def texts(database: Database, video_id: str = "a") -> list[str]:
    """What ``show`` gives."""
    view = status.show(database, video_id)
    assert view is not None
    return [segment["text"] for segment in view.segments]


def hits(database: Database, table: EmbeddingTable) -> list[str]:
    """What ``search`` gives."""
    return sorted(hit.text for hit in search(database, unit_vectors(1, DIM)[0], "one", table, limit=10))


def row(database: Database, video_id: str = "a") -> status.VideoStatus:
    found = status.video(database, video_id)
    assert found is not None
    return found


def slices(database: Database, video_id: str = "a") -> list[tuple[str, int, str]]:
    """(recipe, ordinal, text) of every slice kept, whatever its edition."""
    query = "select recipe, ordinal, utterances->0->>'text' as text from slices where video_id = %s order by 1, edition, 2"
    found = database.run(lambda c: c.execute(query, (video_id,)).fetchall())
    return [(each["recipe"], each["ordinal"], each["text"]) for each in found]


OLD = ["old a one", "old a two"]
OLD_SLICES = [(RECIPE, 0, "old first"), (RECIPE, 1, "old second")]


def test_a_forced_video_is_served_as_before_until_the_new_one_is_whole(
    ledger: Ledger, database: Database, table: EmbeddingTable, store: Callable[..., None],
    new_run: Callable[[], RunId],
) -> None:  # fmt: skip
    """Asked, claimed, transcribed: search and show give the old rows; stored: the new ones and their slices."""
    store("a")
    run = new_run()
    assert ledger.ask(run, wanted("a"), RECIPE, force=True) == Asked(again=1)
    (request,) = ledger.claim(run, 1)
    assert request.redo == "fetch"
    assert ledger.slices_present(A).ordinals == frozenset()
    ledger.describe(A, request.fence, meta("Renamed"))
    ledger.claim_content(A, request.fence, b"n" * 32)  # the source gives other bytes now
    ledger.commit_slice(spoken("a", request.fence, 0, text="new first"))
    whole = ledger.commit_slice(spoken("a", request.fence, 1, 2, text="new second"))
    assert whole is not None
    assert [one.text for one in whole.utterances] == ["new first", "new second"]
    assert (texts(database), hits(database, table)) == (OLD, OLD)
    assert (row(database).status, row(database).in_corpus) == ("running", True)
    assert unfinished(database) == {"to_do": 1, "not_done": 0}
    assert slices(database)[:2] == OLD_SLICES
    Writer(database, table).write(embedded("a", request.fence, ["new a one"], unit_vectors(1, DIM)))
    assert (texts(database), hits(database, table)) == (["new a one"], ["new a one"])
    assert slices(database) == [(RECIPE, 0, "new first"), (RECIPE, 1, "new second")]
    assert (row(database).status, row(database).redo) == ("stored", None)
    assert unfinished(database) == {"to_do": 0, "not_done": 0}


def test_a_killed_forced_run_goes_on_where_it_was_by_the_plain_command(
    ledger: Ledger, database: Database, table: EmbeddingTable, store: Callable[..., None],
    new_run: Callable[[], RunId],
) -> None:  # fmt: skip
    """Its slices count, what it had fetched isn't fetched anew, and it ends."""
    store("a")
    killed = new_run()
    ledger.ask(killed, wanted("a"), RECIPE, force=True)
    (request,) = ledger.claim(killed, 1)
    ledger.claim_content(A, request.fence, DIGEST)
    ledger.commit_slice(spoken("a", request.fence, 0, text="new first"))
    plain = new_run()
    assert texts(database) == OLD
    assert (row(database).status, row(database).in_corpus, row(database).redo) == ("pending", True, "prepare")
    assert ledger.ask(plain, wanted("a"), RECIPE) == Asked(again=1)
    (again,) = ledger.claim(plain, 1)
    assert (again.redo, ledger.slices_present(A).ordinals) == ("prepare", {0})
    with pytest.raises(LeaseLost):
        Writer(database, table).write(embedded("a", request.fence, ["dead"], unit_vectors(1, DIM)))
    finish(ledger, Writer(database, table), again, "new")
    assert texts(database) == ["new a one", "new a two"]
    assert slices(database) == [(RECIPE, 0, "new first"), (RECIPE, 1, "new second")]
    assert ledger.ask(new_run(), wanted("a"), RECIPE) == Asked(stored=1)


def test_killed_before_anything_was_fetched_it_is_still_fetched_anew(
    ledger: Ledger, store: Callable[..., None], new_run: Callable[[], RunId]
) -> None:
    """An archived track from before the command doesn't count."""
    store("a")
    killed = new_run()
    ledger.ask(killed, wanted("a"), RECIPE, force=True)
    ledger.claim(killed, 1)
    plain = new_run()
    ledger.ask(plain, wanted("a"), RECIPE)
    assert [request.redo for request in ledger.claim(plain, 1)] == ["fetch"]


@pytest.mark.parametrize("ask", ["force", "prepare", "segment", "embed"])
@pytest.mark.parametrize(
    "error", [PermanentError("gone", code="removed"), TransientError("reset", code="network")]
)
def test_one_that_fails_leaves_the_old_rows_and_its_ledger_row_tells_both(
    ask: str, error: PermanentError | TransientError, ledger: Ledger, database: Database, table: EmbeddingTable,
    store: Callable[..., None], new_run: Callable[[], RunId],
) -> None:  # fmt: skip
    """Failed, with its reason, and served; the plain command doesn't try what failed for good again."""
    store("a")
    run = new_run()
    begin(ledger, run, ask)
    (request,) = ledger.claim(run, 1)
    ledger.fail(A, request.fence, error)
    assert (texts(database), hits(database, table)) == (OLD, OLD)
    assert slices(database) == OLD_SLICES
    failed = row(database)
    assert (failed.status, failed.code, failed.in_corpus) == ("failed", error.code, True)
    assert unfinished(database) == {"to_do": 0, "not_done": 1}
    later = new_run()
    if isinstance(error, PermanentError):
        assert ledger.ask(later, wanted("a"), RECIPE) == Asked(failed_before=1)
        return
    assert ledger.ask(later, wanted("a"), RECIPE) == Asked(not_due=1)
    database.run(lambda c: c.execute("update ingest_state set not_before = now() - interval '1 s'"))
    due = new_run()
    assert ledger.ask(due, wanted("a"), RECIPE) == Asked(again=1)
    assert [each.redo for each in ledger.claim(due, 1)] == ["fetch" if ask == "force" else ask]


def begin(ledger: Ledger, run: RunId, how: str, recipe: str = RECIPE) -> Asked:
    if how == "force":
        return ledger.ask(run, wanted("a"), recipe, force=True)
    return ledger.redo(run, Redo(how, (A,)), recipe)  # type: ignore[arg-type]


def test_a_duplicate_of_what_is_served_stays_one_while_that_is_redone_or_has_failed(
    ledger: Ledger, store: Callable[..., None], new_run: Callable[[], RunId]
) -> None:
    """The same content is never stored twice."""
    store("a")
    run = new_run()
    begin(ledger, run, "force")
    (request,) = ledger.claim(run, 1)
    ledger.fail(A, request.fence, PermanentError("gone"))
    ledger.ask(run, wanted("copy"), RECIPE)
    (copy,) = ledger.claim(run, 1)
    assert ledger.claim_content(copy.video_id, copy.fence, DIGEST) == "a"
    ledger.skip(copy.video_id, copy.fence, "duplicate", "the same audio as a")
    assert ledger.ask(new_run(), wanted("copy"), RECIPE) == Asked(skipped_before=1)


def test_segments_are_cut_again_from_the_slices_and_the_recipe_that_they_have(
    ledger: Ledger, database: Database, table: EmbeddingTable, store: Callable[..., None],
    new_run: Callable[[], RunId],
) -> None:  # fmt: skip
    """Other settings are in force, a forced attempt under them was killed: what is served is cut again."""
    store("a", duration_s=77.0)
    forced = new_run()
    begin(ledger, forced, "force", OTHER)
    (request,) = ledger.claim(forced, 1)
    ledger.commit_slice(spoken("a", request.fence, 0, text="never stored"))
    run = new_run()
    assert begin(ledger, run, "segment", OTHER) == Asked(again=1)
    ledger.claim(run, 1)
    plain = new_run()  # that one was killed too, and the plain command ends what it began
    assert ledger.ask(plain, wanted("a"), OTHER) == Asked(again=1)
    (request,) = ledger.claim(plain, 1)
    assert request.redo == "segment"
    transcript = ledger.transcript(A, request.fence)
    assert [one.text for one in transcript.utterances] == ["old first", "old second"]
    video = embedded("a", request.fence, ["cut anew"], unit_vectors(1, DIM))
    assert texts(database) == OLD
    assert Writer(database, table).write(video).outcome == "written"
    assert Writer(database, table).write(video).outcome == "already"
    view = status.show(database, "a")
    assert view is not None
    assert (texts(database), view.source["recipe"], view.source["duration_s"]) == (["cut anew"], RECIPE, 60.0)
    assert slices(database) == OLD_SLICES


def test_embedding_again_replaces_the_vectors_of_that_model_and_nothing_else(
    ledger: Ledger, database: Database, table: EmbeddingTable, store: Callable[..., None],
    new_run: Callable[[], RunId],
) -> None:  # fmt: skip
    """Segments and the other model's vectors are the very rows that they were; search goes over at the end."""
    for name in "ab":
        store(name)
    new = ensure_model(database, "new/model", DIM)
    everything = f"""select xmin::text, s.* from segments s order by 2, 3;
                     select xmin::text, e.* from {table.table_name} e order by 2, 3;
                     select xmin::text, s.* from sources s order by 2""".split(";")

    def kept() -> list[str]:
        return [repr(database.run(lambda c, q=query: c.execute(q).fetchall())) for query in everything]

    before = kept()
    for n, name in enumerate("ab"):
        run = new_run()
        ledger.redo(run, Redo("embed", (VideoId(name),)), OTHER)
        (request,) = ledger.claim(run, 1)
        video = ledger.served(request.video_id, request.fence)
        assert [one.text for one in video.segments] == texts(database, name)
        assert (video.provenance, video.meta.title, video.segments[0].flags) == (MADE_BY, "A talk", ())
        vectors = embedded(name, request.fence, [], unit_vectors(2, DIM, 9), model="new/model")
        for outcome in ("written", "already"):
            assert Writer(database, new).write(replace(vectors, video=video)).outcome == outcome
        assert (n_missing(database, new), prefer(database, new).name) == ((2, MODEL), (0, "new/model"))[n]
        assert kept() == before
    again = new_run()
    ledger.redo(again, Redo("embed", (A,)), RECIPE)
    (request,) = ledger.claim(again, 1)
    video = ledger.served(A, request.fence)
    vectors = embedded("a", request.fence, [], unit_vectors(2, DIM, 10), model="new/model")
    Writer(database, new).write(replace(vectors, video=video))
    assert n_missing(database, new) == 0
    assert kept() == before
    assert {row(database, name).status for name in "ab"} == {"stored"}
    assert slices(database) == OLD_SLICES


def test_a_killed_reprocess_goes_on_with_its_slices_and_another_recipe_begins_anew(
    ledger: Ledger, store: Callable[..., None], new_run: Callable[[], RunId]
) -> None:
    """The same command again is the same work; what a video in another run's hands gets is nothing."""
    store("a")
    run = new_run()
    begin(ledger, run, "prepare")
    (request,) = ledger.claim(run, 1)
    assert (request.redo, ledger.slices_present(A).ordinals) == ("prepare", frozenset())
    ledger.commit_slice(spoken("a", request.fence, 0, text="new first"))
    assert begin(ledger, run, "prepare") == Asked()  # this run has it
    run = new_run()
    assert begin(ledger, run, "prepare") == Asked(again=1)
    (request,) = ledger.claim(run, 1)
    assert ledger.slices_present(A).ordinals == {0}
    other = new_run()
    begin(ledger, other, "prepare", OTHER)
    ledger.claim(other, 1)
    assert ledger.slices_present(A).ordinals == frozenset()
    assert ledger.counts(other).running == 1


def test_a_video_in_another_runs_hands_is_left_there(
    database_url: str, ledger: Ledger, store: Callable[..., None], new_run: Callable[[], RunId]
) -> None:
    """It counts as held, and its claim stays good."""
    store("a")
    with RunRegistry(database_url) as living:
        theirs = living.open_run({})
        begin(ledger, theirs, "force")
        (request,) = ledger.claim(theirs, 1)
        ours = new_run()
        assert begin(ledger, ours, "segment") == Asked(held=1)
        ledger.enter(A, request.fence, "download")
        assert (ledger.claim(ours, 1), ledger.counts(ours).held_elsewhere) == ([], 1)


def test_conditions_choose_what_they_say(
    database: Database, ledger: Ledger, store: Callable[..., None], new_run: Callable[[], RunId]
) -> None:
    """Every key alone, two together, values that would be SQL; a video whose slices are gone can't be cut."""
    store("a", channel="First", channel_id="UC1", published_at=datetime(2024, 1, 31, 23, 0, tzinfo=UTC))
    store("b", channel="Second; drop table sources; --", published_at=datetime(2024, 2, 1, tzinfo=UTC))
    database.run(
        lambda c: c.execute("update segments set flags = '{loop}' where (source_id, ordinal) = ('b', 1)")
    )
    database.run(
        lambda c: c.execute("update segments set speaker = 'Ann' where (source_id, ordinal) = ('a', 0)")
    )
    database.run(lambda c: c.execute("delete from slices where (video_id, ordinal) = ('b', 0)"))
    database.run(lambda c: c.execute("update sources set language = 'de' where source_id = 'b'"))
    database.run(
        lambda c: c.execute(
            """update sources set provenance = '{"model": "/models/big"}' where source_id = 'b'"""
        )
    )
    unheard = """update slices set voice_windows = '{}', voice_vectors = '', voice_reason = 'no memory' where video_id = 'b'"""
    database.run(lambda c: c.execute(unheard))
    begin(ledger, new_run(), "segment")

    def chosen(*pairs: str, limit: int | None = None) -> str:
        conditions = parse_conditions(pairs, recipe="0" * 16)
        return "".join(video.video_id for video in choose(database, conditions, limit))

    expected = {
        (): "ab", ("video=b",): "b", ("channel=FIRST",): "a", ("channel=uc1",): "a",
        ("channel=second; drop table sources; --",): "b", ("language=de",): "b", ("since=2024-02-01",): "b",
        ("until=2024-01-31",): "a", ("model=tiny",): "a", ("model=big",): "b", ("model=/models/big",): "b",
        ("recipe=other",): "ab", ("recipe=" + "0" * 16,): "", ("flag=loop",): "b", ("flag=loop", "flag=x"): "",
        ("speaker=Ann",): "a", ("status=pending",): "a", ("status=stored",): "b", ("unheard=yes",): "b",
        ("language=de", "flag=loop"): "b", ("language=de", "speaker=Ann"): "", ("video=' or true --",): "",
    }  # fmt: skip
    assert {pairs: chosen(*pairs) for pairs in expected} == expected
    assert chosen(limit=1) == "a"
    everything = choose(database, Conditions())
    assert [[each.video_id for each in part] for part in redoable(everything, "segment")] == [["a"], ["b"]]
    assert [[each.video_id for each in part] for part in redoable(everything, "embed")] == [["a", "b"], []]


def test_other_recipes_are_counted_by_what_becomes_of_their_videos(
    database: Database, ledger: Ledger, store: Callable[..., None], new_run: Callable[[], RunId]
) -> None:
    """Begun and to be transcribed again, or stored and left; the served slices of a forced video are neither."""
    for name in "ab":
        store(name)
    note_recipe(database, RECIPE, {"transcribe.beam_size": 5})
    note_recipe(database, RECIPE, {"transcribe.beam_size": 6})  # the first word stands
    run = new_run()
    ledger.ask(run, wanted("c", "d"), RECIPE)
    for request in ledger.claim(run, 2):
        ledger.commit_slice(spoken(request.video_id, request.fence, 0))
    run = new_run()
    assert ledger.ask(run, wanted(*"abcde"), OTHER) == Asked(new=1, again=2, stored_other_recipe=2)
    old = {"transcribe.beam_size": 5}
    assert begun_otherwise(database, run, OTHER) == [OtherRecipe(RECIPE, 2, old)]
    assert stored_otherwise(database, run) == [OtherRecipe(RECIPE, 2, old)]
    forced = new_run()
    ledger.ask(forced, wanted("a"), OTHER, force=True)
    assert begun_otherwise(database, forced, OTHER) == []
    assert stored_otherwise(database, forced) == []
    same = new_run()
    ledger.ask(same, wanted(*"bcde"), RECIPE)
    assert begun_otherwise(database, same, RECIPE) == []


def test_slices_of_another_recipe_stay_until_the_video_is_stored(
    database: Database, ledger: Ledger, table: EmbeddingTable, new_run: Callable[[], RunId]
) -> None:
    """Whoever goes back to the first settings finds them; once stored only what serves is left."""
    run = new_run()
    ledger.ask(run, wanted("a"), RECIPE)
    (request,) = ledger.claim(run, 1)
    ledger.commit_slice(spoken("a", request.fence, 0, text="old first"))
    other = new_run()
    ledger.ask(other, wanted("a"), OTHER)
    (request,) = ledger.claim(other, 1)
    ledger.commit_slice(spoken("a", request.fence, 0, text="new first"))
    back = new_run()
    ledger.ask(back, wanted("a"), RECIPE)
    ledger.claim(back, 1)
    assert ledger.slices_present(A).ordinals == {0}
    assert [recipe for recipe, _, _ in slices(database)] == [RECIPE, OTHER]
    last = new_run()
    ledger.ask(last, wanted("a"), OTHER)
    (request,) = ledger.claim(last, 1)
    finish(ledger, Writer(database, table), request, "new")
    assert slices(database) == [(OTHER, 0, "new first"), (OTHER, 1, "new second")]
