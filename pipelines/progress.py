"""What a person sees while a run goes on: a live table on a terminal, plain lines elsewhere.

``describe`` and ``eta_s`` are pure; ``Display`` only draws. Everything goes to standard error, so that
standard output stays a program's.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from actors.store.ledger import RunCounts
from pipelines.tally import Tally

LINE_EVERY_S = 10.0
STAGES = (
    "Prefilter", "Download", "Prepare", "Transcribe", "Identify", "Assemble", "Segment", "Embed", "Store",
)  # fmt: skip
WARM_UP_S = 5.0
T = TypeVar("T")


def in_line_order(stages: Mapping[str, T]) -> dict[str, T]:
    """By stages' names, in the order in which a video passes them; a stage of another line comes last. JSON in the
    database forgets an order."""
    places = {name: place for place, name in enumerate(STAGES)}
    return dict(sorted(stages.items(), key=lambda each: places.get(each[0], len(places))))


@dataclass(frozen=True, slots=True)
class Progress:
    """A run at one moment."""

    elapsed_s: float
    """Since the first row entered the line."""
    counts: RunCounts
    stages: dict[str, Tally]

    @property
    def heard_s(self) -> float:
        """Seconds of audio transcribed so far in this run, pauses included."""
        tally = self.stages.get("Transcribe")
        return tally.audio_s if tally else 0.0

    @property
    def speed_h_per_h(self) -> float:
        """Hours of audio stored or transcribed, whichever is further, for each hour since the start."""
        return max(self.heard_s, self.counts.stored_audio_s) / self.elapsed_s if self.elapsed_s > 0 else 0.0


def eta_s(progress: Progress) -> float | None:
    """Seconds until the run's end at its speed so far, or ``None`` while that can't be said.

    Videos whose length isn't known yet count with the mean of those whose length is.
    """
    counts = progress.counts
    if counts.known_audio_s <= 0 or progress.elapsed_s < WARM_UP_S or progress.speed_h_per_h <= 0:
        return None
    mean_s = counts.known_audio_s / counts.n_known_audio
    total_s = counts.known_audio_s + mean_s * max(0, counts.to_do - counts.n_known_audio)
    left_s = total_s - max(progress.heard_s, counts.stored_audio_s)
    if left_s <= 0 and counts.n_known_audio < counts.to_do:  # one is longer than the mean of the others
        return None
    return max(0.0, left_s) / progress.speed_h_per_h


def describe(progress: Progress) -> str:
    """One line: how far, how fast, until when."""
    counts = progress.counts
    parts = [f"{counts.stored}/{counts.to_do} videos stored"]
    parts += [f"{n} {word}" for n, word in ((counts.skipped, "skipped"), (counts.failed, "failed")) if n]
    parts.append(f"{progress.heard_s / 3600:.2f} h transcribed")
    parts.append(f"{progress.speed_h_per_h:.0f} h/h")
    left = eta_s(progress)
    parts.append(f"done in {duration(left)}" if left is not None else "time left not known yet")
    return " · ".join(parts)


def describe_stages(stages: dict[str, Tally]) -> str:
    """One line: what each stage is doing."""
    known = dict.fromkeys((*STAGES, *stages))
    busy = [f"{name} {tally.in_hand}" for name in known if (tally := stages.get(name)) and tally.in_hand]
    return "in hand: " + (", ".join(busy) if busy else "nothing yet")


def busy_share(tally: Tally) -> float:
    """Share of the stage's actor time in which it worked, 0 to 1."""
    return min(1.0, tally.busy_s / tally.age_s) if tally.age_s > 0 else 0.0


class Display:
    """Draws progress until it is told to stop."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.expected: tuple[str, ...] = STAGES  # the line's stages in order
        self._live: Live | None = None
        self._last_line_at = 0.0
        self._said: set[str] = set()

    @contextmanager
    def running(self) -> Iterator["Display"]:
        if self._console.is_terminal:
            with Live(console=self._console, refresh_per_second=4, transient=True) as self._live:
                yield self
            self._live = None
        else:
            yield self

    def show(self, progress: Progress) -> None:
        """Draw this state; on a terminal at once, elsewhere a line every ten seconds."""
        if not progress.stages:
            return
        if self._live is not None:
            self._live.update(_panel(progress, self.expected))
        elif time.monotonic() - self._last_line_at >= LINE_EVERY_S:
            self._last_line_at = time.monotonic()
            line = (
                f"[{duration(progress.elapsed_s)}] {describe(progress)} · {describe_stages(progress.stages)}"
            )
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def say_once(self, message: str) -> None:
        """A line that stays, unless it was said before."""
        if message not in self._said:
            self._said.add(message)
            self.say(message)

    def say(self, message: str) -> None:
        """A line that stays."""
        self._console.print(message, soft_wrap=True, highlight=False, markup=False)


def _panel(progress: Progress, names: tuple[str, ...]) -> Group:
    table = Table(box=None, pad_edge=False)
    for title in ("stage", "in hand", "done", "failed", "busy", "audio h", "latest"):
        table.add_column(title, justify="left" if title in ("stage", "latest") else "right")
    for name in names:
        tally = progress.stages.get(name)
        if tally is None:
            table.add_row(name, "", "", "", "starting", "", "", style="dim")
            continue
        table.add_row(
            name, str(tally.in_hand), str(tally.items), str(tally.failed or ""),
            f"{busy_share(tally):.0%}", f"{tally.audio_s / 3600:.2f}",
            Text(tally.latest),  # a source's own name, which may look like rich's markup
        )  # fmt: skip
    return Group(Text(f"[{duration(progress.elapsed_s)}] {describe(progress)}"), table)


def duration(seconds: float) -> str:
    """A length of time as people read it: ``0:01:30``."""
    return str(timedelta(seconds=round(seconds)))
