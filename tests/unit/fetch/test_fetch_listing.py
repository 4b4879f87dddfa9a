"""Lists are read lazily, once, and can neither run for ever nor send us where they please."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from yt_dlp.utils import ExtractorError, LazyList, OnDemandPagedList

from actors.errors import PermanentError, TransientError
from actors.fetch.extraction import _refuse_strange
from actors.fetch.listing import LeftOut, entries_of

LIST = "https://www.youtube.com/playlist?list=PLabc"


def _url(n: int) -> dict[str, Any]:
    return {
        "_type": "url",
        "url": f"https://example.org/{n}.mp3",
        "title": f"Talk\0 {n}",
        "duration": n or None,
    }


def _counting(read: list[int]) -> Iterator[dict[str, Any]]:
    for n in itertools.count():
        read.append(n)
        yield _url(n)


def test_an_endless_list_is_read_only_as_far_as_it_is_used() -> None:
    """Taking three entries reads three; going on ends at the limit."""
    read: list[int] = []
    entries = entries_of({"entries": _counting(read)}, LIST, max_entries=50)
    assert [item.hint.title for item in itertools.islice(entries, 3) if item.hint] == [
        "Talk 0",
        "Talk 1",
        "Talk 2",
    ]
    assert len(read) == 3
    assert len(list(entries)) == 47
    assert len(read) == 50


def test_a_list_that_repeats_itself_for_ever_ends() -> None:
    """Repeated entries count towards the limit though they come out once."""
    entries = entries_of({"entries": itertools.cycle([_url(1), _url(2)])}, LIST, max_entries=1000)
    assert len(list(entries)) == 2


def test_a_list_that_contains_itself_leaves_itself_out() -> None:
    """By id, so another spelling of its address doesn't help it."""
    itself = {"_type": "url", "url": "https://www.youtube.com/playlist?list=PLabc&utm_source=x#y"}
    assert [item.url for item in entries_of({"entries": [itself, _url(1)]}, LIST, 10)] == [_url(1)["url"]]


@pytest.mark.parametrize(
    "entries",
    [
        [_url(n) for n in range(5)],
        (_url(n) for n in range(5)),
        LazyList(_url(n) for n in range(5)),
        OnDemandPagedList(lambda page: [_url(n) for n in range(page * 2, min(page * 2 + 2, 5))], 2),
    ],
    ids=["list", "generator", "LazyList", "PagedList"],
)
def test_all_of_yt_dlps_sequences_are_read(entries: Any) -> None:
    """Whichever form an extractor chose."""
    assert len(list(entries_of({"entries": entries}, LIST, 10))) == 5


def test_an_empty_list_is_empty() -> None:
    """No entries and no key are the same."""
    assert list(entries_of({"entries": []}, LIST, 10)) == []
    assert list(entries_of({}, LIST, 10)) == []


def test_entries_keep_what_the_list_says() -> None:
    """Title, length, date and channel travel as a hint; YouTube's entries get their canonical id."""
    short = {
        "_type": "url",
        "url": "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "duration": 59,
        "timestamp": 60,
    }
    tab = {"_type": "url", "url": "https://www.youtube.com/@name/videos", "title": "Videos"}
    info = {
        "entries": [short, tab, None],
        "title": "The channel",
        "channel_id": "UC1",
        "extractor": "youtube:tab",
    }
    first, second = entries_of(info, LIST, 10)
    assert (first.video_id, first.kind) == ("dQw4w9WgXcQ", "video")
    assert first.url.endswith("/shorts/dQw4w9WgXcQ")
    assert first.hint is not None
    assert (first.hint.duration_s, first.hint.channel, first.hint.channel_id) == (59.0, "The channel", "UC1")
    assert second.kind == "unknown"


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd", "/etc/passwd", "http://169.254.169.254/latest/meta-data", "http://localhost:8265/api",
        "http://10.0.0.1/a.mp3", "ftp://example.org/a.mp3", "-x", "", "http://[::1", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_list_can_not_send_us_astray(address: str) -> None:
    """Local files, private networks and other schemes are left out, the rest of the list goes on."""
    entries = [{"_type": "url", "url": address}, _url(1)]
    assert [item.url for item in entries_of({"entries": entries}, LIST, 10)] == [_url(1)["url"]]


def test_what_is_left_out_of_a_list_is_counted_with_the_first_reason() -> None:
    """Passwords, private addresses and local files; and that the list went on beyond the limit."""
    addresses = ("https://me:hunter2@example.org/a.mp3", "file:///etc/passwd", "http://10.0.0.1/a.mp3")
    entries = [{"_type": "url", "url": address} for address in addresses]
    left_out = LeftOut()
    found = list(entries_of({"entries": [*entries, _url(1), _url(2)]}, LIST, 4, left_out))
    assert [item.url for item in found] == [_url(1)["url"]]
    assert left_out.n_entries == 3
    assert str(left_out).startswith(
        "3 left out, the first because https://***@example.org/a.mp3 holds a user"
    )
    assert str(left_out).endswith("stopped at prefilter.max_list_entries (4)")
    assert str(LeftOut()) == ""


def test_entries_know_how_many_lists_led_to_them() -> None:
    """So that lists which name each other under new addresses come to an end."""
    (item,) = entries_of({"entries": [_url(1)]}, LIST, 10, depth=3)
    assert item.hint is not None and item.hint.list_depth == 3


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("file:///etc/passwd", "unsupported"), ("http://169.254.169.254/latest", "unsupported"),
        ("rtmp://example.org/live", "unsupported"), ("https://me:hunter2@example.org/a.mp3", "credentials"),
    ],
)  # fmt: skip
def test_a_page_can_not_send_us_astray(target: str, code: str) -> None:
    """The same holds for a single video's reference to another address; a password isn't repeated."""
    with pytest.raises(PermanentError) as caught:
        _refuse_strange(target, "https://example.org/page")
    assert caught.value.code == code
    assert "hunter2" not in str(caught.value)
    _refuse_strange("https://cdn.example.net/a.mp3", "https://example.org/page")
    _refuse_strange("dQw4w9WgXcQ", "https://example.org/page")


def test_a_failing_page_is_an_error_of_ours() -> None:
    """What was read stays read; the failure is classified."""

    def failing() -> Iterator[dict[str, Any]]:
        yield _url(1)
        raise ExtractorError(
            "Unable to download API page: HTTP Error 503: Service Unavailable", expected=True
        )

    entries = entries_of({"entries": failing()}, LIST, 10)
    assert next(entries).url == _url(1)["url"]
    with pytest.raises(TransientError) as caught:
        next(entries)
    assert caught.value.code == "server_error"
