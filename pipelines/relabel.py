"""``reprocess --from identify``: who spoke, said anew for stored videos, from what was heard when they were ingested.

Owns the order: decide, compare with what is served, write. Needs neither audio nor a recogniser nor Ray; only videos
whose speakers now change at other places than before are left for the line, to be cut and embedded again. Deciding
is Python over every word, so many videos are shared among processes.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any

from actors.rows import Segment, VideoId
from actors.store.database import Database
from actors.store.redo import Chosen
from actors.store.relabel import Served, read_served, relabel
from actors.store.voices import load_profiles
from actors.text.relabelling import changed, relabelled
from actors.voices.deciding import decide
from actors.voices.profile import Profile
from configs.settings import Settings

logger = logging.getLogger(__name__)

BATCH = 20
"""Videos read together: an hour of talk is about a megabyte."""
WORTH_A_PROCESS = 60
"""A process takes a second or two to come up: so many videos for each, at least."""


@dataclass(frozen=True, slots=True)
class Relabelling:
    """What became of the labels of some stored videos."""

    n_videos: int
    """Looked at."""
    n_relabelled: int
    """Of these with labels that changed, and were (or would be) written in place."""
    n_segments: int
    """With such labels."""
    to_cut: tuple[Chosen, ...]
    """Speakers change elsewhere: to be cut again."""
    undecided: tuple[VideoId, ...]
    """Deciding failed: these keep their labels; the log says why."""
    n_stored_meanwhile: int
    """Another run stored them in the same moment, by the voices that are enrolled now."""
    wall_s: float

    def document(self) -> dict[str, Any]:
        return {
            "videos": self.n_videos,
            "relabelled": self.n_relabelled,
            "segments": self.n_segments,
            "to_cut": [video.video_id for video in self.to_cut],
            "undecided": list(self.undecided),
            "stored_meanwhile": self.n_stored_meanwhile,
            "wall_s": round(self.wall_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one video."""

    video_id: VideoId
    n_segments: int | None
    """Labels that changed; ``None``: it must be cut again."""
    is_written: bool = True
    """False: somebody has stored it anew meanwhile."""
    is_decided: bool = True
    """False: deciding failed, and it keeps its labels."""


class Relabeller:
    """Decides on videos by the voices that were enrolled when it was made.

    Args:
        write: change the labels; else only say what would change.
    """

    def __init__(self, database: Database, settings: Settings, *, write: bool) -> None:
        self._database, self._settings, self._write = database, settings, write
        self._profiles: Sequence[Profile] = load_profiles(database)

    def __call__(self, video_ids: Sequence[VideoId]) -> list[Verdict]:
        """What became of these videos; of those that are not in the corpus any more nothing."""
        return [self._one(served) for served in read_served(self._database, video_ids)]

    def _one(self, served: Served) -> Verdict:
        try:
            new = self._new_labels(served)
        except Exception:  # in one video of thousands: it keeps the labels that it has, the others go on
            logger.exception("%s: who spoke can't be decided", served.video_id)
            return Verdict(served.video_id, 0, is_decided=False)
        if new is None or not new:
            return Verdict(served.video_id, None if new is None else 0)
        is_written = not self._write or relabel(self._database, served, new)
        return Verdict(served.video_id, len(new), is_written)

    def _new_labels(self, served: Served) -> list[Segment] | None:
        """The segments whose labels change; ``None``: the video must be cut anew."""
        settings = self._settings
        decided = decide(served.transcript, self._profiles, settings.identify)
        labelled = relabelled(
            decided, served.segments, settings.segment.max_gap_s, has_loops=served.has_loops
        )
        return None if labelled is None else changed(served.segments, labelled)


def relabel_stored(
    url: str, videos: Sequence[Chosen], settings: Settings, *, write: bool, n_cpus: int = 1
) -> Relabelling:
    """Decide anew who spoke in these videos by the voices that are enrolled.

    Args:
        url: of the database.
        videos: all of their slices lie in the ledger.
        write: change the labels; else only say what would change.
        n_cpus: most processes to share the work.
    """
    began_at = time.monotonic()
    by_id = {video.video_id: video for video in videos}
    ids = list(by_id)
    batches = [ids[first : first + BATCH] for first in range(0, len(ids), BATCH)]
    n_processes = min(n_cpus, len(videos) // WORTH_A_PROCESS)
    with ExitStack() as leaving:
        found: Iterable[list[Verdict]]
        if n_processes > 1:
            pool = leaving.enter_context(
                ProcessPoolExecutor(
                    n_processes, multiprocessing.get_context("spawn"), _begin, (url, settings, write)
                )
            )
            found = pool.map(_relabel, batches)
        else:
            database = leaving.enter_context(Database(url, pool_size=1))
            found = map(Relabeller(database, settings, write=write), batches)
        verdicts = list(chain.from_iterable(found))
    written = [each for each in verdicts if each.is_written and each.n_segments]
    return Relabelling(
        n_videos=len(videos),
        n_relabelled=len(written),
        n_segments=sum(each.n_segments or 0 for each in written),
        to_cut=tuple(by_id[each.video_id] for each in verdicts if each.n_segments is None),
        undecided=tuple(each.video_id for each in verdicts if not each.is_decided),
        n_stored_meanwhile=sum(not each.is_written for each in verdicts),
        wall_s=time.monotonic() - began_at,
    )


_of_process: list[Relabeller] = []
"""In a process of the pool: its own."""


def _begin(url: str, settings: Settings, write: bool) -> None:
    """A process of the pool comes up. Ctrl-C is its parent's to hear, which gives it no more batches then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _of_process.append(Relabeller(Database(url, pool_size=1), settings, write=write))


def _relabel(video_ids: Sequence[VideoId]) -> list[Verdict]:
    (relabeller,) = _of_process
    return relabeller(video_ids)
