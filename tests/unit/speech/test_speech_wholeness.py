"""The arithmetic of the clock and of completeness, and what bytes alone say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import PermanentError, TransientError
from actors.speech.containers import ends_early, ogg_links, states_its_length
from actors.speech.timeline import JITTER_S, MAX_PROMISED_GAP_S, Timeline
from actors.speech.wholeness import Decoded, broken_promise_s, fault_of, is_clearly_short


def decoded(
    seconds: float,
    stated_s: float | None = None,
    *,
    ends_early: bool = False,
    n_broken: int = 0,
    n_packets: int = 1000,
    silence_s: float = 0.0,
) -> Decoded:
    return Decoded(seconds, silence_s, n_packets, n_broken, stated_s, ends_early)


@pytest.mark.parametrize(
    ("got_s", "promised_s", "is_short"),
    [
        (97.5, 100, False),
        (96.0, 100, True),
        (9.0, 10, False),
        (7.0, 10, True),
        (3590, 3600, False),
        (120, 100, False),
    ],
)
def test_clearly_short(got_s: float, promised_s: float, is_short: bool) -> None:
    """Short is under 97 % *and* more than two seconds missing."""
    assert is_clearly_short(got_s, promised_s) is is_short


@pytest.mark.parametrize(
    ("what", "page_s", "promise_s"),
    [
        (decoded(50, 100), None, 100),
        (decoded(50, 100), 50, 100),
        (decoded(50), 100, 100),
        (decoded(50), None, None),
        (decoded(80, 80), 100, None),
        (decoded(40, 40), 100, 100),
        (decoded(80, 80, ends_early=True), 100, 100),
        (decoded(100, 100), 100, None),
    ],
    ids=[
        "short of its own header", "whose word counts more than the page's", "short of the page", "nobody knows",
        "the header vouches for a shorter track", "but not for less than half", "nor if the file breaks off", "whole",
    ],
)  # fmt: skip
def test_whose_promise_is_broken(what: Decoded, page_s: float | None, promise_s: float | None) -> None:
    """The file's header is the better witness, the page's duration the fallback."""
    assert broken_promise_s(what, page_s) == promise_s


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (decoded(100, 100), None),
        (decoded(100, 100, n_broken=90), None),
        (decoded(2, 2, n_broken=8, n_packets=20), None),
        (decoded(100, 100, n_broken=110), "undecodable"),
        (decoded(50, 100, n_broken=500), "truncated"),
        (decoded(30, ends_early=True), "truncated"),
        (decoded(100, 100, silence_s=40), None),
        (decoded(100, 100, silence_s=60), "undecodable"),
        (decoded(8, 8, silence_s=6), None),
    ],
)
def test_faults(what: Decoded, code: str | None) -> None:
    """A tenth of broken packets and half of silence are tolerated; a cut comes before damage."""
    fault = fault_of(what, None, is_local=False)
    assert (fault.code if fault else None) == code
    assert fault is None or isinstance(fault, TransientError if code == "truncated" else PermanentError)


def test_a_gap_is_filled_and_a_jump_back_is_not() -> None:
    """Two seconds ahead of the clock are a hole; behind it the clock's zero moves."""
    clock = Timeline()
    clock.begin(0.0, 0.0)
    clock.advance(10.0)
    assert clock.silence_before(12.0) == pytest.approx(2.0)
    clock.advance(1.0)
    assert clock.silence_before(0.0) == 0.0
    clock.advance(1.0)
    assert clock.silence_before(1.0) == 0.0
    assert clock.position_s == pytest.approx(14.0)
    assert clock.silence_s == pytest.approx(2.0)


def test_a_late_track_keeps_its_delay() -> None:
    """Audio that starts 0.8 s after the picture gets 0.8 s of silence; one far off starts at zero."""
    near, far = Timeline(), Timeline()
    near.begin(5.0, 5.8)
    far.begin(0.0, 4000.0)
    assert near.silence_before(5.8) == pytest.approx(0.8)
    assert far.silence_before(4000.0) == 0.0


def test_a_long_gap_needs_room_in_the_promised_duration() -> None:
    """Ten minutes missing are believed in a file of an hour, not in one of a minute."""
    hour, minute = Timeline(promised_s=3600.0), Timeline(promised_s=60.0)
    for clock in (hour, minute):
        clock.begin(0.0, 0.0)
        clock.advance(10.0)
    assert hour.silence_before(610.0) == pytest.approx(600.0)
    assert minute.silence_before(610.0) == 0.0


@given(
    st.one_of(st.none(), st.floats(0, 1e12)),
    st.lists(st.tuples(st.one_of(st.none(), st.floats(-1e9, 1e9)), st.floats(0.001, 1)), max_size=50),
)
def test_the_clock_never_runs_back_or_away(
    promised_s: float | None, frames: list[tuple[float | None, float]]
) -> None:
    """Whatever timestamps say: position only grows, and no hole is below the jitter or over an hour."""
    clock = Timeline(promised_s=promised_s)
    clock.begin(0.0, frames[0][0] if frames else None)
    for time_s, length_s in frames:
        before_s = clock.position_s
        gap_s = clock.silence_before(time_s)
        assert gap_s == 0.0 or JITTER_S < gap_s <= MAX_PROMISED_GAP_S
        clock.advance(length_s)
        assert clock.position_s == pytest.approx(before_s + gap_s + length_s)


def box(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    return (size or len(body) + 8).to_bytes(4, "big") + kind + body


def wav(data_size: int, n_bytes: int) -> bytes:
    return (
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"
        + bytes(16)
        + b"data"
        + data_size.to_bytes(4, "little")
        + bytes(n_bytes)
    )


def page(flags: int, body: bytes, claimed: int | None = None) -> bytes:
    return (
        b"OggS\0"
        + bytes([flags])
        + bytes(20)
        + b"\1"
        + bytes([len(body) if claimed is None else claimed])
        + body
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (box(b"ftyp", b"isom") + box(b"mdat", b"12345678"), False),
        (box(b"ftyp", b"isom") + box(b"mdat", b"1234", 500), True),
        (box(b"ftyp", b"isom") + (1).to_bytes(4, "big") + b"mdat" + (10**6).to_bytes(8, "big"), True),
        (box(b"ftyp", b"isom") + bytes(4) + b"mdat" + b"to the end", False),
        (wav(1000, 1000), False),
        (wav(1000, 500), True),
        (wav(0xFFFFFFFF, 500), False),
        (wav(0, 500), False),
        (page(2, b"head") + page(0, b"sound"), False),
        (page(2, b"head") + page(0, b"sou", claimed=200), True),
        (page(2, b"head") + b"OggS\0\0", True),
        (b"ID3\3\0\0\0\0\0\0", False),
        (b"", False),
    ],
)
def test_ends_early(content: bytes, expected: bool) -> None:
    """Boxes, chunks and pages that claim more than there is; unknown lengths claim nothing."""
    assert ends_early(content) is expected


def test_links_of_a_chained_file() -> None:
    """A link begins with headers; several headers in a row are one link with several streams."""
    first = page(2, b"a") + page(2, b"b") + page(0, b"sound") + page(4, b"end")
    second = page(2, b"c") + page(0, b"more")
    assert ogg_links(first + second) == [first, second]
    assert ogg_links(first) == [first]
    assert ogg_links(b"no ogg at all") == [b"no ogg at all"]


@given(st.binary(max_size=300), st.sampled_from([b"", b"OggS", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x10ftyp"]))
def test_any_bytes_can_be_asked(tail: bytes, head: bytes) -> None:
    """Nothing in a file's bytes makes these functions raise or lose bytes."""
    content = head + tail
    assert ends_early(content) in {True, False}
    assert b"".join(ogg_links(content)) == content
    for name in ("matroska,webm", "mov,mp4,m4a", "mp3", "wav", "aac"):
        assert states_its_length(name, content) in {True, False}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("mp3", b"ID3\3\0\0\0\0\0\5tagXX" + b"\xff\xfb\x90\0" + bytes(32) + b"Xing", True),
        ("mp3", b"\xff\xfb\x90\0" * 100, False),
        ("mov,mp4,m4a", box(b"ftyp", b"") + box(b"moov", b"") + box(b"mdat", b""), True),
        ("mov,mp4,m4a", box(b"moov", b"") + box(b"moof", b"") + box(b"mdat", b""), False),
        ("mov,mp4,m4a", box(b"moov", b"mehd") + box(b"moof", b""), True),
        ("mov,mp4,m4a", box(b"moov", b"") + box(b"sidx", b"") + box(b"moof", b""), True),
        ("aac", b"", False),
        ("ogg", b"OggS", False),
    ],
)
def test_who_states_a_length(name: str, content: bytes, expected: bool) -> None:
    """A Xing header, an index or a movie header state a length; a bare stream's is FFmpeg's estimate."""
    assert states_its_length(name, content) is expected
