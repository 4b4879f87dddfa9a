"""What is left out and why, and what of a source's description is believed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.errors import ConfigError
from actors.fetch.describe import Facts, describe, facts_of, iso_639_1, published_at
from actors.fetch.prefilter import Prefilter, decide
from actors.fetch.ytdlp import options
from actors.rows import Request, VideoId, VideoMeta
from configs.settings import DownloadSettings, PrefilterSettings

URL = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
SHORT = "https://www.youtube.com/shorts/dQw4w9WgXcQ"


@pytest.mark.parametrize(
    ("info", "url", "code"),
    [
        ({"duration": 60}, URL, None),
        ({}, URL, None),
        ({"duration": 60, "live_status": "was_live"}, URL, None),
        ({"duration": 60}, SHORT, "short"),
        ({"duration": 60, "webpage_url": SHORT}, URL, "short"),
        ({"duration": 60, "media_type": "short"}, URL, "short"),
        ({"duration": 60, "media_type": "video", "width": 1080, "height": 1920}, URL, None),
        ({"live_status": "is_live"}, URL, "live"),
        ({"is_live": True}, URL, "live"),
        ({"live_status": "post_live"}, URL, "live"),
        ({"live_status": "is_upcoming"}, URL, "upcoming"),
        ({"duration": 3601}, URL, "too_long"),
        ({"duration": 3600}, URL, None),
        ({"duration": float("nan")}, URL, None),
        ({"duration": -1}, URL, None),
        ({"duration": "long"}, URL, None),
    ],
)
def test_what_is_left_out(info: dict[str, Any], url: str, code: str | None) -> None:
    """Each rule by its code; what a source doesn't say is no reason."""
    rejected = decide(facts_of(info, url), PrefilterSettings(max_duration_s=3600))
    assert (rejected and rejected.code) == code


def test_each_rule_can_be_switched_off() -> None:
    """The user's settings decide, not ours."""
    settings = PrefilterSettings(skip_shorts=False, skip_live=False, skip_upcoming=False, max_duration_s=1e6)
    for facts in (
        Facts(SHORT, is_short=True), Facts(URL, "is_live"), Facts(URL, "is_upcoming"), Facts(URL, duration_s=9e5),
    ):  # fmt: skip
        assert decide(facts, settings) is None


def test_a_short_is_refused_without_asking(tmp_path: Path) -> None:
    """Its URL says enough; a proxy that can't be reached proves that nothing was asked."""
    from actors.errors import Rejected

    download = DownloadSettings(proxy="http://127.0.0.1:1")
    prefilter = Prefilter(PrefilterSettings(), download, tmp_path)
    with pytest.raises(Rejected) as caught:
        prefilter(Request(VideoId("dQw4w9WgXcQ"), 1, SHORT))
    assert caught.value.code == "short"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"timestamp": 0, "upload_date": "20240229"}, datetime(2024, 2, 29, tzinfo=UTC)),
        (
            {"timestamp": 1_700_000_000, "upload_date": "20200101"},
            datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        ),
        ({"release_timestamp": 1_700_000_000.0}, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ({"timestamp": 1e18, "upload_date": "not a date"}, None),
        ({"timestamp": float("nan")}, None),
        ({}, None),
    ],
)
def test_dates_are_aware_and_in_utc(info: dict[str, Any], expected: datetime | None) -> None:
    """A second beats a day; impossible ones don't count."""
    assert published_at(info) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("en", "en"), ("en-US", "en"), ("pt_BR", "pt"), ("eng", "en"), ("deu", "de"), ("iw", "he"), ("zh-Hans", "zh"),
        ("und", None), ("zxx", None), ("xx", None), ("", None), (None, None), ("original", None), (7, None),
    ],
)  # fmt: skip
def test_languages_become_two_letters(code: Any, expected: str | None) -> None:
    """ISO 639-1 or nothing: a wrong language fixed for Whisper is worse than none."""
    assert iso_639_1(code) == expected


def test_a_description_is_clean() -> None:
    """Control characters, surrogates and credentials are gone; ids of channels stay."""
    info = {
        "title": "A\0 talk\n\ud800", "webpage_url": "https://u:secret@example.org/a", "uploader": "Some\tbody",
        "channel_id": "UC1", "duration": 12, "language": "de-AT", "extractor": "youtube", "timestamp": 1,
    }  # fmt: skip
    assert describe(info, VideoId("web-1")) == VideoMeta(
        title="A talk", url="https://example.org/a", channel="Some body", channel_id="UC1", duration_s=12.0,
        published_at=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), language="de", extractor="youtube",
    )  # fmt: skip
    assert describe({}, VideoId("web-1")).title == "web-1"


def test_a_feeds_words_beat_a_files_name() -> None:
    """For a bare file the list's title and date count, for a page its own do."""
    hint = VideoMeta(title="Episode 7", url="x", channel="Pod", published_at=datetime(2024, 1, 1, tzinfo=UTC))
    own = {"title": "ep-0007-final", "timestamp": 1_700_000_000}
    bare, page = (describe({**own, "direct": d}, VideoId("v"), hint) for d in (True, False))
    assert (bare.title, bare.published_at, bare.channel) == ("Episode 7", hint.published_at, "Pod")
    assert (page.title, page.channel) == ("ep-0007-final", "Pod")
    assert page.published_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_options_ask_for_sound_only(tmp_path: Path) -> None:
    """No text, picture, comment or conversion is ever requested, and a hole in a stream is an error."""
    chosen = options(DownloadSettings(), tmp_path, timeout_s=3)
    for never in ("writesubtitles", "writeautomaticsub", "writethumbnail", "getcomments"):
        assert chosen[never] is False
    assert chosen["postprocessors"] == []
    assert chosen["format"] == "ba/b[acodec!=?none]"
    assert chosen["format_sort"] == ["lang", "+abr"]
    assert chosen["skip_unavailable_fragments"] is False
    assert "enable_file_urls" not in chosen


def test_the_cookie_file_is_read_and_never_written(tmp_path: Path) -> None:
    """yt-dlp rewrites a cookie file at its end; ours it gets as text."""
    path = tmp_path / "cookies.txt"
    path.write_text("# Netscape HTTP Cookie File\n.example.org\tTRUE\t/\tFALSE\t0\tsid\tsecret\n")
    before = path.stat().st_mtime_ns
    prefilter = Prefilter(PrefilterSettings(), DownloadSettings(cookies_file=path), tmp_path)
    ydl = prefilter._session()
    assert [cookie.value for cookie in ydl.cookiejar] == ["secret"]
    ydl.close()
    assert path.stat().st_mtime_ns == before
    with pytest.raises(ConfigError) as caught:
        Prefilter(PrefilterSettings(), DownloadSettings(cookies_file=tmp_path / "gone"), tmp_path)
    assert "gone" in str(caught.value)
