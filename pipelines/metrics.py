"""Every metric that a run exports: name, kind, unit, labels and meaning, once, as data.

On Ray's endpoint each name has ``ray_`` before it, counters ``_total`` behind it, and labels of Ray's own beside
these (node, session, worker). Values come from ``readings.py``; ``exporter.py`` hands them to Ray. What a label
holds is an id, a name out of this source, or a source's host name: never an address, a title or a person.
"""

from dataclasses import dataclass
from typing import Literal

RUN = ("run",)
"""``earmark-run-7``: as the dataset is called in Ray's dashboard."""
STAGE = (*RUN, "stage")
"""As the stage's actors are called there."""
PREFIX = "ray_"
COUNTED = "_total"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: Literal["counter", "gauge"]
    """A counter only grows, and begins with nothing when its run begins."""
    unit: str
    labels: tuple[str, ...]
    help: str

    @property
    def exported_name(self) -> str:
        """As Prometheus has it."""
        return PREFIX + self.name + (COUNTED if self.kind == "counter" else "")


def _counter(name: str, unit: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, "counter", unit, labels, text)


def _gauge(name: str, unit: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, "gauge", unit, labels, text)


STAGE_METRICS = (
    _counter("earmark_stage_items", "rows", STAGE, "Rows finished, failed ones too"),
    _counter("earmark_stage_audio_seconds", "s", STAGE, "Audio in the rows finished"),
    _counter(
        "earmark_stage_time_seconds", "s", (*STAGE, "state"),
        "Time of the actors by state, summed over them. busy: a row is worked on; blocked: a finished row waits "
        "for the line; held_back: no row in hand although rows wait, since results pile up behind; paused: "
        "waits for the permission to ask a source, or for a batch to fill; starved: nothing to do",
    ),
    _counter("earmark_stage_database_seconds", "s", STAGE, "Waiting for the database, summed over threads"),
    _counter("earmark_stage_failures", "rows", (*STAGE, "code"), "Rows failed or rejected, by the error's code"),
    _counter("earmark_stage_batches", "batches", STAGE, "Batches that models worked through"),
    _counter("earmark_stage_batched", "members", STAGE, "What those batches held together"),
    _counter("earmark_stage_output_bytes", "bytes", STAGE, "Size of the rows given on"),
    _counter("earmark_stage_load_seconds", "s", STAGE, "Getting actors ready: models, connections"),
    _counter(
        "earmark_stage_made", "by kind", (*STAGE, "what"),
        "What results hold: slices, slices_without_words, words, segments",
    ),
    _gauge("earmark_stage_in_hand", "rows", STAGE, "Rows in the actors' hands"),
    _gauge("earmark_stage_oldest_row_seconds", "s", STAGE, "Age of the row that is longest in hand; 0: none is"),
    _gauge("earmark_stage_queue", "rows", STAGE, "Rows that wait before the stage"),
    _gauge("earmark_stage_actors", "actors", STAGE, "Actors of the pool: at work, starting, starting again"),
    _gauge("earmark_stage_silent_seconds", "s", STAGE, "Longest time since one of its actors was heard of"),
)  # fmt: skip

RUN_METRICS = (
    _gauge(
        "earmark_run_videos", "videos", (*RUN, "state"),
        "The ledger's count: pending, running, held_elsewhere, stored, skipped, failed",
    ),
    _counter("earmark_run_stored_audio_seconds", "s", RUN, "Audio of the videos stored"),
    _counter("earmark_run_transcribed_speech_seconds", "s", RUN, "Speech in the slices transcribed"),
    _gauge("earmark_run_line_seconds", "s", RUN, "Since the first row was taken in hand"),
    _gauge("earmark_run_speed_ratio", "h/h", RUN, "Audio stored for each hour of the line, so far"),
    _gauge("earmark_run_tail_seconds", "s", RUN, "How long the last video has been alone; 0: it isn't"),
    _gauge("earmark_database_away_seconds", "s", RUN, "Since the database last answered the run's driver; 0: it does"),
)  # fmt: skip

SITE = (*RUN, "site")
"""``youtube``, or a host."""
GOVERNOR_METRICS = (
    _gauge("earmark_governor_permits_per_hour", "1/h", SITE, "Videos that the source may be asked for an hour, as of now, by all exits that ask it"),
    _gauge("earmark_governor_permits_free", "permits", SITE, "Permits that could be had at this moment, all exits together"),
    _gauge("earmark_governor_recent_permits", "permits", SITE, "Permits given in about the last hour, to all exits"),
    _gauge("earmark_governor_pause_seconds", "s", SITE, "Until the source may be asked again by any exit; 0: it may"),
)  # fmt: skip

CARD = (*RUN, "gpu", "model")
"""The card's index and what it is called."""
MACHINE_METRICS = (
    _counter("earmark_cpu_busy_seconds", "s", RUN, "Work of the cores that the run may use, on the driver's machine or a cluster's nodes, for whomever"),
    _gauge("earmark_cpu_cores", "cores", RUN, "Cores that the run may use"),
    _gauge("earmark_gpu_utilisation_ratio", "0 to 1", CARD, "Share of the last moments in which a kernel ran, where the card tells it"),
    _gauge("earmark_gpu_memory_bytes", "bytes", CARD, "Memory in use, by whomever, where the card tells it"),
    _gauge("earmark_gpu_memory_total_bytes", "bytes", CARD, "Memory there is, where the card tells it"),
    _gauge("earmark_gpu_power_watts", "W", CARD, "What the card draws, where it tells it"),
    _counter("earmark_gpu_energy_joules", "J", RUN, "What the cards used since the run began"),
)  # fmt: skip

METRICS = {each.name: each for each in (*STAGE_METRICS, *RUN_METRICS, *GOVERNOR_METRICS, *MACHINE_METRICS)}
"""By name."""
