"""A run's books on a real Postgres: what adds up, and how each thing that doesn't is named."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_rows import RECIPE, meta, spoken, unit_vectors, wanted

from actors.errors import PermanentError
from actors.rows import EmbeddedVideo, RunId, Transcript, Utterance, VideoId, Word
from actors.store.codec import utterances_from_json, utterances_to_json
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from actors.store.vectors import EmbeddingTable, ensure_model
from actors.store.writer import Writer
from actors.text.segmenting import segment
from actors.text.wording import NOT_IDENTIFIED, count_words
from configs.settings import SegmentSettings
from pipelines.accounts import Accounts
from pipelines.audit import audit, inspect
from pipelines.quality import Quality
from pipelines.standing import status_document

MODEL, DIM = "test/model", 8
BOUNDS = SegmentSettings(min_chars=20, max_chars=60)
TALK = "one two three four five six seven eight nine ten eleven twelve. " * 2


@dataclass
class Books:
    """A run with three stored videos of two slices each."""

    database: Database
    run: RunId
    ledger: Ledger
    table: EmbeddingTable

    def audit(self, *, interrupted: bool = False) -> tuple[Accounts, Quality]:
        counts = self.ledger.counts(self.run)
        accounts, quality = audit(self.database, self.run, self.table, counts, interrupted=interrupted)
        assert quality is not None
        return accounts, quality

    def change(self, statement: str) -> None:
        changed = self.database.run(lambda connection: connection.execute(statement).rowcount)
        assert changed > 0, statement

    def store(self, *names: str, text: str = TALK) -> None:
        """The line's way: slices, transcript, segments, vectors, writer."""
        writer = Writer(self.database, self.table)
        self.ledger.ask(self.run, wanted(*names), RECIPE)
        for request in self.ledger.claim(self.run, len(names)):
            self.ledger.describe(request.video_id, request.fence, meta())
            first = spoken(request.video_id, request.fence, 0, text=text)
            assert self.ledger.commit_slice(first) is None
            transcript = self.ledger.commit_slice(spoken(request.video_id, request.fence, 1, 2))
            assert transcript is not None
            cut = segment(transcript, BOUNDS)
            writer.write(EmbeddedVideo(cut, MODEL, unit_vectors(len(cut.segments), DIM)))


@pytest.fixture
def books(database: Database, database_url: str) -> Iterator[Books]:
    with RunRegistry(database_url) as registry:
        run = registry.open_run({"segment": BOUNDS.model_dump()})
        found = Books(database, run, Ledger(database), ensure_model(database, MODEL, DIM))
        found.store("a", "b", "c")
        yield found


def differences(part: Accounts | Quality) -> dict[str, tuple[str, ...]]:
    return {each.what: each.rows for each in part.differences}


def test_an_undisturbed_run_adds_up(books: Books) -> None:
    """Rows, slices, vectors and words agree, and every gate is reached."""
    accounts, quality = books.audit()
    totals = accounts.totals
    assert accounts.rows == {
        "in": 3,
        "stored": 3,
        "skipped": 0,
        "failed": 0,
        "held_elsewhere": 0,
        "put_off": 0,
        "left": 0,
    }
    assert (totals.videos, totals.slices) == (3, 6)
    assert totals.segments == totals.vectors > 3
    assert totals.words_in == totals.words_out == 3 * (24 + 4)
    assert differences(accounts) == differences(quality) == {}
    shares = quality.document()["shares"]
    assert shares == {"asr": 1.0, "vector": 1.0, "speaker": 1.0}


def test_words_left_out_as_a_loop_are_accounted_for(books: Books) -> None:
    """What the recogniser said over and over is in no segment, and not missing either."""
    books.store("looped", text="well " + "thank you very much " * 9)
    accounts, quality = books.audit()
    assert accounts.totals.words_collapsed > 20
    assert differences(accounts) == {}
    assert quality.document()["flagged"]["by_flag"]["loop_collapsed"] == 1


def test_speech_without_a_word_is_summed_and_its_videos_are_named(books: Books) -> None:
    """Of what is stored, the worst first; a video none of whose speech gave a word fails and isn't silence."""
    books.ledger.ask(books.run, wanted("some", "most", "all"), RECIPE)
    writer = Writer(books.database, books.table)
    for request, seconds in zip(books.ledger.claim(books.run, 3), (3.0, 15.0, 70.0), strict=True):
        books.ledger.describe(request.video_id, request.fence, meta())
        whole = books.ledger.commit_slice(spoken(request.video_id, request.fence, 0, 1, wordless_s=seconds))
        assert whole is not None and whole.wordless_s == seconds
        if request.video_id == "all":
            with pytest.raises(PermanentError, match="70 s of speech were found"):
                segment(replace(whole, utterances=()), BOUNDS)
            continue
        cut = segment(whole, BOUNDS)
        writer.write(EmbeddedVideo(cut, MODEL, unit_vectors(len(cut.segments), DIM)))
    _, quality = books.audit()
    of_run, of_corpus = (
        quality.document()["wordless"],
        inspect(books.database, books.table).document()["wordless"],
    )
    assert of_run == of_corpus == {"seconds": 18.0, "share": 0.1125, "videos": 2, "worst": ["most", "some"]}


def test_a_missing_vector_is_named(books: Books) -> None:
    """The books name the video, the gate its segment."""
    books.change(f"delete from {books.table.table_name} where source_id = 'b' and ordinal = 1")
    accounts, quality = books.audit()
    n = accounts.totals.segments // 3
    assert differences(accounts) == {"vectors": (f"b: {n} segments, {n - 1} vectors",)}
    assert differences(quality) == {"vector": ("b segment 1",)}
    assert quality.document()["shares"]["vector"] < 1


def test_a_deleted_segment_is_missed_by_its_words(books: Books) -> None:
    """Its vector went with it, so only words tell."""
    books.change("delete from segments where source_id = 'c' and ordinal = 0")
    accounts, _ = books.audit()
    assert list(differences(accounts)) == ["words"]
    (row,) = differences(accounts)["words"]
    assert row.startswith("c: 28 words in its slices, ")


def test_one_lost_word_is_named(books: Books) -> None:
    """From a segment."""
    books.change("update segments set n_words = n_words - 1 where source_id = 'a' and ordinal = 1")
    assert differences(books.audit()[0]) == {
        "words": ("a: 28 words in its slices, 27 in its segments and 0 left out as loops",)
    }


def test_a_word_lost_from_a_slice_is_named(books: Books) -> None:
    """The slice's own count follows its text."""
    books.change(
        "update slices set utterances = utterances #- '{0,words,2}' where video_id = 'a' and ordinal = 0"
    )
    assert differences(books.audit()[0]) == {
        "words": ("a: 27 words in its slices, 28 in its segments and 0 left out as loops",)
    }


def test_a_missing_slice_is_named(books: Books) -> None:
    """One in the middle, or the last one, which alone knows how many there are."""
    books.change("delete from slices where video_id = 'a' and ordinal = 0")
    books.change("delete from slices where video_id = 'b' and ordinal = 1")
    assert differences(books.audit()[0])["slices"] == (
        "a: 1 of 2 slices are there",
        "b: 1 slices, and the last one is missing",
    )


def test_a_stored_video_that_is_not_in_the_corpus_is_named(books: Books) -> None:
    """The ledger and the corpus must agree."""
    books.change("delete from sources where source_id = 'b'")
    assert differences(books.audit()[0])["corpus"] == (
        "b: the ledger says stored, and the corpus has no such video",
    )


def test_a_row_that_has_no_end_is_named_unless_the_run_was_stopped(books: Books) -> None:
    """Rows in are stored, skipped or failed; whoever presses Ctrl-C knows that some are left."""
    books.ledger.ask(books.run, wanted("d", "e"), RECIPE)
    books.ledger.claim(books.run, 1)
    accounts, _ = books.audit()
    assert accounts.rows["in"] == 5 and accounts.rows["left"] == 2
    assert differences(accounts) == {"rows": ("d: running in claimed", "e: pending")}
    assert differences(books.audit(interrupted=True)[0]) == {}


def test_a_segment_without_text_origin_or_speaker_breaks_its_gate(books: Books) -> None:
    """Each gate names its own."""
    books.change("update sources set provenance = null where source_id = 'a'")
    books.change("update segments set speaker_method = null where source_id = 'c' and ordinal = 0")
    found = differences(books.audit()[1])
    assert list(found) == ["asr", "speaker"]
    assert all(row.startswith("a segment ") for row in found["asr"])
    assert found["speaker"] == ("c segment 0",)


def test_a_segment_says_why_nobody_is_named(books: Books) -> None:
    """Nobody is enrolled yet: the reason stands where the way of telling would."""
    rows = books.database.run(
        lambda c: c.execute("select distinct speaker, speaker_method from segments").fetchall()
    )
    assert rows == [{"speaker": None, "speaker_method": NOT_IDENTIFIED}]


def test_lengths_are_held_against_the_bounds_of_the_run_that_stored_them(
    books: Books, database_url: str
) -> None:
    """The whole corpus and the run see the same segments; another run's bounds don't matter to it."""
    books.change("update segments set text = repeat('x', 61) where source_id = 'a' and ordinal = 0")
    books.change("update segments set text = 'short' where source_id = 'b' and ordinal = 0")
    ours = books.audit()[1].sums
    assert (ours.n_over, ours.n_under) == (1, 1 + 3)  # the last of each talk is a short one
    with RunRegistry(database_url) as other:
        run = other.open_run({"segment": {"min_chars": 1000, "max_chars": 2000}})
        Books(books.database, run, books.ledger, books.table).store("d")
        theirs = inspect(books.database, books.table, run).sums
        everything = inspect(books.database, books.table).sums
    assert theirs.n_under == theirs.n_segments
    assert everything.n_segments == ours.n_segments + theirs.n_segments
    assert everything.n_under == ours.n_under + theirs.n_under
    assert everything.lengths is not None and everything.lengths[2] >= everything.lengths[0] > 0


def test_another_runs_videos_are_not_in_the_books(books: Books, database_url: str) -> None:
    """What was stored before is passed over, whatever state it is in."""
    books.change("delete from segments where source_id = 'a'")
    with RunRegistry(database_url) as other:
        run = other.open_run({})
        books.ledger.ask(run, wanted("a", "b", "c"), RECIPE)
        accounts, quality = audit(
            books.database, run, books.table, books.ledger.counts(run), interrupted=False
        )
    assert (accounts.rows["in"], accounts.totals.videos, quality) == (0, 0, None)
    assert differences(accounts) == {}


def test_status_shows_the_gates_of_the_whole_corpus(books: Books) -> None:
    """Under ``quality``, with the rows that break one."""
    books.change(f"delete from {books.table.table_name} where source_id = 'b' and ordinal = 1")
    quality = status_document(books.database, with_videos=False, with_failed=False)["quality"]
    assert quality["segments"] == books.audit()[0].totals.segments
    assert quality["shares"]["asr"] == 1.0
    assert quality["differences"][0]["rows"] == ["b segment 1"]


def test_the_gates_of_an_empty_corpus_say_nothing(database: Database) -> None:
    """No model, no segments, no shares."""
    quality = status_document(database, with_videos=False, with_failed=False)["quality"]
    assert (quality["segments"], quality["shares"]["vector"], quality["differences"]) == (0, None, [])


ODD = st.sampled_from(["", " ", "\x00", "\t", "\x85", "\xa0", "\u200b", "\u2028", "\x1f", "\x7f", "e\u0301", "\ud800", "♪", "今 天", "a\x01b"])  # fmt: skip
WORDS = st.lists(st.one_of(ODD, st.text(max_size=4)), max_size=4)
TEXTS = st.lists(st.one_of(ODD, st.text(max_size=6)), max_size=6).map(" ".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, WORDS), max_size=4))
def test_the_database_counts_words_as_segmenting_does(
    database: Database, said: list[tuple[str, list[str]]]
) -> None:
    """White space and control characters of every kind, words without text and text without words, as
    they come back from the database, which is where segmenting has them from."""
    utterances = tuple(
        Utterance(text, 0.0, 1.0, tuple(Word(word, 0.0, 1.0, 0.5) for word in words), -0.1, 1.0, 0.0)
        for text, words in said
    )
    stored = utterances_to_json(utterances)
    query = "select earmark_n_words(%(it)s::jsonb) as n, %(it)s::jsonb as it"
    row = database.run(lambda connection: connection.execute(query, {"it": stored}).fetchone())
    assert row is not None
    transcript = Transcript(VideoId("v"), 1, meta(), "en", utterances_from_json(row["it"]))
    assert row["n"] == count_words(transcript)
