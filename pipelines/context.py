"""What every actor of a run is told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ray.actor import ActorHandle

from actors.rows import RunId
from configs.home import home
from configs.load import CONFIGS_DIR, rebased
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
    configs_dir: Path = CONFIGS_DIR
    """Where the driver has the models that ship."""

    def here(self) -> "RunContext":
        """As it holds on the node where this is called. On a cluster nothing is shared but Ray and the database: caches,
        tracks and models lie in each node's own EARMARK_HOME, what ships where Ray has unpacked the job."""
        if self.settings.ray.address is None:
            return self
        place = home()
        place.create()
        place.keep_model_caches()
        return replace(
            self, settings=rebased(self.settings, self.configs_dir, CONFIGS_DIR), cache_dir=place.cache_dir,
            models_dir=place.models_dir, audio_dir=place.audio_dir,
        )  # fmt: skip
