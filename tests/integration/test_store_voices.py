"""Enrolled voices on a real Postgres: kept whole, and really removed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg.rows import dict_row
from store_rows import RECIPE, embedded, meta, spoken, unit_vectors, wanted

from actors.errors import ConfigError
from actors.rows import EmbeddedVideo, RunId, VideoId
from actors.store import status
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.speakers import Spoken, hours_by_speaker, speaker_meant
from actors.store.vectors import EmbeddingTable, ensure_model
from actors.store.voices import (
    REMOVED,
    EnrolledVoices,
    forget_absent,
    load_profiles,
    load_voices,
    remove,
    save,
    scrub,
    voice_names,
)
from actors.store.writer import Writer
from tests.enrolled import DIM as VOICE_DIM
from tests.enrolled import voice

MODEL, DIM = "test/model", 16


@pytest.fixture
def table(database: Database) -> EmbeddingTable:
    return ensure_model(database, MODEL, DIM)


@pytest.fixture
def begun(database: Database, new_run: Callable[[], RunId]) -> Callable[..., EmbeddedVideo]:
    """Takes a video up to the moment before it is stored; its segments are said by these, ten seconds each."""
    run = new_run()

    def through(video_id: str, *said_by: tuple[str | None, str]) -> EmbeddedVideo:
        ledger = Ledger(database)
        ledger.ask(run, wanted(video_id), RECIPE)
        (request,) = ledger.claim(run, 1)
        ledger.describe(request.video_id, request.fence, meta())
        ledger.commit_slice(spoken(video_id, request.fence, 0, 1))
        texts = [f"piece {n} of {video_id}" for n in range(len(said_by))]
        made = embedded(video_id, request.fence, texts, unit_vectors(len(texts), DIM))
        segments = tuple(
            replace(
                one,
                speaker=who,
                speaker_method=how,
                speaker_score=0.91 if who else None,
                speaker_margin=0.37 if who else None,
            )
            for one, (who, how) in zip(made.video.segments, said_by, strict=True)
        )
        return replace(made, video=replace(made.video, segments=segments))

    return through


@pytest.fixture
def store(
    database: Database, table: EmbeddingTable, begun: Callable[..., EmbeddedVideo]
) -> Callable[..., None]:
    """Stores such a video."""

    def through(video_id: str, *said_by: tuple[str | None, str]) -> None:
        Writer(database, table).write(begun(video_id, *said_by))

    return through


def labels(database: Database, video_id: str) -> list[tuple[Any, ...]]:
    """(speaker, score, margin, method) of each segment."""
    view = status.show(database, video_id)
    assert view is not None
    names = ("speaker", "speaker_score", "speaker_margin", "speaker_method")
    return [tuple(segment[name] for name in names) for segment in view.segments]


def dump(url: str) -> str:
    """Every row of every table as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        assert len(tables) > 10
        return "\n".join(
            str(row[0]) for (name,) in tables for row in connection.execute(f"select t::text from {name} t")
        )


def test_a_voice_comes_back_as_it_was(database: Database) -> None:
    """To the last bit, with when it was enrolled."""
    given = voice("Ada", revision="abc")
    save(database, given)
    (kept,) = load_voices(database)
    assert np.array_equal(kept.profile.vectors, given.profile.vectors)
    assert np.array_equal(kept.profile.centroid, given.profile.centroid)
    assert kept.profile.vectors.dtype == np.float32 and kept.profile.centroid.shape == (VOICE_DIM,)
    assert (kept.revision, kept.calibration, kept.sources) == ("abc", given.calibration, given.sources)
    assert kept.created_at is not None
    (profile,) = load_profiles(database)
    assert (profile.name, profile.model, profile.threshold) == ("Ada", given.profile.model, 0.75)


def test_a_run_that_goes_on_hears_of_every_change(database: Database) -> None:
    """Somebody enrolled, enrolled anew, or removed while it works; nothing is read where nothing changed."""
    enrolled = EnrolledVoices(database)
    assert enrolled() == ()
    save(database, voice("Ada"), voice("Bob", seed=2))
    before = enrolled()
    assert [profile.name for profile in before] == ["Ada", "Bob"] and enrolled() is before
    save(database, voice("Ada", seed=3), replace=True)
    assert not np.array_equal(enrolled()[0].centroid, before[0].centroid)
    remove(database, "Ada")
    assert [profile.name for profile in enrolled()] == ["Bob"]
    save(database, voice("Ada"))
    assert [profile.name for profile in enrolled()] == ["Ada", "Bob"]


def test_a_name_is_taken_once_whatever_its_capitals(database: Database) -> None:
    """Only ``replace`` puts one in place of another, and only under the very same name."""
    save(database, voice("Ada"))
    for name, replaced in (("Ada", False), ("ADA", False), ("ADA", True)):
        with pytest.raises(ConfigError) as refused:
            save(database, voice(name, seed=2), replace=replaced)
        assert refused.value.code == "voice_exists"
    save(database, voice("Ada", seed=2), replace=True)
    (kept,) = load_profiles(database)
    assert np.array_equal(kept.vectors, voice("Ada", seed=2).profile.vectors)


def test_saving_again_after_a_lost_answer_is_no_second_voice(database: Database) -> None:
    """The same voice is there already: nothing is refused, nothing doubled."""
    save(database, voice("Ada"))
    save(database, voice("Ada"))
    assert voice_names(database) == ["Ada"]


def test_several_are_kept_together_or_not_at_all(database: Database) -> None:
    """An import of two of which one is there."""
    save(database, voice("Bob"))
    with pytest.raises(ConfigError):
        save(database, voice("Ada"), voice("Bob", seed=9))
    assert voice_names(database) == ["Bob"]


def test_two_who_enrol_one_name_at_once_make_one_voice(database: Database) -> None:
    """One of them is refused."""

    def enrol(seed: int) -> str:
        try:
            save(database, voice("Ada", seed=seed))
        except ConfigError as error:
            return error.code
        return "kept"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(enrol, range(4))) == ["kept", "voice_exists", "voice_exists", "voice_exists"]


def test_an_unknown_name_is_answered_with_names_like_it(database: Database) -> None:
    """Capitals count for nothing."""
    save(database, voice("Ada Lovelace"), voice("Grace Hopper"))
    assert [one.name for one in load_voices(database, ["ada lovelace"])] == ["Ada Lovelace"]
    for ask in (lambda: load_voices(database, ["Ada Lovelance"]), lambda: remove(database, "Ada Lovelance")):
        with pytest.raises(ConfigError, match="Ada Lovelance") as refused:
            ask()
        assert refused.value.code == "no_voice" and "Ada Lovelace" in refused.value.remedy


def test_a_removed_voice_leaves_nothing_behind(
    database: Database, database_url: str, store: Callable[..., None]
) -> None:
    """No table holds its name, a number of its vectors, or a score or margin that came of it; others keep their
    names and scores."""
    save(database, voice("Ada", seed=1), voice("Bob", seed=2))
    store(
        "a",
        ("Ada", "profile"),
        ("Bob", "profile"),
        ("Ada", "fast path"),
        ("Speaker 1", "cluster"),
        (None, "unknown: two enrolled voices are too close to tell apart"),
    )
    (ada,) = load_voices(database, ["Ada"])
    numbers = [f"{value:.6g}" for value in (*ada.profile.centroid[:5], *ada.profile.vectors[0][:5])]
    before = dump(database_url)
    assert "Ada" in before and all(number[:7] in before for number in numbers)
    assert remove(database, "ada") == 2
    scrub(database_url)
    after = dump(database_url)
    assert "Ada" not in after and not any(number[:7] in after for number in numbers)
    gone = (None, None, None, REMOVED)
    assert labels(database, "a") == [
        gone,
        ("Bob", 0.91, None, "profile"),
        gone,
        ("Speaker 1", 0.91, None, "cluster"),
        (None, None, None, "unknown: two enrolled voices are too close to tell apart"),
    ]
    assert voice_names(database) == ["Bob"]


def test_scrubbing_leaves_no_trace_in_the_tables_file(database: Database, database_url: str) -> None:
    """A deleted row's bytes stay in its page until something is written over them; they don't here."""
    save(database, voice("Ada", seed=1), voice("Bob", seed=2))
    mark = load_profiles(database)[0].vectors[0][:8].astype("<f4").tobytes()
    assert mark in table_file(database_url)
    remove(database, "Ada")
    assert mark in table_file(database_url)
    scrub(database_url)
    assert mark not in table_file(database_url)


def table_file(url: str) -> bytes:
    """The bytes of the table's file and of the one for long values."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("checkpoint")
        found = connection.execute(
            """select pg_read_binary_file(pg_relation_filepath(c.oid)) from pg_class c
               where c.relname = 'voices' or c.oid = (select reltoastrelid from pg_class where relname = 'voices')"""
        ).fetchall()
    return b"".join(content for (content,) in found)


def test_what_a_run_decided_before_a_removal_is_not_stored_after_it(
    database: Database, table: EmbeddingTable, begun: Callable[..., EmbeddedVideo]
) -> None:
    """A line that is under way has read its voices long ago."""
    save(database, voice("Ada"), voice("Bob", seed=2))
    decided = begun("a", ("Ada", "profile"), ("Bob", "profile"), ("Ada", "fast path"))
    remove(database, "Ada")
    Writer(database, table).write(decided)
    gone = (None, None, None, REMOVED)
    assert labels(database, "a") == [gone, ("Bob", 0.91, 0.37, "profile"), gone]


def test_a_removal_waits_for_whoever_is_storing_by_that_voice(
    database: Database, database_url: str, store: Callable[..., None]
) -> None:
    """Neither misses the other: labels written in the same moment go too."""
    save(database, voice("Ada"))
    store("a", ("Ada", "profile"))
    with (
        psycopg.connect(database_url, row_factory=dict_row) as storing,
        ThreadPoolExecutor(1) as pool,
    ):
        forget_absent(storing, VideoId("a"))
        removing = pool.submit(remove, database, "Ada")
        while not storing.execute("select 1 from pg_locks where not granted").fetchall():
            assert not removing.done()
        storing.execute(
            "update segments set speaker = 'Ada', speaker_method = 'profile', speaker_score = 0.5"
        )
        storing.commit()
        assert removing.result(timeout=30) == 1
    assert labels(database, "a") == [(None, None, None, REMOVED)]


def test_hours_are_summed_by_voice_and_the_nameless_together(
    database: Database, store: Callable[..., None]
) -> None:
    """``Speaker 1`` of two videos are two people, and somebody told apart without a name is unknown."""
    save(database, voice("Ada"))
    store("a", ("Ada", "profile"), ("Speaker 1", "cluster"), (None, "unknown: too short"))
    store("b", ("Ada", "fast path"), ("Ada", "profile"), ("Speaker 1", "unknown: no voice is enrolled"))
    piece_h = 9.0 / 3600
    found = {(one.kind, one.name): one for one in hours_by_speaker(database)}
    assert found[("voice", "Ada")] == Spoken("voice", "Ada", pytest.approx(3 * piece_h), 3, 2)
    assert found[("not enrolled", None)].videos == 1
    assert found[("unknown", "too short")].hours == pytest.approx(piece_h)
    assert found[("unknown", "no voice is enrolled")].segments == 1
    assert hours_by_speaker(database)[0].name == "Ada"


def test_hours_of_a_run_are_those_of_its_videos(database: Database, store: Callable[..., None]) -> None:
    """Another run's count is its own."""
    save(database, voice("Ada"))
    store("a", ("Ada", "profile"))
    (run_id,) = [
        row["run_id"] for row in database.run(lambda c: c.execute("select run_id from runs").fetchall())
    ]
    assert [one.segments for one in hours_by_speaker(database, run_id)] == [1]
    assert hours_by_speaker(database, RunId(run_id + 1)) == []


def test_a_speaker_is_found_by_his_name_in_any_capitals(
    database: Database, store: Callable[..., None]
) -> None:
    """Enrolled or not; whoever isn't there is answered with names like his."""
    save(database, voice("Ada Lovelace"), voice("Grace Hopper", seed=2))
    store("a", ("Ada Lovelace", "profile"), ("Speaker 1", "cluster"))
    assert speaker_meant(database, "ada lovelace") == "Ada Lovelace"
    assert speaker_meant(database, "speaker 1") == "Speaker 1"
    with pytest.raises(ConfigError, match="nobody named Ada Lovelance") as near:
        speaker_meant(database, "Ada Lovelance")
    assert "Ada Lovelace" in near.value.remedy
    with pytest.raises(ConfigError, match="nothing in the corpus is said by Grace Hopper") as silent:
        speaker_meant(database, "Grace Hopper")
    assert "reprocess --from identify" in silent.value.remedy
    with pytest.raises(ConfigError, match="nobody named Zorro"):
        speaker_meant(database, "Zorro")
