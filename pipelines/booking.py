"""What a line books of Ray at its start, and whether Ray has it. Pure.

A line of which one actor can't be placed doesn't fail: its source's task, or the rows before that stage, wait
for ever. So the sum is made before the start.
"""

from collections.abc import Sequence
from math import ceil

from actors.errors import ConfigError
from cluster.capacity import Sum
from cluster.resources import SOURCE_CPUS
from pipelines.stage import StageSpec

ROUNDING = 1e-6


def booked(stages: Sequence[StageSpec]) -> Sum:
    """What the actors of the start book, with the task that claims videos."""
    return Sum(
        cpus=SOURCE_CPUS + sum(spec.initial_actors * spec.num_cpus for spec in stages),
        gpus=sum(spec.initial_actors * spec.num_gpus for spec in stages),
    )


def demand_room(stages: Sequence[StageSpec], there: Sum) -> None:
    """
    Args:
        there: what Ray has in all for these stages.

    Raises:
        ConfigError: ``does_not_fit``.
    """
    wanted = booked(stages)
    for what, n_wanted, n_there in (("CPU", wanted.cpus, there.cpus), ("GPU", wanted.gpus, there.gpus)):
        if n_wanted <= n_there + ROUNDING:
            continue
        shares = [(spec, spec.num_cpus if what == "CPU" else spec.num_gpus) for spec in stages]
        parts = [f"{spec.name} {spec.initial_actors} × {share:g}" for spec, share in shares if share]
        hint = ""
        if what == "CPU":
            parts.append(f"the source {SOURCE_CPUS:g}")
            hint = f" (ray start --num-cpus={ceil(n_wanted)}: more than there are cores is well)"
        raise ConfigError(
            f"the line books {n_wanted:g} {what}s at its start ({', '.join(parts)}), and Ray has {n_there:g}: "
            "it would wait for ever",
            code="does_not_fit",
            remedy="Set the actors of these stages lower (transcribe.actors, transcribe.cpu_threads, prepare.actors, "
            f"transcribe.gpu_share, identify.actors, embed.gpu_share), or give Ray more {what}s{hint}",
        )
