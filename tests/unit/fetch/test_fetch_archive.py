"""The audio archive: whole tracks or none, never more than its room, and nothing left behind."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.fetch.archive import AudioArchive
from actors.rows import Audio, VideoId, VideoMeta
from configs.patience import ArchiveSettings

TITLE = "../../etc/passwd \x00 \udc00 title"


def track(video_id: str, n_bytes: int = 1000, fence: int = 1) -> Audio:
    meta = VideoMeta(
        TITLE,
        "https://example.org/p",
        "Channel",
        "UC1",
        datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        61.25,
        "en",
    )
    content = (video_id.encode("utf-8", "replace") + b"\n\x00") * (n_bytes // (len(video_id) + 2) + 1)
    return Audio(VideoId(video_id), fence, meta, content[:n_bytes], "webm")


def archive(directory: Path, keep: str = "until_stored", max_bytes: int = 10_000_000) -> AudioArchive:
    return AudioArchive(directory, ArchiveSettings(keep=keep, max_bytes=max_bytes))


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.name != "lock")


def size(directory: Path) -> int:
    return sum(path.stat().st_size for path in files(directory))


@pytest.mark.parametrize("video_id", ["dQw4w9WgXcQ", "../../x", "-rf", "a" * 400, "😀\x00;'", "\udc00"])
def test_a_track_comes_back_as_it_was_under_the_new_claim(tmp_path: Path, video_id: str) -> None:
    """Bytes, extension and every field of its description; the file has no name of theirs, and is private."""
    place = tmp_path / "audio"
    assert archive(place).keep(track(video_id))
    assert archive(place).read(VideoId(video_id), 7) == track(video_id, fence=7)
    (file,) = files(place)
    assert file.parent == place and len(file.stem) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert archive(place).read(VideoId("another"), 7) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 3],
        lambda whole: b"",
        lambda whole: whole[:-10] + b"x" + whole[-9:],
        lambda whole: whole.replace(b"Channel", b"Chennal"),
        lambda whole: b"[1]\n" + whole,
        lambda whole: whole.replace(b'"format": 1', b'"format": 9'),
    ],
)
def test_a_damaged_track_counts_as_absent_and_is_removed(
    tmp_path: Path, spoil: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut short, altered in content or description, or of another format."""
    kept = archive(tmp_path)
    kept.keep(track("a"))
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    assert spoil(whole) != whole  # type: ignore[operator]
    file.write_bytes(spoil(whole))  # type: ignore[operator]
    assert kept.read(VideoId("a"), 1) is None
    assert files(tmp_path) == []
    assert "damaged" in caplog.text


def test_the_tracks_unused_for_longest_give_way(tmp_path: Path) -> None:
    """Reading one is using it; a track replaces its video's earlier one; one too large for all isn't kept."""
    kept = archive(tmp_path, max_bytes=1_000_000)
    for n, name in enumerate("abc"):
        assert kept.keep(track(name, 300_000))
        os.utime(kept._path(VideoId(name)), (1000 + n, 1000 + n))
    assert kept.read(VideoId("a"), 1) is not None
    assert kept.keep(track("d", 300_000))
    assert [kept.read(VideoId(name), 1) is not None for name in "abcd"] == [True, False, True, True]
    assert kept.keep(track("a", 320_000))
    assert [kept.read(VideoId(name), 1) is not None for name in "acd"] == [True, True, True]
    assert not kept.keep(track("e", 1_000_001))
    assert len(files(tmp_path)) == 3


def fill(place: str, name: str) -> None:
    for n in range(20):
        archive(Path(place), "always", 1_000_000).keep(track(f"{name}{n}", 210_000))


def test_processes_together_never_exceed_the_room(tmp_path: Path) -> None:
    """Four writers at once, each with 4 MB for an archive of 1 MB."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=fill, args=(str(tmp_path), name)) for name in "abcd"]
    for writer in writers:
        writer.start()
    most = 0
    while any(writer.is_alive() for writer in writers):
        try:
            most = max(most, size(tmp_path))
        except FileNotFoundError:
            continue
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert 600_000 < size(tmp_path) <= 1_000_000
    assert most <= 1_000_000


def test_a_disk_that_takes_no_more_costs_only_the_archive(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that may write 100 kB a file: the track isn't kept, nothing is left, the work goes on."""
    program = f"""
        import resource, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_fetch_archive import archive, track
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        kept = archive(Path(sys.argv[1]))
        print(kept.keep(track("large", 500_000)), kept.keep(track("small", 50_000)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["False", "True"], done.stderr
    assert "keeps no track" in done.stderr
    assert [path.stat().st_size < 60_000 for path in files(tmp_path)] == [True]


def test_a_directory_that_cannot_be_made_costs_only_the_archive(tmp_path: Path) -> None:
    """A file stands where it should be."""
    (tmp_path / "audio").write_text("in the way")
    blocked = archive(tmp_path / "audio")
    assert not blocked.keep(track("a"))
    assert blocked.read(VideoId("a"), 1) is None
    assert blocked.sweep(lambda ids: set()) == 0


def test_what_a_killed_process_was_writing_goes_with_the_next_start(tmp_path: Path) -> None:
    """kill -9 in the middle of a track: it never counts, and its bytes are freed."""
    program = f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_fetch_archive import archive, track
        os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
        archive(Path(sys.argv[1])).keep(track("a", 500_000))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert size(tmp_path) > 500_000
    assert archive(tmp_path).read(VideoId("a"), 1) is None
    assert files(tmp_path) == []


def test_tracks_go_when_their_video_has_ended_unless_they_are_kept_for_good(tmp_path: Path) -> None:
    """By the stage that stores, and by the sweep for what crashes left; a file that nobody owns too."""
    for keep, left in (("until_stored", {"c"}), ("always", {"a", "b", "c"})):
        place = tmp_path / keep
        kept = archive(place, keep)
        for name in "abc":
            kept.keep(track(name))
        kept.release(VideoId("a"))
        (place / f"{'0' * 64}.track").write_bytes(b"no head")
        asked: list[list[VideoId]] = []
        kept.sweep(lambda ids, asked=asked: asked.append(ids) or {VideoId("c")})  # type: ignore[misc]
        assert {name for name in "abc" if kept.read(VideoId(name), 1)} == left
        assert [sorted(ids) for ids in asked] == ([["b", "c"]] if keep == "until_stored" else [])


def test_none_keeps_nothing(tmp_path: Path) -> None:
    """No directory is made, and what an earlier setting left is swept."""
    off = archive(tmp_path / "audio", "none")
    assert not off.keep(track("a"))
    assert not (tmp_path / "audio").exists()
    archive(tmp_path / "audio").keep(track("a"))
    assert off.read(VideoId("a"), 1) is None
    assert off.sweep(lambda ids: set()) == 1
    assert files(tmp_path) == []
