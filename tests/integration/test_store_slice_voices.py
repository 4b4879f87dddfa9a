"""Voices of slices in the ledger: read back with the transcript, absent where nobody listened."""

from collections.abc import Callable

import numpy as np
import psycopg
import pytest
from store_rows import RECIPE, meta, spoken, voices_of, wanted

from actors.rows import DAMAGED_VOICES, RunId, SliceVoices, Transcript, VideoId
from actors.store.database import Database
from actors.store.ledger import Ledger

A = VideoId("a")


@pytest.fixture
def fence(database: Database, new_run: Callable[[], RunId]) -> int:
    """Of a video at hand."""
    ledger, run = Ledger(database), new_run()
    ledger.ask(run, wanted("a"), RECIPE)
    (request,) = ledger.claim(run, 1)
    ledger.describe(A, request.fence, meta())
    return request.fence


def committed(database: Database, fence: int, *voices: SliceVoices) -> Transcript:
    """The transcript of a video of so many slices, the last one committed first."""
    ledger, whole = Ledger(database), None
    for ordinal in reversed(range(len(voices))):
        n_slices = len(voices) if ordinal == len(voices) - 1 else None
        whole = ledger.commit_slice(spoken("a", fence, ordinal, n_slices, voices=voices[ordinal]))
    assert whole is not None
    return whole


def test_the_transcript_has_each_slices_voices_in_order(database: Database, fence: int) -> None:
    """Dense, probed and unheard alike; the vectors as near as half precision, at unit length."""
    probes = SliceVoices("tiny", 30.0, 50.0, ((30.0, 33.0),), np.eye(8, dtype=np.float32)[:1], dense=False)
    none = SliceVoices("tiny", 60.0, 80.0, (), np.zeros((0, 0), np.float32), reason="too little speech")
    kept = (voices_of(0), probes, none)
    for whole in (committed(database, fence, *kept), Ledger(database).transcript(A, fence)):
        assert [repr(each) for each in whole.voices] == [repr(each) for each in kept]
        np.testing.assert_allclose(whole.voices[0].vectors, kept[0].vectors, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(whole.voices[0].vectors, axis=1), 1.0, atol=1e-6)
        np.testing.assert_array_equal(whole.voices[1].vectors, probes.vectors)
        assert whole.voices[2].vectors.shape == (0, 0)


def test_a_video_from_before_reads_without_voices(database: Database, fence: int) -> None:
    """Its text is whole, and there is nothing by which anybody could be named."""
    committed(database, fence, voices_of(0), voices_of(1))
    forget = """update slices set voice_model = null, voice_start_s = null, voice_end_s = null, voice_windows = null,
                voice_vectors = null, voice_dense = null, voice_reason = null"""
    database.run(lambda connection: connection.execute(forget))
    whole = Ledger(database).transcript(A, fence)
    assert whole.voices == () and len(whole.utterances) == 2


def test_a_slice_takes_as_much_room_as_its_vectors(database: Database, fence: int) -> None:
    """Five minutes of speech, 300 windows of 192 dimensions: 384 bytes each, and little beside them."""
    committed(database, fence, voices_of(0, n_windows=300, dim=192))
    query = "select pg_column_size(voice_vectors) as vectors, pg_column_size(voice_windows) as windows from slices"
    row = database.run(lambda connection: connection.execute(query).fetchone())
    assert row is not None
    assert row["vectors"] == pytest.approx(300 * 384, abs=100)
    assert row["windows"] < 5000


@pytest.mark.parametrize(
    "change",
    ["voice_reason = 'why'", "voice_windows = '{}'", "voice_vectors = null", "voice_dense = null"],
)
def test_the_database_takes_no_half_of_it(
    database: Database, database_url: str, fence: int, change: str
) -> None:
    """Whatever writes to it: vectors or a reason, and never both or neither."""
    committed(database, fence, voices_of(0))
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"update slices set {change}")


@pytest.mark.parametrize(
    "damage",
    [
        "voice_vectors = substr(voice_vectors, 1, 7)",
        "voice_windows = voice_windows[1:3]",
        "voice_vectors = ''",
    ],
)
def test_damaged_vectors_cost_the_names_of_their_slice_alone(
    database: Database, fence: int, damage: str
) -> None:
    """A disk that lost some bytes: the text is there, the other slice's voices too, and the reason says why."""
    committed(database, fence, voices_of(0), voices_of(1))
    lift = "alter table slices drop constraint if exists " + ", drop constraint if exists ".join(
        _checks(database)
    )
    database.run(lambda connection: connection.execute(lift))
    database.run(lambda connection: connection.execute(f"update slices set {damage} where ordinal = 0"))
    whole = Ledger(database).transcript(A, fence)
    assert [one.reason for one in whole.voices] == [DAMAGED_VOICES, None]
    assert whole.voices[0].windows == () and len(whole.utterances) == 2


def _checks(database: Database) -> list[str]:
    query = "select conname from pg_constraint where conrelid = 'slices'::regclass and contype = 'c'"
    return database.run(lambda connection: [row["conname"] for row in connection.execute(query)])
