"""``reprocess --from identify`` on a real Postgres: labels alone change, and only as far as they may."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from actors.rows import RunId, Transcript, VideoId
from actors.store.conditions import Conditions
from actors.store.database import Database
from actors.store.redo import choose, redoable
from actors.store.relabel import heard_in_corpus, read_served, relabel
from actors.store.vectors import EmbeddingTable, ensure_model, served_vectors
from actors.store.voices import REMOVED, remove, save
from actors.voices.deciding import decide
from configs.load import load_settings
from configs.settings import Settings
from pipelines.relabel import Relabelling, relabel_stored
from tests.enrolled import direction, profile, voice
from tests.made_talks import MODEL, Shelf, Turn

DIM = 16
ADA, BOB, CY = direction(1), direction(2), direction(3)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return load_settings("demo", env_file=None)


@pytest.fixture
def table(database: Database) -> EmbeddingTable:
    return ensure_model(database, "test/model", DIM)


@pytest.fixture
def shelf(
    database: Database, table: EmbeddingTable, new_run: Callable[[], RunId], settings: Settings
) -> Shelf:
    return Shelf(database, table, new_run(), settings)


def enrol(database: Database, name: str, who: np.ndarray) -> None:
    save(database, voice(name, profile=profile(name, who, model=MODEL)))


@pytest.fixture
def again(database: Database, database_url: str, settings: Settings) -> Callable[..., Relabelling]:
    """Does every stored video again from ``identify``."""

    def do(*, write: bool = True, n_cpus: int = 1) -> Relabelling:
        videos, left_out = redoable(choose(database, Conditions()), "identify")
        assert not left_out
        return relabel_stored(database_url, videos, settings, write=write, n_cpus=n_cpus)

    return do


def rows(database: Database, what: str) -> list[tuple[Any, ...]]:
    query = (
        f"select {what} from segments g left join sources s using (source_id) order by g.source_id, g.ordinal"
    )
    return [tuple(row.values()) for row in database.run(lambda c: c.execute(query).fetchall())]


def vectors(database: Database, table: EmbeddingTable) -> list[tuple[Any, ...]]:
    query = f"select source_id, ordinal, embedding::text from {table.table_name} order by 1, 2"
    return [tuple(row.values()) for row in database.run(lambda c: c.execute(query).fetchall())]


def speakers(database: Database) -> list[str | None]:
    """Of each segment, repetitions joined."""
    found = [row[0] for row in rows(database, "speaker")]
    return [who for n, who in enumerate(found) if n == 0 or found[n - 1] != who]


CONVERSATION = (Turn(ADA, 30), Turn(BOB, 20), Turn(ADA, 25))


def test_a_new_voice_is_found_in_what_is_stored(
    database: Database, table: EmbeddingTable, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """Labels, scores and methods change; text, times, vectors and the first date don't, and no video is cut."""
    shelf.put("a", CONVERSATION)
    shelf.put("b", (Turn(CY, 40),), seed=5)
    kept = "source_id, ordinal, text, start_s, end_s, n_words, avg_logprob, flags, created_at"
    before, had = rows(database, kept), vectors(database, table)
    assert speakers(database) == ["Speaker 1", "Speaker 2", "Speaker 1"]
    enrol(database, "Ada", ADA)
    done = again()
    assert (done.n_videos, done.to_cut, done.n_stored_meanwhile) == (2, (), 0)
    assert (done.n_relabelled, done.n_segments) == (2, len(before))  # in b the reason is another one
    assert speakers(database) == ["Ada", "Speaker 1", "Ada", "Speaker 1"]
    assert (rows(database, kept), vectors(database, table)) == (before, had)
    by_name = [row for row in rows(database, "speaker, speaker_score, speaker_method") if row[0] == "Ada"]
    assert {method for _, _, method in by_name} == {"profile"}
    assert all(score > 0.75 for _, score, _ in by_name)


def test_doing_it_twice_changes_nothing_the_second_time(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """Not even when the video was last touched."""
    enrol(database, "Ada", ADA)
    shelf.put("a", CONVERSATION)
    touched = rows(database, "updated_at")
    assert again().n_segments == 0
    assert rows(database, "updated_at") == touched


def test_a_rehearsal_says_what_would_change_and_changes_nothing(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """The same figures as the real thing."""
    shelf.put("a", CONVERSATION)
    enrol(database, "Ada", ADA)
    before = rows(database, "speaker, speaker_method, updated_at")
    foreseen = again(write=False)
    assert rows(database, "speaker, speaker_method, updated_at") == before
    done = again()
    assert replace(foreseen, wall_s=0.0) == replace(done, wall_s=0.0)


def test_a_video_whose_speakers_change_elsewhere_is_left_to_the_line(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """It was cut while nobody asked who spoke: segments hold two people's words, and no label may stand on them."""
    shelf.put("a", CONVERSATION, asked_who=False)
    shelf.put("b", CONVERSATION, seed=5)
    enrol(database, "Ada", ADA)
    before = [row for row in rows(database, "source_id, speaker, speaker_method") if row[0] == "a"]
    done = again()
    assert [video.video_id for video in done.to_cut] == ["a"]
    assert done.n_relabelled == 1
    assert [row for row in rows(database, "source_id, speaker, speaker_method") if row[0] == "a"] == before


def test_after_a_removal_others_are_looked_for(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """What the removed voice said becomes unknown, and then a person whom nobody enrolled."""
    enrol(database, "Ada", ADA)
    enrol(database, "Bob", BOB)
    shelf.put("a", CONVERSATION)
    assert speakers(database) == ["Ada", "Bob", "Ada"]
    remove(database, "Ada")
    assert speakers(database) == [None, "Bob", None]
    assert {row[1] for row in rows(database, "speaker, speaker_method") if row[0] is None} == {REMOVED}
    again()
    assert speakers(database) == ["Speaker 1", "Bob", "Speaker 1"]


def test_a_voice_removed_in_the_middle_is_not_written(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """It was still enrolled when it was decided who spoke."""
    shelf.put("a", CONVERSATION)
    enrol(database, "Ada", ADA)
    (served,) = read_served(database, [VideoId("a")])
    labelled = [
        replace(one, speaker="Ada", speaker_method="profile", speaker_score=0.9) for one in served.segments
    ]
    remove(database, "Ada")
    assert relabel(database, served, labelled)
    assert set(rows(database, "speaker, speaker_score, speaker_method")) == {(None, None, REMOVED)}


def test_what_was_stored_anew_meanwhile_is_not_touched(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling]
) -> None:
    """Its segments are others; labels for the old ones would be a guess."""
    shelf.put("a", CONVERSATION)
    (served,) = read_served(database, [VideoId("a")])
    database.run(lambda c: c.execute("update sources set updated_at = clock_timestamp()"))
    before = rows(database, "speaker, speaker_method")
    assert not relabel(database, served, served.segments[:1])
    assert rows(database, "speaker, speaker_method") == before


def test_a_video_that_can_not_be_decided_keeps_its_labels_and_the_others_go_on(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of ours in one of thousands: named, and nothing of it written."""
    shelf.put("a", CONVERSATION)
    shelf.put("b", CONVERSATION, seed=5)
    enrol(database, "Ada", ADA)
    before = [row for row in rows(database, "source_id, speaker, speaker_method") if row[0] == "a"]

    def breaking(transcript: Transcript, *rest: Any) -> Transcript:
        if transcript.video_id == "a":
            raise LookupError("nobody foresaw this")
        return decide(transcript, *rest)

    monkeypatch.setattr("pipelines.relabel.decide", breaking)
    done = again()
    assert (done.undecided, done.n_relabelled, done.document()["undecided"]) == (("a",), 1, ["a"])
    assert [row for row in rows(database, "source_id, speaker, speaker_method") if row[0] == "a"] == before


def test_processes_share_the_work(
    database: Database, shelf: Shelf, again: Callable[..., Relabelling], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with a connection of its own; together they do what one would."""
    monkeypatch.setattr("pipelines.relabel.WORTH_A_PROCESS", 1)
    monkeypatch.setattr("pipelines.relabel.BATCH", 1)
    for seed, name in enumerate(("a", "b", "c")):
        shelf.put(name, CONVERSATION, asked_who=name != "b", seed=seed)
    enrol(database, "Ada", ADA)
    foreseen, done = again(write=False), again(n_cpus=2)
    assert replace(foreseen, wall_s=0.0) == replace(done, wall_s=0.0)
    assert [video.video_id for video in done.to_cut] == ["b"] and done.n_relabelled == 2


def test_what_is_read_is_what_was_stored(database: Database, shelf: Shelf) -> None:
    """Words, times, windows; in the order asked for, and what isn't there is left out."""
    shelf.put("a", (Turn(ADA, 120),))
    shelf.put("b", (Turn(BOB, 10),), seed=3)
    served = read_served(database, [VideoId("b"), VideoId("missing"), VideoId("a")])
    assert [one.video_id for one in served] == ["b", "a"]
    long = served[1]
    assert len(long.transcript.voices) == 2 and len(long.transcript.utterances) == 120
    assert sum(one.n_words for one in long.segments) == sum(
        len(one.words) for one in long.transcript.utterances
    )


def test_voices_of_the_corpus_are_drawn_from_stored_videos_of_one_model(
    database: Database, shelf: Shelf
) -> None:
    """A few slices of each; nothing of another model."""
    shelf.put("a", (Turn(ADA, 300),))
    shelf.put("b", (Turn(BOB, 10),), seed=3)
    drawn = heard_in_corpus(database, MODEL, n_slices=2)
    assert {name: len(found) for name, found in drawn.items()} == {"a": 2, "b": 1}
    assert all(np.allclose(np.linalg.norm(one.vectors, axis=1), 1, atol=1e-3) for one in drawn["a"])
    assert len(heard_in_corpus(database, MODEL, n_videos=1)) == 1
    assert heard_in_corpus(database, "another") == {}


def test_vectors_of_texts_that_stay_are_found(
    database: Database, table: EmbeddingTable, shelf: Shelf
) -> None:
    """By text, of the one video, at unit length; a text that it doesn't have has none."""
    shelf.put("a", CONVERSATION)
    shelf.put("b", CONVERSATION, seed=9)
    texts = [row[1] for row in rows(database, "source_id, text") if row[0] == "a"]
    found = served_vectors(database, table, VideoId("a"), [*texts[:2], "never said"])
    assert set(found) == set(texts[:2])
    kept = np.array(json.loads(next(row[2] for row in vectors(database, table) if row[:2] == ("a", 1))))
    assert np.allclose(found[texts[1]], kept, atol=1e-3)
    assert all(np.isclose(np.linalg.norm(one), 1) for one in found.values())
