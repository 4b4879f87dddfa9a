"""The line with voices that are enrolled already, for the benchmark.

Ray's workers import this module, and with it Ray: only functions of the benchmark may import it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actors.store.ledger import Ledger
from actors.voices.profile import Profile
from pipelines import workers
from pipelines.context import RunContext
from pipelines.stage import StageSpec, Worker


@dataclass(frozen=True, slots=True)
class BuildIdentify:
    """``StageSpec.build`` of Identify where these voices are enrolled."""

    profiles: tuple[Profile, ...]

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        return workers.build_identify(context, ledger, lambda: self.profiles)


def with_profiles(stages: Sequence[StageSpec], profiles: Sequence[Profile]) -> list[StageSpec]:
    """The line's stages, Identify with these voices."""
    build = BuildIdentify(tuple(profiles))
    return [replace(stage, build=build) if stage.name == "Identify" else stage for stage in stages]
