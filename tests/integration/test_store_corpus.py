"""The corpus on a real Postgres: writing whole videos, and finding what was said."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from store_rows import DIM, MODEL, RECIPE, embedded, spoken, unit_vectors, wanted, with_database

from actors.errors import ConfigError, LeaseLost, PermanentError
from actors.rows import EmbeddedVideo, RunId, VideoId
from actors.store import status
from actors.store.database import Conn, Database
from actors.store.ledger import Ledger
from actors.store.redo import read_segmented
from actors.store.runs import RunRegistry
from actors.store.search import Filters, Hit, search
from actors.store.standing import Asked
from actors.store.vectors import (
    EmbeddingTable,
    activate,
    active_model,
    drop_model,
    ensure_model,
    models,
    n_missing,
    prefer,
)
from actors.store.voices import save
from actors.store.writer import Writer
from tests.enrolled import voice


@pytest.fixture
def run(database_url: str) -> Iterator[RunId]:
    with RunRegistry(database_url) as registry:
        yield registry.open_run({})


@pytest.fixture
def claim(ledger: Ledger, run: RunId) -> Callable[..., int]:
    """Asks for a video, claims it and returns its fence."""

    def take(video_id: str, *, force: bool = False) -> int:
        if force:
            with_force = Asked(again=1)
            assert ledger.ask(run, wanted(video_id), RECIPE, force=True) in (with_force, Asked(duplicate=1))
        ledger.ask(run, wanted(video_id), RECIPE)
        (request,) = ledger.claim(run, 1)
        return request.fence

    return take


def rows(database: Database, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in database.run(lambda c: c.execute(sql).fetchall())]


def corpus(database: Database, table: EmbeddingTable) -> list[tuple[object, ...]]:
    """Every segment with its vector's first number."""
    return rows(
        database,
        f"""select g.source_id, g.ordinal, g.text, round((e.embedding::vector::float4[])[1]::numeric, 2)
            from segments g left join {table.table_name} e using (source_id, ordinal) order by 1, 2""",
    )


def give_back(database: Database, video_id: str) -> None:
    """As ``ingest --force`` from another run would: back to the queue."""
    database.run(
        lambda c: c.execute(
            "update ingest_state set status = 'pending', fence = fence + 1 where video_id = %s", (video_id,)
        )
    )


def test_a_stored_video_is_whole(
    database: Database, table: EmbeddingTable, claim: Callable[..., int], ledger: Ledger
) -> None:
    """Source, segments, vectors and ledger agree, and the text can be read back."""
    fence = claim("a")
    ledger.commit_slice(spoken("a", fence, 1, 2))
    ledger.begin_work(VideoId("a"), "store", 0)
    about = datetime(2024, 5, 1, tzinfo=UTC)
    video = embedded(
        "a", fence, ["one fish", "two\x00 fish"], unit_vectors(2, DIM), title="T", published_at=about
    )
    stored = Writer(database, table).write(video)
    assert (stored.outcome, stored.n_segments) == ("written", 2)
    view = status.show(database, "a")
    assert view is not None
    assert (view.source["title"], view.source["duration_s"], view.source["recipe"]) == ("T", 60.0, RECIPE)
    assert (view.source["published_at"], view.source["provenance"]["model"]) == (about, "tiny")
    assert [(s["ordinal"], s["text"], s["start_s"]) for s in view.segments] == [
        (0, "one fish", 0.0),
        (1, "two fish", 10.0),
    ]
    assert n_missing(database, table) == 0
    row = status.video(database, "a")
    assert row is not None
    assert (row.status, row.reason, row.finished_at is not None) == ("stored", None, True)
    assert rows(database, "select count(*) from work_in_hand") == [(0,)]


def test_who_spoke_comes_back_as_it_was_decided(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """Speaker, score, margin and method, shown and read back for embedding again; each in its own column."""
    save(database, voice("Ann"))
    video = embedded("a", claim("a"), ["one fish", "two fish", "red fish"], unit_vectors(3, DIM))
    decided = [
        ("Ann", 0.75, 0.25, "profile"),
        ("Speaker 1", 0.5, None, "cluster"),
        (None, None, None, "unknown: too short"),
    ]
    segments = tuple(
        replace(one, speaker=who, speaker_score=score, speaker_margin=margin, speaker_method=how)
        for one, (who, score, margin, how) in zip(video.video.segments, decided, strict=True)
    )
    video = replace(video, video=replace(video.video, segments=segments))
    Writer(database, table).write(video)
    view = status.show(database, "a")
    assert view is not None
    names = ("speaker", "speaker_score", "speaker_margin", "speaker_method")
    assert [tuple(row[name] for name in names) for row in view.segments] == decided
    again = database.run(lambda connection: read_segmented(connection, VideoId("a"), 1))
    assert again.segments == segments


def test_writing_again_after_a_lost_answer_says_already(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """Exactly once: the second call changes nothing."""
    video = embedded("a", claim("a"), ["one", "two"], unit_vectors(2, DIM))
    writer = Writer(database, table)
    assert writer.write(video).outcome == "written"
    before = corpus(database, table), rows(database, "select xmin::text, * from sources")
    assert writer.write(video).outcome == "already"
    assert (corpus(database, table), rows(database, "select xmin::text, * from sources")) == before


def test_concurrent_writers_of_one_video_leave_one_clean_set(
    database: Database, database_url: str, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """Eight at once under one fence: one writes, seven find it done."""
    fence = claim("a")
    videos = [
        embedded("a", fence, [f"{n} of writer {w}" for n in range(20)], unit_vectors(20, DIM, w))
        for w in range(8)
    ]
    with Database(database_url, pool_size=8) as wide, ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda video: Writer(wide, table).write(video).outcome, videos))
    assert sorted(outcomes) == ["already"] * 7 + ["written"]
    winner = outcomes.index("written")
    assert [row[2] for row in corpus(database, table)] == [f"{n} of writer {winner}" for n in range(20)]


def test_a_writer_thought_dead_cannot_write_over_its_successor(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """The old fence is refused, before and after the successor has stored."""
    old = embedded("a", claim("a"), ["old"], unit_vectors(1, DIM))
    give_back(database, "a")
    new = embedded("a", claim("a"), ["new"], unit_vectors(1, DIM))
    writer = Writer(database, table)
    with pytest.raises(LeaseLost):
        writer.write(old)
    writer.write(new)
    with pytest.raises(LeaseLost):
        writer.write(old)
    assert [row[2] for row in corpus(database, table)] == ["new"]


def test_storing_again_replaces_everything_and_keeps_the_first_date(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """A shorter second version leaves no tail rows; until it commits the old one is served."""
    writer = Writer(database, table)
    writer.write(embedded("a", claim("a"), ["one", "two", "three"], unit_vectors(3, DIM)))
    ((created, updated),) = rows(database, "select created_at, updated_at from sources")
    give_back(database, "a")
    fence = claim("a")
    assert len(corpus(database, table)) == 3
    writer.write(embedded("a", fence, ["uno"], unit_vectors(1, DIM, 5)))
    assert [row[2] for row in corpus(database, table)] == ["uno"]
    assert rows(database, f"select count(*) from {table.table_name}") == [(1,)]
    ((created_now, updated_now),) = rows(database, "select created_at, updated_at from sources")
    assert created_now == created
    assert updated_now > updated


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda v: replace(v, vectors=v.vectors[:, :-1]), "shape"),
        (lambda v: replace(v, vectors=v.vectors[:1]), "shape"),
        (lambda v: replace(v, vectors=v.vectors * np.array([[1], [0]], np.float32)), "zero"),
        (lambda v: replace(v, vectors=v.vectors * np.array([[1], [1e-9]], np.float32)), "zero"),
        (lambda v: replace(v, vectors=v.vectors * np.array([[np.nan], [1]], np.float32)), "finite"),
        (lambda v: replace(v, vectors=v.vectors * np.array([[1e6], [1]], np.float32)), "finite"),
        (lambda v: replace(v, model="other/model"), "other/model"),
        (lambda v: replace(v, video=replace(v.video, segments=())), "no segments"),
    ],
)
def test_what_cannot_be_searched_is_refused_whole(
    spoil: Callable[[EmbeddedVideo], EmbeddedVideo],
    said: str,
    database: Database,
    table: EmbeddingTable,
    claim: Callable[..., int],
) -> None:
    """Never a row without a vector, nor with one that search can't use."""
    video = embedded("a", claim("a"), ["one", "two"], unit_vectors(2, DIM))
    with pytest.raises(PermanentError, match=said):
        Writer(database, table).write(spoil(video))
    assert rows(database, "select count(*) from sources") == [(0,)]


def test_a_row_refused_by_postgres_undoes_the_whole_video(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """A segment that ends before it starts: nothing of its video is stored, and the reason is told."""
    video = embedded("a", claim("a"), ["one", "two"], unit_vectors(2, DIM))
    backwards = replace(video.video.segments[1], end_s=1.0)
    video = replace(video, video=replace(video.video, segments=(video.video.segments[0], backwards)))
    with pytest.raises(PermanentError, match="check constraint"):
        Writer(database, table).write(video)
    assert rows(database, "select (select count(*) from sources) + (select count(*) from segments)") == [(0,)]


def test_models_live_side_by_side(database: Database) -> None:
    """The first is active; another can be; only one that isn't can be dropped."""
    first = ensure_model(database, "org/Model-A", 16)
    second = ensure_model(database, "other/Model-A", 24)
    assert (first.active, second.active, first.table_name != second.table_name) == (True, False, True)
    assert ensure_model(database, "org/Model-A", 16) == first
    with pytest.raises(ConfigError, match="search uses them"):
        drop_model(database, "org/Model-A")
    assert activate(database, "other/Model-A").active
    assert active_model(database) == activate(database, "other/Model-A")
    drop_model(database, "org/Model-A")
    assert [model.name for model in models(database)] == ["other/Model-A"]
    with pytest.raises(ConfigError, match="no vectors of org/Model-A"):
        activate(database, "org/Model-A")
    assert active_model(database) is not None


def test_a_dimension_binds_once_vectors_have_it(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """A slip in the settings that the model refused is mended; a corpus is never thrown away for one."""
    slip = ensure_model(database, MODEL, DIM + 1)
    assert (slip.dim, slip.active, [model.dim for model in models(database)]) == (DIM + 1, True, [DIM + 1])
    right = ensure_model(database, MODEL, DIM)
    Writer(database, right).write(embedded("a", claim("a"), ["one"], unit_vectors(1, DIM)))
    with pytest.raises(ConfigError, match=f"EMBEDDING_DIMENSIONS={DIM}"):
        ensure_model(database, MODEL, DIM + 1)


def test_search_goes_over_to_another_model_once_that_covers_the_corpus(
    database: Database, table: EmbeddingTable, claim: Callable[..., int]
) -> None:
    """Not before: a run that has just begun to use a new model doesn't empty the search."""
    new = ensure_model(database, "new/model", DIM)
    Writer(database, table).write(embedded("a", claim("a"), ["one"], unit_vectors(1, DIM)))
    assert prefer(database, new).name == MODEL
    give_back(database, "a")
    Writer(database, new).write(embedded("a", claim("a"), ["one"], unit_vectors(1, DIM), model="new/model"))
    assert prefer(database, new).name == "new/model"
    assert prefer(database, table).name == "new/model"


def test_one_table_is_made_by_many_at_once(database_url: str) -> None:
    """Eight processes' worth of ensure_model agree, whatever the model's name looks like."""
    name = 'Weird "Model"; drop table sources; -- ü/' + "x" * 200
    with Database(database_url, pool_size=8) as wide, ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: ensure_model(wide, name, DIM), range(8)))) == 1


N_VIDEOS, N_SEGMENTS, BIG_DIM = 40, 100, 48


@dataclass(frozen=True)
class Library:
    """4,000 segments of 40 videos, one a day, of four channels; one segment in 100 by a rare speaker."""

    database: Database
    table: EmbeddingTable
    vectors: np.ndarray


@pytest.fixture(scope="module")
def library(server_url: str, migrated_template: str) -> Iterator[Library]:
    """Filled once: the tests of search only read."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database library template {migrated_template}")
    with Database(with_database(server_url, "library"), pool_size=1) as database:
        table = ensure_model(database, "library", BIG_DIM)
        vectors = unit_vectors(N_VIDEOS * N_SEGMENTS, BIG_DIM, 7)
        database.run(partial(fill, table=table, vectors=vectors))
        database.run(lambda c: c.execute("analyze"))
        yield Library(database, table, vectors)


def fill(c: Conn, table: EmbeddingTable, vectors: np.ndarray) -> None:
    for v in range(N_VIDEOS):
        published = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=v)
        c.execute(
            """insert into sources (source_id, source_type, title, url, channel, channel_id, published_at, duration_s)
               values (%s, 'generic', %s, 'https://example.org', %s, %s, %s, 60)""",
            (f"v{v}", f"Video {v}", f"Channel {v % 4}", f"UC{v % 4}", published),
        )
    with c.cursor().copy(
        "copy segments (source_id, ordinal, text, start_s, end_s, n_words, speaker) from stdin"
    ) as copy:
        for n in range(len(vectors)):
            v, g = divmod(n, N_SEGMENTS)
            copy.write_row(
                (
                    f"v{v}",
                    g,
                    f"the filler and number{n} again",
                    g,
                    g + 1,
                    5,
                    "rare" if n % 100 == 3 else "common",
                )
            )
    with c.cursor().copy(
        f"copy {table.table_name} (source_id, ordinal, embedding) from stdin (format binary)"
    ) as copy:
        copy.set_types(["text", "int4", "halfvec"])
        for n, vector in enumerate(vectors):
            copy.write_row((f"v{n // N_SEGMENTS}", n % N_SEGMENTS, HalfVector(vector)))


def number(hit: Hit) -> int:
    return int(hit.video_id[1:]) * N_SEGMENTS + hit.ordinal


def test_filtered_search_finds_as_many_as_there_are_and_the_right_ones(library: Library) -> None:
    """k hits where k exist, with recall over 0.95 against the exact order, under every filter."""
    database, table, vectors = library.database, library.table, library.vectors
    start = datetime(2024, 1, 1, tzinfo=UTC)
    everyone = np.arange(len(vectors))
    cases: list[tuple[Filters, np.ndarray]] = [
        (Filters(), everyone),
        (Filters(speaker="rare"), everyone[everyone % 100 == 3]),
        (Filters(since=start + timedelta(days=37)), everyone[everyone >= 37 * N_SEGMENTS]),
        (Filters(until=start + timedelta(days=1)), everyone[:N_SEGMENTS]),
        (Filters(channel="channel 2"), everyone[everyone // N_SEGMENTS % 4 == 2]),
        (
            Filters(channel="UC2", speaker="rare"),
            everyone[(everyone // N_SEGMENTS % 4 == 2) & (everyone % 100 == 3)],
        ),
        (Filters(video_id="v5"), everyone[500:600]),
        (Filters(speaker="nobody"), everyone[:0]),
    ]
    for filters, allowed in cases:
        found = wanted_n = 0
        for query in unit_vectors(5, BIG_DIM, 99):
            best = set(allowed[np.argsort(-vectors[allowed] @ query)][:20].tolist())
            hits = search(database, query, "", table, filters=filters, limit=20)
            assert len(hits) == min(20, len(allowed)), filters
            assert {number(hit) for hit in hits} <= set(allowed.tolist())
            found, wanted_n = found + len(best & {number(hit) for hit in hits}), wanted_n + len(best)
        assert found >= 0.95 * wanted_n, filters


def test_a_scan_that_gives_up_early_is_completed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the index is used under a filter and returns too little, the exact order fills up."""
    database, table, vectors = library.database, library.table, library.vectors
    monkeypatch.setattr("actors.store.search.FEW", 0)
    hits = search(database, vectors[0], "", table, filters=Filters(speaker="rare"), limit=40)
    assert len(hits) == 40


def test_both_rankings_are_fused_by_reciprocal_rank(library: Library) -> None:
    """First by words and by meaning beats first by one; scores are sums of 1/(60+rank)."""
    database, table, vectors = library.database, library.table, library.vectors
    both = search(database, vectors[123], "number123", table, limit=3)
    assert number(both[0]) == 123
    assert both[0].score == pytest.approx(2 / 61)
    assert both[0].similarity == pytest.approx(1.0, abs=1e-2)
    apart = search(database, vectors[123], "number2718", table, limit=5)
    assert {number(hit) for hit in apart[:2]} == {123, 2718}
    assert [hit.score for hit in apart[:2]] == pytest.approx([1 / 61] * 2)
    assert apart[0].title == f"Video {number(apart[0]) // 100}"


@pytest.mark.parametrize(
    "text",
    ["", " ", "the and of", "'; drop table segments; --", "\\ % %s %(limit)s {table}", "(((", '"unclosed', "!!! & | :*",
     "naïve 日本語 😀 \x00 \ud800", "-", "word " * 5_000],
)  # fmt: skip
def test_any_text_is_a_query(text: str, library: Library) -> None:
    """Stop words, operators, quotes, SQL and nonsense: the vector half still answers."""
    database, table, vectors = library.database, library.table, library.vectors
    hits = search(database, vectors[7], text, table, limit=5)
    assert len(hits) == 5
    assert number(hits[0]) == 7
    assert rows(database, "select count(*) from segments") == [(4_000,)]


def test_filters_are_values_not_sql(library: Library) -> None:
    """A quote in a speaker's name finds nobody and harms nothing."""
    database, table, vectors = library.database, library.table, library.vectors
    assert (
        search(database, vectors[0], "x", table, filters=Filters(speaker="' or true --", channel="\x00"))
        == []
    )


def test_a_word_in_every_row_is_capped(library: Library) -> None:
    """Only so many matches are ranked, and the fused result is still full."""
    database, table, vectors = library.database, library.table, library.vectors
    assert len(search(database, vectors[0], "filler", table, limit=100)) == 100


def test_a_vector_of_another_model_is_refused(database: Database, table: EmbeddingTable) -> None:
    """The message names the model to use."""
    with pytest.raises(ConfigError, match=MODEL):
        search(database, unit_vectors(1, 8)[0], "x", table)


def test_rates_count_stored_audio(
    database: Database, table: EmbeddingTable, claim: Callable[..., int], run: RunId
) -> None:
    """The seed's query and the run's own speed, from the same rows."""
    assert status.processing_rate(database).videos == 0
    assert status.run_rate(database, run).throughput is None
    writer = Writer(database, table)
    for name in ("a", "b", "c"):
        writer.write(embedded(name, claim(name), ["one"], unit_vectors(1, DIM), duration_s=1800.0))
    database.run(
        lambda c: c.execute(
            """update sources set created_at = now() - interval '1 hour' where source_id = 'a';
               update ingest_state set started_at = now() - interval '2 hours', finished_at = now()"""
        )
    )
    seed, own = status.processing_rate(database), status.run_rate(database, run)
    assert (seed.videos, seed.audio_h) == (3, 1.5)
    assert seed.throughput == pytest.approx(1.5, rel=1e-2)
    assert (own.videos, own.processing_h, own.throughput) == (3, pytest.approx(2.0), pytest.approx(0.75))


def test_status_lists_every_video_once_across_pages(
    database: Database, ledger: Ledger, run: RunId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of asking, filtered by status or run."""
    monkeypatch.setattr(status, "PAGE", 10)
    names = [f"v{n}" for n in range(35)]
    ledger.ask(run, wanted(*names), RECIPE)
    (request,) = ledger.claim(run, 1)
    ledger.skip(request.video_id, request.fence, "short", "a Short", "Set prefilter.skip_shorts to false")
    assert [row.id for row in status.videos(database)] == names
    assert [(row.id, row.reason) for row in status.videos(database, status="skipped")] == [("v0", "a Short")]
    assert len(list(status.videos(database, run_id=run))) == 35
    assert list(status.videos(database, run_id=RunId(999))) == []
    assert status.by_status(database) == {
        "pending": 34,
        "running": 0,
        "stored": 0,
        "skipped": 1,
        "failed": 0,
        "lists": 0,
    }
    assert status.show(database, "v0") is None
