"""A run that never was, for the tests of its page: figures and course as a run keeps them."""

from typing import Any

from configs.report import ReportSettings
from pipelines.progress import STAGES
from pipelines.queues import QueueSight
from pipelines.report import report_document
from pipelines.tally import Tally
from pipelines.timeline import MachineMark, Timeline

BOUND = "Transcribe"


def course(n_marks: int = 100, *, with_card: bool = True) -> dict[str, Any]:
    """Two seconds between marks; Transcribe works all the time, its queue and its pool grow."""
    timeline = Timeline()
    for n in range(1, n_marks + 1):
        at_s = 2.0 * n
        tallies = {
            name: Tally(busy_s=at_s * (0.98 if name == BOUND else 0.3), age_s=at_s + 5) for name in STAGES
        }
        queues = {name: QueueSight(n if name == BOUND else 0, 1, 1 + (n > 50)) for name in STAGES}
        machine = (
            MachineMark(1.5 * at_s, 0.9 * at_s, 0.7, 250.0 * at_s) if with_card else MachineMark(1.5 * at_s)
        )
        timeline.look(at_s, tallies, queues, n_left=2, stored_audio_s=90.0 * at_s, machine=machine)
    return timeline.document()


def figures() -> dict[str, Any]:
    """Of such a run of 200 s."""
    stages = {
        name: Tally(
            items=40, busy_s=196.0 if name == BOUND else 60.0, age_s=205.0, audio_s=18_000.0
        ).figures()
        | {"queue_peak": 100 if name == BOUND else 0, "actors_peak": 1, "actors_least": 1, "actors_most": 6}
        for name in STAGES
    }
    return {
        "audio_s": 18_000.0, "line_s": 200.0, "wall_s": 220.0, "speed_h_per_h": 90.0, "tail_s": 3.0, "stages": stages,
        "scalings": [{"at_s": 102.0, "stage": BOUND, "before": 1, "after": 2, "why": "50 rows waited before it"}],
        "energy_j": 50_000.0,
    }  # fmt: skip


def document(**changes: Any) -> dict[str, Any]:
    """Its report."""
    prices = ReportSettings(price_per_kwh=0.3, machine_price_per_h=2.0)
    return {"run": 7, "outcome": "finished", "goes_on": False, **report_document(figures(), prices)} | changes
