"""How much audio there is to do, and what its videos are like: from the sources named, or from a number of hours.

Lists are read flat, as ``ingest --dry-run`` reads them; what is stored already doesn't count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from actors.fetch.asker import YOUTUBE, site_of
from actors.fetch.file_length import stated_length_s
from actors.fetch.identity import SourceItem, path_of
from cluster.figures import ASSUMED_VIDEO_MIN
from configs.home import Home
from configs.settings import Settings
from pipelines.rehearsal import rehearse
from pipelines.sources import Refused, read_sources
from pipelines.stage_costs import HOUR_S, Mix

MIN_PER_H = 60.0


@dataclass(frozen=True, slots=True)
class Amount:
    """What is to be done."""

    audio_h: float | None
    """``None``: nothing was named; speeds can be told all the same."""
    n_videos: int | None
    mix: Mix
    mean_from: str
    """Where the mean length of a video comes from, in words."""
    n_unknown: int = 0
    """Videos whose length nobody knows yet: they count with the mean one."""
    n_passed_over: int = 0
    refused: tuple[Refused, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "audio_h": None if self.audio_h is None else round(self.audio_h, 3),
            "videos": self.n_videos,
            "mean_video_min": round(self.mix.video_h * MIN_PER_H, 1),
            "mean_from": self.mean_from,
            "length_unknown": self.n_unknown,
            "passed_over": self.n_passed_over,
            "youtube_share": round(self.mix.youtube, 3),
            "refused": [asdict(each) for each in self.refused],
        }


def amount_of(
    sources: Sequence[str], hours: float | None, video_minutes: float | None,
    stored_mean: tuple[float, int] | None, settings: Settings, place: Home,
) -> Amount:  # fmt: skip
    """
    Args:
        hours: of audio, instead of sources.
        video_minutes: mean length of a video where it isn't known.
        stored_mean: of the corpus, in seconds, and of how many videos.

    Raises:
        ConfigError: the ledger can't be read.
    """
    mean_h, mean_from = _mean(video_minutes, stored_mean)
    if sources:
        return _of_sources(sources, settings, place, mean_h, mean_from)
    n_videos = None if hours is None else max(1, round(hours / mean_h))
    return Amount(hours, n_videos, Mix(mean_h), mean_from)


def _mean(video_minutes: float | None, stored: tuple[float, int] | None) -> tuple[float, str]:
    if video_minutes is not None:
        return video_minutes / MIN_PER_H, "as given"
    if stored is not None:
        return stored[0] / HOUR_S, f"the mean of {stored[1]} stored videos"
    return ASSUMED_VIDEO_MIN / MIN_PER_H, "assumed (--video-minutes)"


def _of_sources(
    sources: Sequence[str], settings: Settings, place: Home, mean_h: float, mean_from: str
) -> Amount:
    refused: list[Refused] = []
    found = rehearse(_accepted(sources, refused), settings, place, refused, limit=None, force=False)
    rows = found["would_ingest"]
    lengths = [length for row in rows if (length := _length_s(row)) is not None]
    return total(rows, lengths, mean_h, mean_from, len(found["passed_over"]), refused)


def total(
    rows: Sequence[Mapping[str, Any]], lengths_s: Sequence[float], mean_h: float, mean_from: str,
    n_passed_over: int = 0, refused: Iterable[Refused] = (),
) -> Amount:  # fmt: skip
    """The amount that videos come to; those of unknown length count with the mean of the others."""
    if lengths_s:
        mean_h, mean_from = (
            sum(lengths_s) / len(lengths_s) / HOUR_S,
            f"the mean of {len(lengths_s)} of the sources",
        )
    n_unknown = len(rows) - len(lengths_s)
    audio_h = sum(lengths_s) / HOUR_S + n_unknown * mean_h
    sites = Counter(_kind(str(row["url"])) for row in rows)
    n = max(1, len(rows))
    mix = Mix(mean_h, youtube=sites["youtube"] / n, other=sites["other"] / n)
    return Amount(audio_h, len(rows), mix, mean_from, n_unknown, n_passed_over, tuple(refused))


def _accepted(sources: Sequence[str], refused: list[Refused]) -> Iterator[SourceItem]:
    for item in read_sources(sources, None):
        if isinstance(item, Refused):
            refused.append(item)
        else:
            yield item


def _length_s(row: Mapping[str, Any]) -> float | None:
    url = str(row["url"])
    if row["duration_s"] is not None:
        return float(row["duration_s"])
    return stated_length_s(path_of(url)) if url.startswith("file:") else None


def _kind(url: str) -> str:
    site = site_of(url)
    return "file" if not site else "youtube" if site == YOUTUBE else "other"
