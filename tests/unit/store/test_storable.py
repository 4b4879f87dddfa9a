"""What may go into the database, and what it becomes."""

import json
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.credentials import masked
from actors.errors import PermanentError
from actors.rows import Utterance, VideoMeta, Word
from actors.store.codec import meta_from_json, meta_to_json, utterances_from_json, utterances_to_json
from actors.store.sql import parse, queries
from actors.store.storable import (
    MAX_ID_CHARS,
    clean_id,
    clean_text,
    public_json,
    to_json,
)

anything = st.text(st.characters(codec=None, categories=None), max_size=600)
number = st.floats(allow_nan=False, allow_infinity=False)


@given(anything)
def test_cleaned_text_can_be_stored_and_clean_text_stays(text: str) -> None:
    """Valid UTF-8 without NUL; cleaning twice is cleaning once."""
    cleaned = clean_text(text)
    assert "\x00" not in cleaned
    cleaned.encode()
    assert clean_text(cleaned) == cleaned


@given(st.text(max_size=300).filter(lambda text: "\x00" not in text))
def test_good_text_is_left_alone(text: str) -> None:
    """Whatever Postgres takes goes in as it is."""
    assert clean_text(text) == text
    assert clean_id(text) == text


@given(anything, anything)
def test_ids_fit_an_index_and_stay_apart(one: str, other: str) -> None:
    """Long ids keep their difference by a digest."""
    one, other = "p" * MAX_ID_CHARS + clean_text(one), "p" * MAX_ID_CHARS + clean_text(other)
    assert len(clean_id(one)) <= MAX_ID_CHARS
    assert (clean_id(one) == clean_id(other)) is (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "connect to postgresql://me:hunter2@host:5432/db failed",
        "https://hunter2@host/x",
        "socks5://me:hunter2@proxy:1080",
        "host=h password=hunter2 dbname=x",
        "host=h password = 'hunter2 hunter2'",
        "https://host/x?token=hunter2&a=b",
        "https://host/x?api_key=hunter2",
        "https://host/x?a=b&access_token=hunter2#t=5",
        "https://host/x?X-Amz-Signature=hunter2&X-Amz-Credential=hunter2",
        "https://host/x?apikey=hunter2",
        "https://me:hun@ter2hunter2@host/x",
    ],
)
def test_credentials_are_taken_out(text: str) -> None:
    """Of URLs, connection strings and query parameters; also deep inside settings."""
    assert "hunter2" not in masked(text)
    assert "hunter2" not in public_json({"a": [{"b": (text,)}]})


@pytest.mark.parametrize(
    "text",
    [
        "mail me@host.org",
        "a://b/c@d",
        "https://youtube.com/@channel",
        "watch?v=abc",
        "https://h/?author=x&key=1&v=2",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    """An @ later in a URL is a channel's name."""
    assert masked(text) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}, object()])
def test_what_json_cannot_say_is_bad_data(value: object) -> None:
    """jsonb would refuse it; the video fails, not the transaction."""
    with pytest.raises(PermanentError) as caught:
        to_json(value)
    assert caught.value.code == "bad_data"


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            Utterance,
            text=st.text().map(clean_text),
            start_s=number,
            end_s=number,
            words=st.lists(st.builds(Word, st.text().map(clean_text), number, number, number)).map(tuple),
            avg_logprob=number,
            compression_ratio=number,
            no_speech_prob=number,
            temperature=number,
            flags=st.lists(st.sampled_from(["loop", "quiet"])).map(tuple),
        ),
        max_size=4,
    )
)
def test_utterances_come_back_as_they_were(utterances: list[Utterance]) -> None:
    """Every field of every word."""
    assert utterances_from_json(json.loads(utterances_to_json(utterances))) == tuple(utterances)


@given(
    st.builds(
        VideoMeta,
        title=st.text().map(clean_text),
        url=st.just("https://example.org/x"),
        channel=st.none() | st.text().map(clean_text),
        # In UTC, as sources are read: an hour that a zone skips or repeats equals no other zone's.
        published_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        duration_s=st.none() | number,
        language=st.none() | st.just("en"),
    )
)
def test_metadata_comes_back_as_it_was(meta: VideoMeta) -> None:
    """The date as the same instant."""
    assert meta_from_json(json.loads(meta_to_json(meta))) == meta


def test_named_statements_are_split_with_their_comments() -> None:
    """A comment belongs to its statement; names are told once."""
    found = parse("-- file\n\n-- name: one\n-- why\nselect 1;\n\n-- name: two\nselect 2\n")
    assert found == {"one": "-- why\nselect 1", "two": "select 2"}
    with pytest.raises(ValueError, match="twice"):
        parse("-- name: one\nselect 1\n-- name: one\nselect 2\n")


@pytest.mark.parametrize(
    "name", ["asking", "ledger", "runs", "search", "slices", "status", "vectors", "writer"]
)
def test_every_file_of_statements_loads(name: str) -> None:
    """They are found beside the code, wherever it is installed."""
    assert queries(name)
