"""How busy a cluster's machines and cards are: ``telemetry.py``'s sampler on the nodes that work, added up.

One small actor a node, which books nothing and ends with the run. Nodes come and go: what a node that went had done
by then stays in the sums. Where nothing is booked nobody looks: a node on which any actor lives is idle to no
autoscaler, and would be kept until the run's end for being looked at.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import ray
from ray._private.state import available_resources_per_node
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.telemetry import MachineSampler, MachineSight

logger = logging.getLogger(__name__)

ASKS_PER_S = 50.0
"""Most nodes asked in a second: a thousand of them are asked in turns of twenty seconds."""
ANSWER_S = 0.5
"""Longest wait for all of them; who answers later is heard the next time."""
NODES_EVERY_S = 10.0
"""How often it is seen which nodes work."""
BOOKABLE = ("CPU", "GPU")


@ray.remote(num_cpus=0, max_restarts=0, enable_task_events=False)  # type: ignore[call-overload]
class NodeEyes:
    """Looks at the machine that it runs on."""

    def __init__(self) -> None:
        self._sampler = MachineSampler()
        self._sampler.__enter__()

    def look(self) -> MachineSight:
        return self._sampler.sample()


class ClusterSampler:
    """As ``MachineSampler``, of all nodes together. Use it while Ray is up: its actors end with Ray's driver."""

    def __init__(self) -> None:
        self._eyes: dict[str, tuple[str, Any]] = {}
        """By node: a name that no others have had, since they begin to count at nothing; and the actor."""
        self._numbers = count()
        self._seen: dict[str, MachineSight] = {}
        """By eyes, also by those that have gone."""
        self._asked: dict[Any, str] = {}
        self._asked_at = self._listed_at = float("-inf")

    def sample(self) -> MachineSight:
        """The nodes as they answered last; asks them again where it is time.

        Raises:
            RuntimeError: Ray doesn't answer.
        """
        now = time.monotonic()
        try:
            if now - self._listed_at >= NODES_EVERY_S:
                self._listed_at = now
                self._keep_up()
            if now - self._asked_at >= max(1.0, len(self._eyes) / ASKS_PER_S):
                self._asked_at = now
                self._ask()
        except ray.exceptions.RayError as error:
            raise RuntimeError(f"the cluster doesn't tell how busy it is: {error}") from error
        return together(self._seen, (name for name, _ in self._eyes.values()))

    def _keep_up(self) -> None:
        # What is free by node has no public name; Ray's own libraries ask as this does.
        here = ray.get_runtime_context().get_node_id()
        wanted = working(ray.nodes(), available_resources_per_node(), here)  # type: ignore[no-untyped-call]
        for node in self._eyes.keys() - wanted:
            del self._eyes[node]  # the actor ends with its last handle
        for node in wanted - self._eyes.keys():
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            eyes = NodeEyes.options(scheduling_strategy=there).remote()  # type: ignore[attr-defined]
            self._eyes[node] = (f"{node}/{next(self._numbers)}", eyes)

    def _ask(self) -> None:
        waited_for = set(self._asked.values())
        self._asked |= {
            eyes.look.remote(): name for name, eyes in self._eyes.values() if name not in waited_for
        }
        if not self._asked:
            return
        done, _ = ray.wait([*self._asked], num_returns=len(self._asked), timeout=ANSWER_S)
        for answer in done:
            name = self._asked.pop(answer)
            try:
                self._seen[name] = ray.get(answer)
            except ray.exceptions.RayError as error:  # its node has gone, or its driver is in trouble
                logger.debug("%s isn't seen: %s", name, error)


def working(
    nodes: Iterable[Mapping[str, Any]], free: Mapping[str, Mapping[str, float]], here: str
) -> set[str]:
    """Ids of the nodes to look at: those on which something is booked, and the driver's own. Pure.

    Args:
        nodes: as ``ray.nodes`` gives them.
        free: what is left of each one's resources.
        here: the driver's, which it keeps from being given back anyway.
    """

    def works(node: Mapping[str, Any]) -> bool:
        left = free.get(node["NodeID"])
        return left is not None and any(
            node["Resources"].get(kind, 0.0) > left.get(kind, 0.0) for kind in BOOKABLE
        )

    return {node["NodeID"] for node in nodes if node["Alive"] and (node["NodeID"] == here or works(node))}


def together(seen: Mapping[str, MachineSight], up: Iterable[str]) -> MachineSight:
    """The sum over nodes: times and energy of all that were seen, cards of those that are looked at. Pure."""
    there = set(up)
    cards = tuple(card for node, sight in seen.items() if node in there for card in sight.cards)
    return MachineSight(
        cpu_busy_s=sum(sight.cpu_busy_s for sight in seen.values()),
        cards=tuple(replace(card, index=index) for index, card in enumerate(cards)),
        gpu_busy_s=_sum_of_told(sight.gpu_busy_s for sight in seen.values()),
        energy_j=_sum_of_told(sight.energy_j for sight in seen.values()),
    )


def _sum_of_told(figures: Iterable[float | None]) -> float | None:
    told = [figure for figure in figures if figure is not None]
    return sum(told) if told else None
