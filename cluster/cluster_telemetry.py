"""How busy a cluster's machines and cards are: ``telemetry.py``'s sampler on every node, added up.

One small actor a node, which books nothing and ends with the run. Nodes come and go: what a node that went had done
by then stays in the sums.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.telemetry import MachineSampler, MachineSight

logger = logging.getLogger(__name__)

ASKS_PER_S = 50.0
"""Most nodes asked in a second: a thousand of them are asked in turns of twenty seconds."""
ANSWER_S = 0.5
"""Longest wait for all of them; who answers later is heard the next time."""
NEW_NODES_EVERY_S = 10.0


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
        self._eyes: dict[str, Any] = {}
        self._seen: dict[str, MachineSight] = {}
        self._asked: dict[Any, str] = {}
        self._asked_at = self._listed_at = float("-inf")

    def sample(self) -> MachineSight:
        """The nodes as they answered last; asks them again where it is time.

        Raises:
            RuntimeError: Ray doesn't answer.
        """
        now = time.monotonic()
        try:
            if now - self._listed_at >= NEW_NODES_EVERY_S:
                self._listed_at = now
                self._keep_up()
            if now - self._asked_at >= max(1.0, len(self._eyes) / ASKS_PER_S):
                self._asked_at = now
                self._ask()
        except ray.exceptions.RayError as error:
            raise RuntimeError(f"the cluster doesn't tell how busy it is: {error}") from error
        return together(self._seen, self._eyes)

    def _keep_up(self) -> None:
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
        for gone in self._eyes.keys() - alive:
            del self._eyes[gone]
        for node in alive - self._eyes.keys():
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            self._eyes[node] = NodeEyes.options(scheduling_strategy=there).remote()  # type: ignore[attr-defined]

    def _ask(self) -> None:
        waited_for = set(self._asked.values())
        self._asked |= {
            eyes.look.remote(): node for node, eyes in self._eyes.items() if node not in waited_for
        }
        if not self._asked:
            return
        done, _ = ray.wait([*self._asked], num_returns=len(self._asked), timeout=ANSWER_S)
        for answer in done:
            node = self._asked.pop(answer)
            try:
                self._seen[node] = ray.get(answer)
            except ray.exceptions.RayError as error:  # its node has gone, or its driver is in trouble
                logger.debug("node %s isn't seen: %s", node, error)


def together(seen: Mapping[str, MachineSight], up: Iterable[str]) -> MachineSight:
    """The sum over nodes: times and energy of all, cards of those that are up. Pure."""
    there = set(up)
    energies = [sight.energy_j for sight in seen.values() if sight.energy_j is not None]
    cards = tuple(card for node, sight in seen.items() if node in there for card in sight.cards)
    return MachineSight(
        cpu_busy_s=sum(sight.cpu_busy_s for sight in seen.values()),
        cards=tuple(replace(card, index=index) for index, card in enumerate(cards)),
        gpu_busy_s=sum(sight.gpu_busy_s for sight in seen.values()),
        energy_j=sum(energies) if energies else None,
    )
