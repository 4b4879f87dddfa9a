"""What a run is to do, with what, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

from actors.store.redo import Redo
from cluster.resources import Hardware, Pools
from configs.home import Home
from configs.settings import Settings
from pipelines.stage import StageSpec


@dataclass(frozen=True)
class Plan:
    """What a run works with."""

    settings: Settings
    database_url: str
    home: Home
    hardware: Hardware
    pools: Pools
    force: bool = False
    limit: int | None = None
    stages: Sequence[StageSpec] | None = None
    """The line to drive; ``None``: ``pipelines.ingest.line``. A benchmark puts another engine in."""
    redo: Redo | None = None
    """Stored videos to do again, instead of items to ask for."""
    reuse_vectors: bool = False
    """See ``RunContext``."""
    warnings: tuple[str, ...] = ()
    """What was found before the start that the pools' own notes don't say."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Why pools are as they are, and what may keep them from growing."""
        return (*self.pools.notes, *self.warnings)
