"""Prefilter and download against a real server that does everything wrong that servers do."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from actors.errors import EarmarkError, PermanentError, SoftBlocked, TransientError
from actors.fetch.download import Downloader
from actors.fetch.extraction import unpacked
from actors.fetch.identity import identify
from actors.fetch.prefilter import Prefilter
from actors.rows import Audio, Request, Video
from configs.settings import DownloadSettings, PrefilterSettings
from tests.encoding import Encoding, write_media
from tests.media_server import Fault, MediaServer

TIMEOUT_S = 0.8


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as running:
        yield running


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Half a megabyte of noise as WAV: larger than what sockets hold back."""
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    write_media(
        path, np.random.default_rng(3).normal(0, 3000, 16 * 16_000).astype(np.int16), Encoding("pcm_s16le")
    )
    return path.read_bytes()


@dataclass
class Line:
    """The two stages, one after the other, and the place where they may leave things."""

    cache: Path
    download: DownloadSettings

    def fetch(self, url: str) -> Audio:
        video = Prefilter(PrefilterSettings(timeout_s=TIMEOUT_S), self.download, self.cache)(
            Request(identify(url).video_id, 1, url)
        )
        assert isinstance(video, Video)
        return Downloader(self.download, self.cache)(video)

    def left_over(self) -> list[Path]:
        return [path for path in self.cache.rglob("*") if path.is_file()]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path / "100% ü; $HOME cache", DownloadSettings(timeout_s=TIMEOUT_S, retries=1))
    yield made
    assert made.left_over() == []


@pytest.mark.parametrize(
    ("extension", "encoding"),
    [
        ("mp3", Encoding("mp3", bit_rate=64_000)), ("m4a", Encoding("aac", bit_rate=64_000)),
        ("webm", Encoding("libopus", 48_000, 64_000)), ("flac", Encoding("flac")), ("wav", Encoding("pcm_s16le")),
        ("ogg", Encoding("libopus", 48_000, 64_000)), ("mp4", Encoding("aac", bit_rate=64_000, video=True)),
    ],
)  # fmt: skip
def test_what_arrives_is_what_was_served(
    server: MediaServer, line: Line, tmp_path: Path, extension: str, encoding: Encoding
) -> None:
    """Byte for byte, by one request for the extraction and one for the media; no HEAD."""
    path = tmp_path / f"x.{extension}"
    write_media(path, np.zeros(16_000, np.int16), encoding)
    content = path.read_bytes()
    path.unlink()
    url = server.add(f"/My talk.{extension}".replace(" ", "%20"), content)
    audio = line.fetch(url)
    assert (audio.content == content, audio.extension) == (True, extension)
    assert (audio.meta.title, audio.meta.url) == ("My talk", url)
    assert (server.count(), server.count(method="GET")) == (2, 2)


FAILING = {
    # name: (fault, error, code, requests)
    "403 at once": (Fault(status=403), TransientError, "forbidden", 1),
    "404 at once": (Fault(status=404), PermanentError, "not_found", 1),
    "410 at once": (Fault(status=410), PermanentError, "not_found", 1),
    "429 at once": (Fault(status=429), TransientError, "throttled", 1),
    "500 at once": (Fault(status=500), TransientError, "server_error", 1),
    "silence at once": (Fault(silent=True), TransientError, "timeout", 1),
    "a page at once": (Fault(html=True), PermanentError, "unsupported", 1),
    "a page as audio": (
        Fault(html=True, headers={"Content-Type": "audio/wav"}),
        PermanentError,
        "not_media",
        2,
    ),
    "redirect loop": (Fault(redirect_to="/talk.wav"), PermanentError, "unsupported", 31),
    # In the media, after a good extraction. 403 is worth one more extraction.
    "403 in media": (Fault(after=1, status=403), TransientError, "forbidden", 3),
    "404 in media": (Fault(after=1, status=404), PermanentError, "not_found", 2),
    "416 in media": (Fault(after=1, status=416), TransientError, "file_changed", 3),
    "429 in media": (Fault(after=1, status=429), TransientError, "throttled", 2),
    "503 in media": (Fault(after=1, status=503), TransientError, "server_error", 3),
    "silence in media": (Fault(after=1, silent=True), TransientError, "timeout", 3),
    "stalls": (Fault(after=1, stall_at=90_000), TransientError, "timeout", 3),
    "stops short": (Fault(cut_at=100_000), TransientError, "truncated", 3),
    "promises too much": (Fault(claimed_bytes=10_000_000, no_range=True), TransientError, "truncated", 3),
    "page in media": (Fault(after=1, html=True), PermanentError, "not_media", 2),
    "grows between resumes": (
        Fault(after=1, grows_by=1000, cut_at=100_000),
        TransientError,
        "file_changed",
        3,
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_each_fault_has_its_error(server: MediaServer, line: Line, talk: bytes, name: str) -> None:
    """Class and code, the number of requests, and a message fit for a person; nothing is left behind."""
    fault, kind, code, n_requests = FAILING[name]
    url = server.add("/talk.wav", talk, fault)
    with pytest.raises(EarmarkError) as caught:
        line.fetch(url)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert server.count("/talk.wav") == n_requests
    assert "talk" in caught.value.reason
    assert str(caught.value).isprintable()


SURVIVED = {
    "503 once": (Fault(after=1, times=1, status=503), [None, None, None]),
    "cut once": (Fault(after=1, times=1, cut_at=100_000), [None, None, "bytes="]),
    "stalled once": (Fault(after=1, times=1, stall_at=100_000), [None, None, "bytes="]),
    "cut once, no ranges": (Fault(no_range=True, cut_at=100_000, after=1, times=1), [None, None, "bytes="]),
    "never ranges": (Fault(no_range=True), [None, None]),
    "403 once": (Fault(after=1, times=1, status=403), [None] * 4),
    "slow": (Fault(bytes_per_s=2_000_000), [None, None]),
}


@pytest.mark.parametrize("name", SURVIVED)
def test_passing_faults_are_survived(server: MediaServer, line: Line, talk: bytes, name: str) -> None:
    """Resumed or asked anew, the bytes are the served ones."""
    fault, expected = SURVIVED[name]
    audio = line.fetch(server.add("/talk.wav", talk, fault))
    assert audio.content == talk
    ranges = server.ranges("/talk.wav")
    assert len(ranges) == len(expected)
    assert all((seen or "").startswith(start or "") for seen, start in zip(ranges, expected, strict=True))


def test_a_redirect_is_followed(server: MediaServer, line: Line, talk: bytes) -> None:
    """The redirect is asked once; what it leads to is extracted, then fetched."""
    server.add("/talk.wav", talk)
    audio = line.fetch(server.add("/old.wav", b"", Fault(redirect_to="/talk.wav")))
    assert audio.content == talk
    assert (server.count("/old.wav"), server.count("/talk.wav")) == (1, 3)


def test_a_length_told_too_small_shows_in_the_promise(server: MediaServer, line: Line, talk: bytes) -> None:
    """No client can see that the server stopped early; the file's own header still names 16 seconds."""
    audio = line.fetch(server.add("/talk.wav", talk, Fault(claimed_bytes=len(talk) // 2)))
    assert len(audio.content) == len(talk) // 2
    assert audio.meta.duration_s == pytest.approx(16, abs=0.1)


def test_a_file_that_has_grown_since_the_extraction_comes_whole(
    server: MediaServer, line: Line, talk: bytes
) -> None:
    """The transfer's own length counts, not an earlier one."""
    audio = line.fetch(server.add("/talk.wav", talk, Fault(grows_by=1000)))
    assert len(audio.content) == len(talk) + 1000


def test_retry_after_travels_with_the_error(server: MediaServer, line: Line, talk: bytes) -> None:
    """At the extraction and in the media."""
    for fault in (
        Fault(status=429, headers={"Retry-After": "17"}),
        Fault(status=429, headers={"Retry-After": "17"}, after=1),
    ):
        with pytest.raises(TransientError) as caught:
            line.fetch(server.add("/talk.wav", talk, fault))
        assert caught.value.retry_after_s == 17


@pytest.mark.parametrize("claims", [True, False], ids=["length told", "length hidden"])
def test_a_track_beyond_the_limit_is_refused_early(server: MediaServer, tmp_path: Path, claims: bool) -> None:
    """At the first block if its length is told, else as soon as the limit is passed."""
    line = Line(tmp_path, DownloadSettings(timeout_s=TIMEOUT_S, max_bytes=1_000_000))
    headers = {} if claims else {"Transfer-Encoding": "identity", "Content-Encoding": "identity"}
    url = server.add("/long.mp3", bytes(40_000_000), Fault(after=1, headers=headers, bytes_per_s=20_000_000))
    with pytest.raises(PermanentError) as caught:
        line.fetch(url)
    assert caught.value.code == "too_large"
    assert server.count("/long.mp3") == 2
    assert line.left_over() == []


def test_an_empty_file_is_not_media(server: MediaServer, line: Line) -> None:
    """A complete answer of no bytes won't be longer tomorrow."""
    with pytest.raises(PermanentError) as caught:
        line.fetch(server.add("/empty.mp3", b""))
    assert caught.value.code == "not_media"


def test_a_server_that_is_gone_is_transient(tmp_path: Path) -> None:
    """Nobody listens there any more."""
    with MediaServer() as server:
        url = server.url("/talk.wav")
    with pytest.raises(TransientError) as caught:
        Line(tmp_path, DownloadSettings(timeout_s=TIMEOUT_S)).fetch(url)
    assert caught.value.code == "network"


def test_a_link_that_is_over_is_renewed_before_it_is_used(
    server: MediaServer, line: Line, talk: bytes
) -> None:
    """YouTube's links name their last second: one fresh extraction instead of a 403."""
    url = server.add("/talk.wav", talk)
    prefilter = Prefilter(PrefilterSettings(timeout_s=TIMEOUT_S), line.download, line.cache)
    video = prefilter(Request(identify(url).video_id, 1, url))
    assert isinstance(video, Video)
    stale = video.info_json.replace(
        f'"url": "{url}"', f'"url": "{server.url("/gone.wav")}?expire=1000000000"', 1
    )
    assert unpacked(stale)["url"].endswith("expire=1000000000")
    audio = Downloader(line.download, line.cache)(Video(video.video_id, 1, video.meta, stale))
    assert audio.content == talk
    assert (server.count("/gone.wav"), server.count("/talk.wav")) == (0, 3)


def test_no_credential_leaves_the_url(
    server: MediaServer, line: Line, talk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither message, log nor the stored address names the password."""
    caplog.set_level(logging.DEBUG)
    url = server.add("/talk.wav", talk).replace("http://", "http://me:hunter2@")
    assert line.fetch(url).meta.url == server.url("/talk.wav")
    server.add("/talk.wav", talk, Fault(status=500))
    with pytest.raises(TransientError) as caught:
        line.fetch(url)
    download = line.download.model_copy(
        update={"proxy": DownloadSettings(proxy="http://u:hunter2@127.0.0.1:1").proxy}
    )
    with pytest.raises(TransientError) as by_proxy:
        Line(line.cache, download).fetch(server.url("/talk.wav"))
    assert by_proxy.value.code == "network"
    for error in (caught.value, by_proxy.value):
        assert "hunter2" not in "".join(traceback.format_exception(error))
    assert "hunter2" not in caplog.text.replace(url, "")


def test_a_suspicion_of_robots_is_a_soft_block_and_ends_the_session(
    server: MediaServer, line: Line, talk: bytes
) -> None:
    """Not the video's fault; the next look starts without the cookies that are under suspicion."""
    url = server.add("/talk.wav", talk, Fault(times=1, status=403, headers={"cf-mitigated": "challenge"}))
    prefilter = Prefilter(PrefilterSettings(timeout_s=5), line.download, line.cache)
    before = prefilter._session()
    request = Request(identify(url).video_id, 1, url)
    with pytest.raises(SoftBlocked):
        prefilter(request)
    assert isinstance(prefilter(request), Video)
    assert prefilter._session() is not before


def test_many_threads_share_the_stages(server: MediaServer, line: Line, talk: bytes) -> None:
    """Each gets its own bytes."""
    prefilter = Prefilter(PrefilterSettings(timeout_s=5), line.download, line.cache)
    downloader = Downloader(line.download, line.cache)

    def fetch(n: int) -> bool:
        content = talk + bytes(n)
        url = server.add(f"/talk{n}.wav", content)
        video = prefilter(Request(identify(url).video_id, n, url))
        assert isinstance(video, Video)
        return downloader(video).content == content

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(fetch, range(16)))
    assert threading.active_count() < 40


_TRANSFER = """
import sys
from pathlib import Path
from actors.fetch.download import Downloader
from actors.fetch.identity import identify
from actors.fetch.prefilter import Prefilter
from actors.rows import Request
from configs.settings import DownloadSettings, PrefilterSettings
url, cache = sys.argv[1], Path(sys.argv[2])
video = Prefilter(PrefilterSettings(), DownloadSettings(), cache)(Request(identify(url).video_id, 1, url))
Downloader(DownloadSettings(), cache)(video)
"""


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_killed_transfer_leaves_nothing(
    server: MediaServer, tmp_path: Path, talk: bytes, kill: signal.Signals
) -> None:
    """Ctrl-C cleans up itself; after kill -9 the next start does."""
    url = server.add("/talk.wav", talk, Fault(after=1, stall_at=200_000))
    process = subprocess.Popen(
        [sys.executable, "-c", _TRANSFER, url, str(tmp_path)],
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    deadline = time.monotonic() + 60
    while not (parts := [path for path in tmp_path.rglob("*.part") if path.stat().st_size > 0]):
        assert process.poll() is None
        assert time.monotonic() < deadline
        os.sched_yield()
    process.send_signal(kill)
    _, stderr = process.communicate(timeout=60)
    if kill == signal.SIGINT:
        assert b"KeyboardInterrupt" in stderr
    else:
        assert parts[0].exists()
        Downloader(DownloadSettings(), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
