"""Settings of what happens when something goes wrong: how long to wait, how often to ask, what to keep."""

from typing import Literal, Self

from pydantic import Field, model_validator

from configs.section import Section


class RetrySettings(Section):
    """Videos that failed for now: network, throttling, a database or a GPU that was away."""

    first_s: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Wait after the first failure, in seconds; doubled with each further one.",
    )
    cap_s: float = Field(
        6 * 3600.0,
        gt=0,
        le=7 * 86_400,
        description="Longest such wait, in seconds, unless the source asks for more.",
    )
    patience_s: float = Field(
        600.0,
        ge=0,
        le=7 * 86_400,
        description="A run that has nothing else left waits this long, in seconds, for the next attempt that is due; "
        "what is due later is left to `retry`. 0: never waits. Less than half of cap_s.",
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        # Delays grow to between half of the cap and the cap. With more patience than that a run that has
        # only a dead source left would wait for it without end.
        if self.patience_s > 0 and self.patience_s >= self.cap_s / 2:
            raise ValueError(
                f"patience_s ({self.patience_s:g}) must be less than half of cap_s ({self.cap_s:g})"
            )
        return self


class GovernorSettings(Section):
    """How often a source is asked, all processes of all runs with the same exit and session together."""

    youtube_videos_per_h: float = Field(
        240.0,
        gt=0,
        le=100_000,
        description="Videos asked of YouTube in an hour. A guest is blocked at about 300.",
    )
    other_videos_per_h: float | None = Field(
        None, gt=0, description="Videos asked of any other host in an hour; unset: no limit until it blocks."
    )
    exit: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[\w.:-]+$",
        description="Name of the address that sources see, where nodes share one behind a router: they are then counted "
        "together. Unset: each node counts by its own address, or by its proxy's.",
    )
    jitter: float = Field(
        0.3, ge=0, le=1, description="Random share by which the gap between two requests varies."
    )
    first_pause_s: float = Field(
        900.0,
        gt=0,
        le=86_400,
        description="Pause of a source after it turned us away, in seconds; doubled each time it does so again.",
    )
    cap_pause_s: float = Field(4 * 3600.0, gt=0, le=7 * 86_400, description="Longest such pause, in seconds.")
    patience_s: float = Field(
        12 * 3600.0,
        ge=0,
        le=30 * 86_400,
        description="A run in which a source lets nothing through for this long, in seconds, ends and leaves the rest on the queue.",
    )


class WatchdogSettings(Section):
    """When work counts as stuck. Every limit leaves a wide margin: it is for what would never end."""

    row_s: float = Field(
        900.0, gt=0, description="Time that any stage may take for one row, in seconds, whatever its length."
    )
    row_s_per_audio_s: float = Field(
        4.0,
        ge=0,
        description="Further seconds for each second of its audio. Raise it for a large model on a CPU.",
    )
    stalled_s: float = Field(
        3600.0,
        gt=0,
        description="A line in which nothing ends for this long, in seconds, is ended with exit code 1. Rows that their "
        "stage may still work on, retries and permits that are waited for don't count as standing still.",
    )
    start_s: float = Field(
        7200.0,
        gt=0,
        description="Time for every stage's first actor to be ready, in seconds, its model fetched and loaded.",
    )


class ArchiveSettings(Section):
    """Audio tracks as fetched, kept below EARMARK_HOME so that nothing is fetched twice."""

    keep: Literal["none", "until_stored", "always"] = Field(
        "until_stored",
        description="until_stored: a run that was killed goes on without fetching again. always: `reprocess --from "
        "prepare` needs no network. none: nothing is kept.",
    )
    max_bytes: int = Field(
        20_000_000_000,
        ge=1_000_000,
        description="Room for it, in bytes; the tracks unused for longest give way.",
    )
