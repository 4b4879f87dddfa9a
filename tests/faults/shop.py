"""The place of a campaign: items to ingest, servers, a small disk, a home, and the command that is disturbed.

Owns what is set up once and cleared away at the end. Knows nothing of faults.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.corpus import speech_item
from tests.encoding import Encoding
from tests.faults.disk import SmallDisk
from tests.faults.processes import RunningCommand
from tests.faults.services import DatabaseServer, DownloadServer

ENCODING = Encoding("libopus", 48_000, 24_000, options=(("compression_level", "0"),))
SHORT_S = (20, 25, 30, 35, 40, 45, 50)
SETTINGS = (
    "prepare.slice_max_clips=2",  # a slice a minute, so that a kill finds videos half done
    "transcribe.beam_size=20",  # a slow recogniser, so that it finds slices in hand
    "ray.look_ahead_videos=3",  # so that videos are claimed, fetched and prepared at all times
    "ray.dashboard=false",
    "retry.first_s=1",
)


@dataclass(frozen=True)
class Scale:
    """How much there is to ingest, and how fast it comes."""

    long_s: float = 600.0
    """Length of the one long item."""
    bytes_per_s: int = 60_000
    """Of all downloads together: what there is comes a little later than it could be worked on, so that
    a run has downloads, slices and finished videos at the same time."""


@dataclass(frozen=True)
class Shop:
    """Everything that a run needs."""

    home: Path
    disk: SmallDisk
    download: DownloadServer
    database: DatabaseServer
    n_videos: int

    @property
    def planted(self) -> Path:
        """Where the recogniser looks for an error to raise (``plug/sitecustomize.py``)."""
        return self.home / "planted"

    def start(self, url: str, logs: Path) -> RunningCommand:
        """The one command, always the same, on this database."""
        settings = [word for each in SETTINGS for word in ("--set", each)]
        arguments = ["ingest", "--from", "sources.txt", "--profile", "demo", "--json", *settings]
        return RunningCommand(arguments, self._environment(url), self.home, logs)

    def _environment(self, url: str) -> dict[str, str]:
        ours = ("EARMARK_", "ASR_WORKERS", "BATCH_SIZE", "EMBEDDING_", "SEGMENT_", "DATABASE_URL")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return kept | {
            "EARMARK_HOME": str(self.home), "DATABASE_URL": url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
            "PYTHONPATH": str(Path(__file__).parent / "plug"), "FAULTS_ENGINE": str(self.planted),
        }  # fmt: skip

    def leftovers(self) -> list[str]:
        """Folders of transfers that nobody uses any more."""
        return [f"left over: {path}" for path in (self.home / "cache").glob("transfers/*")]


@contextmanager
def open_shop(scale: Scale, keep: list[Path]) -> Iterator[Shop]:
    """A shop that is cleared away afterwards; if ``keep`` isn't empty by then, its files stay."""
    root = Path(tempfile.mkdtemp(prefix="em-"))  # a short path: sockets lie below it
    root.chmod(0o711)
    items, home = root / "items", root / "home"
    items.mkdir()
    home.mkdir(0o700)
    make_items(items, scale)
    download = DownloadServer(items, scale.bytes_per_s)
    database = DatabaseServer(root / "db")
    disk = SmallDisk(home)
    try:
        download.start()
        database.start()
        (home / "sources.txt").write_text("\n".join(download.urls) + "\n", encoding="utf-8")
        yield Shop(home, disk, download, database, len(download.urls))
    except BaseException:
        keep.append(root)
        raise
    finally:
        download.kill()
        database.stop()
        disk.close()
        if not keep:
            shutil.rmtree(root)


def make_items(folder: Path, scale: Scale) -> None:
    """Short talks, and a long one of many slices."""
    for number, duration_s in enumerate(SHORT_S, start=1):
        speech_item(folder / f"short-{number}.webm", ENCODING, seed=number, duration_s=duration_s)
    speech_item(folder / "long.webm", ENCODING, seed=100, duration_s=scale.long_s)


def keep_evidence(logs: Path, found: Sequence[str]) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "differences.json").write_text(json.dumps(list(found), indent=1, ensure_ascii=False))
