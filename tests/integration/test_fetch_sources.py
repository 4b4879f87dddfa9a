"""Feeds, streams in pieces and YouTube's format lists, through the real yt-dlp."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from actors.errors import Rejected, TransientError
from actors.fetch.download import Downloader
from actors.fetch.extraction import choose, packed
from actors.fetch.identity import identify
from actors.fetch.listing import Listing, list_entries
from actors.fetch.prefilter import Prefilter
from actors.fetch.ytdlp import open_ydl, options
from actors.rows import Request, Video, VideoMeta
from configs.settings import DownloadSettings, PrefilterSettings
from tests.encoding import Encoding, write_media
from tests.media_server import Fault, MediaServer

SETTINGS = PrefilterSettings(timeout_s=5)
DOWNLOAD = DownloadSettings(timeout_s=5, retries=1)
NOISE = np.random.default_rng(5).normal(0, 3000, 5 * 16_000).astype(np.int16)


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as running:
        yield running


def _media(folder: Path, extension: str, encoding: Encoding) -> bytes:
    path = folder / f"media.{extension}"
    write_media(path, NOISE, encoding)
    content = path.read_bytes()
    path.unlink()
    return content


def _item(url: str, title: str, guid: str = "") -> str:
    return (
        f"<item><title>{title}</title><enclosure url='{url}' type='audio/mpeg' length='1'/>"
        f"<pubDate>Tue, 14 Nov 2023 22:13:20 GMT</pubDate><itunes:duration>0:05</itunes:duration>"
        f"<guid>{guid or title}</guid></item>"
    )


def _feed(*items: str, title: str = "A podcast") -> bytes:
    return (
        "<?xml version='1.0'?><rss version='2.0' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'>"
        f"<channel><title>{title}</title>{''.join(items)}</channel></rss>"
    ).encode()


def _look(url: str, cache: Path, hint: VideoMeta | None = None) -> Video | Listing:
    return Prefilter(SETTINGS, DOWNLOAD, cache)(Request(identify(url).video_id, 3, url, hint))


def test_a_feed_is_listed_without_touching_its_episodes(server: MediaServer, tmp_path: Path) -> None:
    """One request; titles, dates and the channel travel along and name the episode that is fetched."""
    content = _media(tmp_path, "mp3", Encoding("mp3", bit_rate=64_000))
    episodes = [server.add(f"/ep{n}.mp3", content) for n in range(3)]
    url = server.add("/feed.xml", _feed(*(_item(e, f"Episode {n}") for n, e in enumerate(episodes))))
    listing = _look(url, tmp_path)
    assert isinstance(listing, Listing)
    assert (listing.fence, listing.title) == (3, "A podcast")
    items = list(listing.entries)
    assert [item.url for item in items] == episodes
    assert [item.hint.title for item in items if item.hint] == ["Episode 0", "Episode 1", "Episode 2"]
    assert (server.count("/feed.xml"), server.count("/ep0.mp3")) == (1, 0)
    video = _look(items[1].url, tmp_path, items[1].hint)
    assert isinstance(video, Video)
    assert (video.meta.title, video.meta.channel) == ("Episode 1", "A podcast")
    assert video.meta.published_at is not None
    assert video.meta.published_at.isoformat() == "2023-11-14T22:13:20+00:00"
    assert Downloader(DOWNLOAD, tmp_path)(video).content == content


def test_a_feed_of_everything_a_feed_should_not_hold(server: MediaServer, tmp_path: Path) -> None:
    """Itself, duplicates, local files and dead schemes drop out; another feed comes as unknown."""
    nested = server.add("/other.xml", _feed())
    url = server.url("/feed.xml")
    items = [
        _item(url, "itself"), _item(nested, "another feed"), _item("file:///etc/passwd", "a file"),
        _item("ftp://example.org/a.mp3", "ftp"), _item(server.url("/a.mp3"), "one"),
        _item(server.url("/a.mp3") + "#again", "the same"), "<item><title>no address</title></item>",
    ]  # fmt: skip
    server.add("/feed.xml", _feed(*items))
    found = list(list_entries(url, SETTINGS, DOWNLOAD, tmp_path))
    assert [(item.url, item.kind) for item in found] == [
        (nested, "unknown"),
        (server.url("/a.mp3"), "unknown"),
    ]
    empty = _look(nested, tmp_path)
    assert isinstance(empty, Listing)
    assert list(empty.entries) == []


def test_a_long_feed_ends_at_the_limit(server: MediaServer, tmp_path: Path) -> None:
    """max_list_entries bounds what is taken."""
    url = server.add("/feed.xml", _feed(*(_item(server.url(f"/{n}.mp3"), str(n)) for n in range(300))))
    settings = PrefilterSettings(max_list_entries=120)
    assert len(list(list_entries(url, settings, DOWNLOAD, tmp_path))) == 120


def test_listing_a_single_video_gives_that_video(server: MediaServer, tmp_path: Path) -> None:
    """A driver need not know beforehand which of its sources are lists."""
    url = server.add("/a.mp3", _media(tmp_path, "mp3", Encoding("mp3", bit_rate=64_000)))
    assert [item.url for item in list_entries(url, SETTINGS, DOWNLOAD, tmp_path)] == [url]
    youtube = "https://youtu.be/dQw4w9WgXcQ"
    assert [item.video_id for item in list_entries(youtube, SETTINGS, DOWNLOAD, tmp_path)] == ["dQw4w9WgXcQ"]


def _stream(server: MediaServer, content: bytes, n_pieces: int, fault: Fault | None = None) -> str:
    """Serves MPEG-TS as an HLS stream in pieces on packet borders (188 bytes)."""
    step = -(-len(content) // 188 // n_pieces) * 188
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:5"]
    for n, start in enumerate(range(0, len(content), step)):
        piece_fault = fault if n == 1 else None
        lines += ["#EXTINF:1.0,", server.add(f"/piece{n}.ts", content[start : start + step], piece_fault)]
    return server.add("/talk.m3u8", "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode())


def test_a_stream_in_pieces_comes_whole(server: MediaServer, tmp_path: Path) -> None:
    """HLS without ffmpeg: the pieces one after another."""
    content = _media(tmp_path, "ts", Encoding("aac", bit_rate=64_000))
    video = _look(_stream(server, content, 4), tmp_path)
    assert isinstance(video, Video)
    assert Downloader(DOWNLOAD, tmp_path)(video).content == content
    assert list((tmp_path / "transfers").rglob("*")) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_with_a_hole_is_no_success(server: MediaServer, tmp_path: Path) -> None:
    """yt-dlp would skip a missing piece; we'd store a talk with a gap."""
    content = _media(tmp_path, "ts", Encoding("aac", bit_rate=64_000))
    video = _look(_stream(server, content, 4, Fault(status=503)), tmp_path)
    assert isinstance(video, Video)
    with pytest.raises(TransientError):
        Downloader(DOWNLOAD, tmp_path)(video)
    gc.collect()  # yt-dlp leaves its output file to the collector, which warns; here rather than later
    assert list((tmp_path / "transfers").rglob("*")) == []


def _youtube(server: MediaServer, **changes: object) -> dict[str, object]:
    text = (Path(__file__).parents[1] / "data" / "youtube_info.json").read_text("utf-8")
    return {**json.loads(text.replace("BASE", server.url(""))), **changes}


def test_the_smallest_track_in_the_original_language_is_chosen(server: MediaServer, tmp_path: Path) -> None:
    """Not the smaller German dub; one request for it, none for captions, pictures or YouTube's pages."""
    content = _media(tmp_path, "m4a", Encoding("aac", bit_rate=64_000))
    for name in ("139-en", "139-drc"):
        server.add(f"/{name}", content)
    ydl = open_ydl(options(DOWNLOAD, tmp_path, timeout_s=5))
    chosen = choose(ydl, _youtube(server), server.url("/"))
    assert chosen["language"] == "en-US"
    assert chosen["format_id"] in ("139-1", "139-drc")
    assert chosen["requested_subtitles"] is None
    info_json = packed(chosen, own_cookies=False)
    assert "captions" not in info_json
    assert len(info_json) < 4000
    meta = VideoMeta(title="A talk", url="https://www.youtube.com/watch?v=dQw4w9WgXcQ", language="en")
    audio = Downloader(DOWNLOAD, tmp_path)(Video(identify("dQw4w9WgXcQ").video_id, 1, meta, info_json))
    assert (audio.content == content, audio.extension) == (True, "m4a")
    assert [seen.path for seen in server.requests] == [f"/{chosen['url'].rpartition('/')[2]}"]


def test_without_an_audio_track_the_smallest_film_is_taken(server: MediaServer, tmp_path: Path) -> None:
    """YouTube sometimes gives out format 18 only."""
    info = _youtube(server)
    formats: list[dict[str, object]] = info["formats"]  # type: ignore[assignment]
    info["formats"] = [f for f in formats if f["format_id"] in ("18", "137", "sb0")]
    ydl = open_ydl(options(DOWNLOAD, tmp_path, timeout_s=5))
    assert choose(ydl, info, server.url("/"))["format_id"] == "18"


@pytest.mark.parametrize(
    ("extractor", "kept", "kind", "code"),
    [("vimeo", {"137"}, Rejected, "no_audio"), ("youtube", {"sb0"}, TransientError, "forbidden")],
)
def test_no_track_at_all_has_its_reason(
    server: MediaServer, tmp_path: Path, extractor: str, kept: set[str], kind: type, code: str
) -> None:
    """Pictures only is a verdict on the video, except on YouTube, where it means that we are kept out."""
    info = _youtube(server, extractor=extractor)
    formats: list[dict[str, object]] = info["formats"]  # type: ignore[assignment]
    info["formats"] = [f for f in formats if f["format_id"] in kept]
    ydl = open_ydl(options(DOWNLOAD, tmp_path, timeout_s=5))
    with pytest.raises((Rejected, TransientError)) as caught:
        choose(ydl, info, server.url("/"))
    assert (type(caught.value), caught.value.code) == (kind, code)


def test_a_protected_video_is_refused(server: MediaServer, tmp_path: Path) -> None:
    """All formats carry the DRM flag."""
    info = _youtube(server)
    formats: list[dict[str, object]] = info["formats"]  # type: ignore[assignment]
    info["formats"] = [{**f, "has_drm": True} for f in formats]
    ydl = open_ydl(options(DOWNLOAD, tmp_path, timeout_s=5))
    with pytest.raises(Exception, match="DRM") as caught:
        choose(ydl, info, server.url("/"))
    assert getattr(caught.value, "code", None) == "drm"
