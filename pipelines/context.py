"""What every actor of a run is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray.actor import ActorHandle

from actors.rows import RunId
from configs.settings import Settings


def run_name(run_id: RunId) -> str:
    """A run as a person sees it in Ray's dashboard and in metrics."""
    return f"earmark-run-{run_id}"


@dataclass(frozen=True)
class RunContext:
    """Settings and places of one run. Its ``repr`` shows no secret."""

    run_id: RunId
    settings: Settings
    database_url: str = field(repr=False)
    cache_dir: Path
    models_dir: Path
    audio_dir: Path
    scoreboard: ActorHandle[Any] = field(repr=False)
    force: bool = False
    reuse_vectors: bool = False
    """Segments whose text a stored video has already keep their vectors: its text was cut anew and nothing else."""
    limit: int | None = None
    """Most videos this run takes; ``None``: all."""
