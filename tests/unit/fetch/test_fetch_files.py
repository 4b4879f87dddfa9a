"""Local files, temporary folders, and what bytes turn out to be."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from actors.errors import EarmarkError, PermanentError, Rejected, TransientError
from actors.fetch.download import Downloader
from actors.fetch.identity import identify
from actors.fetch.local_file import read_whole
from actors.fetch.prefilter import Prefilter
from actors.fetch.scratch import scratch_folder, sweep
from actors.fetch.sniff import sniff
from actors.rows import Audio, Request, Video, VideoMeta
from configs.settings import DownloadSettings, PrefilterSettings
from tests.encoding import Encoding, write_media

NOISE = np.random.default_rng(1).normal(0, 3000, 5 * 16_000).astype(np.int16)
CODECS = {
    "mp3": Encoding("mp3", bit_rate=64_000), "m4a": Encoding("aac", bit_rate=64_000),
    "webm": Encoding("libopus", 48_000, 64_000), "ogg": Encoding("libopus", 48_000, 64_000),
    "wav": Encoding("pcm_s16le"), "flac": Encoding("flac"), "mp4": Encoding("aac", bit_rate=64_000, video=True),
}  # fmt: skip


def _fetch(path: Path, cache: Path, **settings: int) -> Audio:
    download = DownloadSettings(**settings)
    item = identify(str(path))
    video = Prefilter(PrefilterSettings(), download, cache)(Request(item.video_id, 7, item.url))
    assert isinstance(video, Video)
    return Downloader(download, cache)(video)


@pytest.mark.parametrize("extension", CODECS)
def test_a_local_file_comes_as_it_is(tmp_path: Path, extension: str) -> None:
    """Bytes, suffix, fence and title are the file's; a header that knows its length promises it."""
    path = tmp_path / f"My talk; 2.{extension}"
    write_media(path, NOISE, CODECS[extension])
    audio = _fetch(path, tmp_path)
    assert audio.content == path.read_bytes()
    assert (audio.extension, audio.fence, audio.meta.title) == (extension, 7, "My talk; 2")
    assert audio.meta.published_at is None
    if extension not in ("ogg", "mp4"):
        assert audio.meta.duration_s == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize("extension", ["mp3", "webm", "wav", "flac"])
def test_a_file_cut_in_half_still_promises_its_whole_length(tmp_path: Path, extension: str) -> None:
    """So that prepare, which counts what it decodes, can tell that the rest is missing."""
    path = tmp_path / f"a.{extension}"
    write_media(path, NOISE, CODECS[extension])
    content = path.read_bytes()
    assert sniff(content[: len(content) // 2], "it").promised_s == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"", PermanentError, "not_media"),
        (b"<!DOCTYPE html><html>\xc3\xa9" * 100, PermanentError, "not_media"),
        (b"#EXTM3U\nfile:///etc/passwd\n", PermanentError, "not_media"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", PermanentError, "not_media"),
        (b'{"error": "login"}', PermanentError, "not_media"),
        (np.random.default_rng(0).bytes(50_000), PermanentError, "undecodable"),
        (b"RIFF\0\0\0\0WAVE", TransientError, "truncated"),
    ],
)
def test_what_is_not_media_is_named(tmp_path: Path, content: bytes, kind: type, code: str) -> None:
    """Text is told from damage, whatever the suffix claims."""
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    with pytest.raises(EarmarkError) as caught:
        _fetch(path, tmp_path)
    assert (type(caught.value), caught.value.code) == (kind, code)


def test_pictures_without_sound_are_rejected(tmp_path: Path) -> None:
    """A video with no audio track has nothing to transcribe."""
    import av

    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    with pytest.raises(Rejected) as caught:
        _fetch(path, tmp_path)
    assert caught.value.code == "no_audio"


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A sparse file of 100 GB would not fit into memory."""
    path = tmp_path / "a.mp3"
    with path.open("wb") as file:
        file.truncate(100_000_000_000)
    with pytest.raises(PermanentError) as caught:
        _fetch(path, tmp_path)
    assert caught.value.code == "too_large"


def test_a_file_still_being_written_is_put_off(tmp_path: Path) -> None:
    """Somebody appends right after the first look: what was promised is not what was read."""
    path = tmp_path / "a.mp3"
    path.write_bytes(b"x" * 1000)

    class Growing(type(path)):  # type: ignore[misc]
        def stat(self, **kwargs: bool) -> os.stat_result:
            status = super().stat(**kwargs)
            with self.open("ab") as file:
                file.write(b"y" * 10)
            return status

    with pytest.raises(TransientError) as caught:
        read_whole(Growing(path), 10_000)
    assert caught.value.code == "file_changed"


@pytest.mark.parametrize("kind", ["gone", "folder", "pipe"])
def test_what_is_no_regular_file_never_blocks(tmp_path: Path, kind: str) -> None:
    """A named pipe would wait for a writer for ever."""
    path = tmp_path / "a.mp3"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(PermanentError) as caught:
        read_whole(path, 100)
    assert caught.value.code == ("no_file" if kind == "gone" else "unsupported")


@pytest.fixture
def without_roots_rights() -> Iterator[None]:
    """Root may read everything; for a moment this process is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def forbidden_file(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"x")
    path.chmod(0)
    return path


def test_a_forbidden_file_says_so(forbidden_file: Path, without_roots_rights: None) -> None:
    """The remedy is a right, not another path."""
    with pytest.raises(PermanentError) as caught:
        read_whole(forbidden_file, 100)
    assert caught.value.code == "forbidden"


def test_a_scratch_folder_is_private_and_goes(tmp_path: Path) -> None:
    """Also when Ctrl-C strikes inside."""
    with pytest.raises(KeyboardInterrupt), scratch_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "media.part").write_bytes(b"x")
        raise KeyboardInterrupt
    assert list((tmp_path / "transfers").iterdir()) == []


def test_only_what_the_dead_left_is_swept(tmp_path: Path) -> None:
    """A process killed with -9 leaves a folder that the next start removes; a live one's stays."""
    code = (
        "import sys, time; from pathlib import Path; from actors.fetch.scratch import scratch_folder\n"
        "with scratch_folder(Path(sys.argv[1])) as f:\n"
        "    (f / 'media.part').write_bytes(b'x'); print('ready', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with scratch_folder(tmp_path) as mine:
        assert sweep(tmp_path) == 0
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert sweep(tmp_path) == 1
        assert list((tmp_path / "transfers").iterdir()) == [mine]


def test_a_missing_local_file_fails_in_the_prefilter(tmp_path: Path) -> None:
    """It may have gone since it was asked for."""
    path = tmp_path / "a.mp3"
    path.write_bytes(b"x")
    item = identify(str(path))
    path.unlink()
    with pytest.raises(PermanentError) as caught:
        Prefilter(PrefilterSettings(), DownloadSettings(), tmp_path)(Request(item.video_id, 1, item.url))
    assert caught.value.code == "no_file"


def test_a_local_row_without_a_file_is_refused(tmp_path: Path) -> None:
    """Between prefilter and download too."""
    meta = VideoMeta(title="a", url=(tmp_path / "gone.mp3").as_uri())
    with pytest.raises(PermanentError):
        Downloader(DownloadSettings(), tmp_path)(Video(identify("@someone").video_id, 1, meta, ""))
