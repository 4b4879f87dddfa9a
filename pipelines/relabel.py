"""``reprocess --from identify``: who spoke, said anew for stored videos, from what was heard when they were ingested.

Owns the order: decide, compare with what is served, write. Needs neither audio nor a recogniser nor Ray; only videos
whose speakers now change at other places than before are left for the line, to be cut and embedded again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actors.rows import Segment
from actors.store.database import Database
from actors.store.redo import Chosen
from actors.store.relabel import Served, read_served, relabel
from actors.store.voices import load_profiles
from actors.text.relabelling import changed, relabelled
from actors.voices.deciding import decide
from actors.voices.profile import Profile
from configs.settings import Settings

BATCH = 20
"""Videos read together: an hour of talk is about a megabyte."""


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
    n_stored_meanwhile: int
    """Another run stored them in the same moment, by the voices that are enrolled now."""
    wall_s: float

    def document(self) -> dict[str, Any]:
        return {
            "videos": self.n_videos,
            "relabelled": self.n_relabelled,
            "segments": self.n_segments,
            "to_cut": [video.video_id for video in self.to_cut],
            "stored_meanwhile": self.n_stored_meanwhile,
            "wall_s": round(self.wall_s, 3),
        }


def relabel_stored(
    database: Database, videos: Sequence[Chosen], settings: Settings, *, write: bool
) -> Relabelling:
    """Decide anew who spoke in these videos by the voices that are enrolled.

    Args:
        videos: all of their slices lie in the ledger.
        write: change the labels; else only say what would change.
    """
    began_at = time.monotonic()
    profiles = load_profiles(database)
    to_cut: list[Chosen] = []
    n_relabelled = n_segments = n_meanwhile = 0
    for first in range(0, len(videos), BATCH):
        batch = {video.video_id: video for video in videos[first : first + BATCH]}
        for served in read_served(database, list(batch)):
            new = _new_labels(served, profiles, settings)
            if new is None:
                to_cut.append(batch[served.video_id])
            elif new and write and not relabel(database, served, new):
                n_meanwhile += 1
            elif new:
                n_relabelled += 1
                n_segments += len(new)
    wall_s = time.monotonic() - began_at
    return Relabelling(len(videos), n_relabelled, n_segments, tuple(to_cut), n_meanwhile, wall_s)


def _new_labels(served: Served, profiles: Sequence[Profile], settings: Settings) -> list[Segment] | None:
    """The segments whose labels change; ``None``: the video must be cut anew."""
    decided = decide(served.transcript, profiles, settings.identify)
    labelled = relabelled(decided, served.segments, settings.segment.max_gap_s)
    return None if labelled is None else changed(served.segments, labelled)
