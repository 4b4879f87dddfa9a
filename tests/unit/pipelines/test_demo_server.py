"""The demo's server answers as a media host does, and its feed says what a podcast's says."""

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from actors.errors import ConfigError
from pipelines.demo_server import DemoServer, byte_range

SPEECH_DIR = Path(__file__).parents[3] / "configs" / "demo" / "speech"
TRUTH = json.loads((SPEECH_DIR / "talks.json").read_text(encoding="utf-8"))
PATH = "/rockets-and-moons.webm"
CONTENT = (SPEECH_DIR / PATH[1:]).read_bytes()


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(SPEECH_DIR) as running:
        yield running


def ask(server: DemoServer, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()


def test_a_file_comes_whole_with_its_type_length_and_date(server: DemoServer) -> None:
    """Without a range everything is sent; Last-Modified is the day of publication."""
    status, headers, body = ask(server, "GET", PATH)
    assert (status, body) == (200, CONTENT)
    assert headers["content-type"] == "audio/webm"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["accept-ranges"] == "bytes"
    assert parsedate_to_datetime(headers["last-modified"]).isoformat() == TRUTH["talks"][0]["published"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=400000-", 400_000, len(CONTENT)),
        ("bytes=-50", len(CONTENT) - 50, len(CONTENT)),
        ("bytes=5-99999999", 5, len(CONTENT)),
        ("bytes=-99999999", 0, len(CONTENT)),
    ],
)
def test_a_range_gives_that_part(server: DemoServer, asked: str, start: int, stop: int) -> None:
    """Resuming works: status 206, the bytes asked for, and where they lie."""
    status, headers, body = ask(server, "GET", PATH, Range=asked)
    assert status == 206
    assert body == CONTENT[start:stop]
    assert headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(server: DemoServer, asked: str) -> None:
    """Status 416 names the true size, as yt-dlp needs it to start over."""
    status, headers, body = ask(server, "GET", PATH, Range=asked)
    assert (status, body) == (416, b"")
    assert headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "asked", ["bytes=9-5", "bytes=-", "bytes=a-b", "pages=1-2", "bytes=0-1,5-6", "bytes=-5-"]
)
def test_a_range_that_makes_no_sense_is_ignored(server: DemoServer, asked: str) -> None:
    """RFC 9110 lets a server send everything then."""
    status, _, body = ask(server, "GET", PATH, Range=asked)
    assert (status, len(body)) == (200, len(CONTENT))


def test_an_empty_file_has_no_range() -> None:
    """There is no first byte to send."""
    with pytest.raises(ValueError, match="byte 0 of 0"):
        byte_range("bytes=0-", 0)


def test_head_gives_the_headers_only(server: DemoServer) -> None:
    """The same length and type, no body; the connection stays in step for the next request."""
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as connection:
        connection.request("HEAD", PATH)
        head = connection.getresponse()
        assert head.getheader("Content-Length") == str(len(CONTENT))
        assert head.read() == b""
        connection.request("GET", PATH, headers={"Range": "bytes=0-3"})
        assert connection.getresponse().read() == CONTENT[:4]


@pytest.mark.parametrize(
    "path", ["/", "/nothing.mp3", "/talks.json", "/../speech/talks.json", "/%2e%2e/errors.py"]
)
def test_nothing_else_can_be_had(server: DemoServer, path: str) -> None:
    """Only the feed and the talks are served; no path leads to another file."""
    status, _, body = ask(server, "GET", path)
    assert (status, body) == (404, b"")


def test_the_feed_names_every_talk(server: DemoServer) -> None:
    """Title, date, length, id and enclosure of each, and every enclosure can be had as promised."""
    status, headers, body = ask(server, "GET", "/feed.xml")
    assert status == 200
    assert headers["content-type"].startswith("application/rss+xml")
    channel = ElementTree.fromstring(body).find("channel")
    assert channel is not None
    assert channel.findtext("title") == TRUTH["channel"]
    items = channel.findall("item")
    assert len(items) == len(TRUTH["talks"])
    for item, talk in zip(items, TRUTH["talks"], strict=True):
        assert item.findtext("title") == talk["title"]
        assert item.findtext("guid") == talk["slug"]
        assert parsedate_to_datetime(item.findtext("pubDate") or "").isoformat() == talk["published"]
        duration = item.findtext("{http://www.itunes.com/dtds/podcast-1.0.dtd}duration")
        assert int(duration or 0) == round(talk["duration_s"])
        enclosure = item.find("enclosure")
        assert enclosure is not None
        status, headers, _ = ask(server, "HEAD", enclosure.attrib["url"].removeprefix(server.url))
        assert status == 200
        assert headers["content-type"] == enclosure.attrib["type"]
        assert headers["content-length"] == enclosure.attrib["length"]


def test_the_port_is_free_again_afterwards() -> None:
    """A server that was left can be started anew at once on the same port, and a taken port is named."""
    with DemoServer(SPEECH_DIR) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"port {port}"):
            DemoServer(SPEECH_DIR, port)
    with DemoServer(SPEECH_DIR, port) as second:
        assert ask(second, "HEAD", PATH)[0] == 200


def test_a_missing_talk_is_named(tmp_path: Path) -> None:
    """A checkout without the speech says which file is missing and how to get it."""
    shutil.copy(SPEECH_DIR / "talks.json", tmp_path)
    with pytest.raises(ConfigError, match=r"rockets-and-moons\.webm.*git checkout"):
        DemoServer(tmp_path)
