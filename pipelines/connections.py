"""How many connections to Postgres a line opens, and whether the server has them. Pure.

Every actor holds one at least for as long as it lives: a pooler in front of the server has as many to keep, and is no
way out.
"""

from collections.abc import Sequence

from actors.errors import ConfigError
from actors.store.slots import Slots
from pipelines.stage import StageSpec

DRIVERS = 6
"""The driver's own: the run's lock, its pool, the task that claims videos; and two to spare."""
WORKERS_OWN = {"Prefilter": 1, "Download": 1, "Identify": 1, "Segment": 1, "Store": 1}
"""What ``workers.py`` opens beside the ledger's pool, for permits, enrolled voices and vectors."""
MOST_NAMED = 3


def at_start(stages: Sequence[StageSpec]) -> int:
    """What a line holds as soon as it is up: a pool opens its first connection at once."""
    return DRIVERS + sum(spec.initial_actors * (1 + WORKERS_OWN.get(spec.name, 0)) for spec in stages)


def at_most(stages: Sequence[StageSpec]) -> int:
    """What it holds with every pool at its upper bound; the ledger's has one for each row in hand."""
    return DRIVERS + sum(map(_most_of, stages))


def _most_of(spec: StageSpec) -> int:
    return spec.max_actors * (spec.threads + WORKERS_OWN.get(spec.name, 0))


def demand_connections(stages: Sequence[StageSpec], there: Slots) -> str | None:
    """What the user is to be told where the server has enough for the start and not for what pools may grow to.

    Raises:
        ConfigError: ``too_few_connections``: not even the actors of the start get one each.
    """
    first, most = at_start(stages), at_most(stages)
    if most <= there.free:
        return None
    enough = there.most - there.free + most
    largest = sorted(stages, key=_most_of, reverse=True)[:MOST_NAMED]
    wants = ", ".join(f"{spec.name} {_most_of(spec)}" for spec in largest)
    has = f"the database has {max(0, there.free)} left (max_connections {there.most}, {there.reserved} reserved, {there.in_use} in use)"
    if first > there.free:
        raise ConfigError(
            f"the line opens {first} connections to the database at its start, and {has}",
            code="too_few_connections",
            remedy=f"Raise its max_connections to {enough}, or set the actors of these stages lower: {wants}",
        )
    return (
        f"the pools may grow to {most} connections to the database (most of them: {wants}), and {has}: rows of actors "
        f"beyond that fail. Raise max_connections to {enough}, or set the actors of these stages lower"
    )
