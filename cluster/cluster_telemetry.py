"""How busy a cluster's machines and cards are: ``telemetry.py``'s sampler on the nodes that work, added up.

One small actor a node, which books nothing and ends with the run. Nodes come and go: what a node that went had done
by then stays in the sums. Where nothing is booked nobody looks: a node on which any actor lives is idle to no
autoscaler, and would be kept until the run's end for being looked at.

A run doesn't depend on any of it: a cluster that fails to answer, or never does, leaves the last sight.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from types import TracebackType
from typing import Any, Self

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.telemetry import MachineSampler, MachineSight, Sampler

logger = logging.getLogger(__name__)

ASKS_PER_S = 50.0
"""Most nodes asked in a second: a thousand of them are asked in turns of twenty seconds."""
ANSWER_S = 0.5
"""Longest wait for all of them; who answers later is heard the next time."""
NODES_EVERY_S = 10.0
"""How often it is seen which nodes work."""
BOOKABLE = ("CPU", "GPU")
LOOK_EVERY_S = 1.0
END_WITHIN_S = 5.0
"""Longest wait for a look that is still going on at the end."""
NOTHING = MachineSight(0.0, (), None, None)


@ray.remote(num_cpus=0, max_restarts=0, enable_task_events=False)  # type: ignore[call-overload]
class NodeEyes:
    """Looks at the machine that it runs on."""

    def __init__(self) -> None:
        self._sampler = MachineSampler()
        self._sampler.__enter__()

    def look(self) -> MachineSight:
        return self._sampler.sample()


class ClusterSampler:
    """As ``MachineSampler``, of all nodes together. Use it in a ``with`` while Ray is up. The cluster is asked in a thread
    of its own, since Ray has no time limit for what is asked of its head.

    Args:
        eyes: looks at the nodes, and may fail or take for ever; ``None``: through Ray.
    """

    def __init__(self, eyes: Sampler | None = None) -> None:
        self._eyes: Sampler = NodesSampler() if eyes is None else eyes
        self._sight = NOTHING
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cluster telemetry", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(END_WITHIN_S)

    def sample(self) -> MachineSight:
        """The nodes as they were seen last; never waits and never fails."""
        return self._sight

    def _watch(self) -> None:
        failed_before = False
        while not self._done.is_set():
            try:
                self._sight = self._eyes.sample()
            except Exception:  # its figures may be old: a run neither ends nor waits for being looked at
                if not failed_before and not self._done.is_set():
                    logger.exception("the cluster doesn't tell how busy it is; its last figures stand")
                failed_before = True
            self._done.wait(LOOK_EVERY_S)


class NodesSampler:
    """Asks the nodes through Ray, each time for as long as Ray takes. Its actors end with Ray's driver."""

    def __init__(self) -> None:
        self._eyes: dict[str, tuple[str, Any]] = {}
        """By node: a name that no others have had, since they begin to count at nothing; and the actor."""
        self._numbers = count()
        self._seen: dict[str, MachineSight] = {}
        """By the name of eyes that look."""
        self._gone = NOTHING
        """The sum of what those saw that look no more."""
        self._asked: dict[Any, str] = {}
        self._asked_at = self._listed_at = float("-inf")

    def sample(self) -> MachineSight:
        """The nodes as they answered last; asks them again where it is time.

        Raises:
            RayError, RuntimeError: Ray doesn't answer, or is down.
        """
        _demand_ray()
        now = time.monotonic()
        if now - self._listed_at >= NODES_EVERY_S:
            self._listed_at = now
            self._keep_up()
        if now - self._asked_at >= max(LOOK_EVERY_S, len(self._eyes) / ASKS_PER_S):
            self._asked_at = now
            self._ask()
        return together(self._seen.values(), self._gone)

    def _keep_up(self) -> None:
        # What is free by node has no public name; Ray's own libraries ask as this does.
        from ray._private.state import available_resources_per_node

        here = ray.get_runtime_context().get_node_id()
        wanted = working(ray.nodes(), available_resources_per_node(), here)  # type: ignore[no-untyped-call]
        for node in self._eyes.keys() - wanted:
            self._forget(node)
        _demand_ray()
        for node in wanted - self._eyes.keys():
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            eyes = NodeEyes.options(scheduling_strategy=there).remote()  # type: ignore[attr-defined]
            self._eyes[node] = (f"{node}/{next(self._numbers)}", eyes)

    def _forget(self, node: str) -> None:
        """Keep of a node's eyes the sum alone: those of a node that turns idle and busy would be ever more."""
        name, _ = self._eyes.pop(node)  # the actor ends with its last handle
        self._asked = {answer: asked for answer, asked in self._asked.items() if asked != name}
        if name in self._seen:
            self._gone = replace(together([self._seen.pop(name)], self._gone), cards=())

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


def _demand_ray() -> None:
    """A call that hung may come back after the run's end: the next one would start a Ray of its own, as all of them do where
    there is none."""
    if not ray.is_initialized():
        raise RuntimeError("Ray is down")


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


def together(seen: Iterable[MachineSight], gone: MachineSight = NOTHING) -> MachineSight:
    """The sum over nodes. Pure.

    Args:
        seen: of those that are looked at.
        gone: the sum of the others, which has no cards.
    """
    there = list(seen)
    cards = (card for sight in there for card in sight.cards)
    return MachineSight(
        cpu_busy_s=gone.cpu_busy_s + sum(sight.cpu_busy_s for sight in there),
        cards=tuple(replace(card, index=index) for index, card in enumerate(cards)),
        gpu_busy_s=_sum_of_told(sight.gpu_busy_s for sight in (gone, *there)),
        energy_j=_sum_of_told(sight.energy_j for sight in (gone, *there)),
    )


def _sum_of_told(figures: Iterable[float | None]) -> float | None:
    told = [figure for figure in figures if figure is not None]
    return sum(told) if told else None
