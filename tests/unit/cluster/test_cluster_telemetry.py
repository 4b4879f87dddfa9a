"""A cluster's machines added up, by a sampler that no cluster can hold up. Without Ray."""

import logging
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cluster import cluster_telemetry as module
from cluster.cluster_telemetry import NOTHING, ClusterSampler, NodesSampler, together, working
from cluster.telemetry import CardSight, MachineSight
from tests.waiting import until


def sight(cpu_s: float, *cards: str, energy_j: float | None = None) -> MachineSight:
    seen = tuple(CardSight(0, name, 0.5, 1, 2, None, None) for name in cards)
    return MachineSight(cpu_s, seen, cpu_s / 2, energy_j)


class Eyes:
    """Sees one thing after another; the last is seen for ever. An exception is raised, an event is waited for."""

    def __init__(self, *seen: MachineSight | Exception | threading.Event) -> None:
        self._seen, self.n_looks = list(seen), 0

    def sample(self) -> MachineSight:
        self.n_looks += 1
        found = self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]
        if isinstance(found, Exception):
            raise found
        if isinstance(found, threading.Event):
            found.wait(30.0)
            raise RuntimeError("Ray is down")
        return found


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(module, "END_WITHIN_S", 0.05)


def test_a_cluster_that_hangs_holds_up_nobody_who_asks_for_the_last_sight() -> None:
    """Ray's head may not answer for minutes; the watch over the run asks once a second. Nor is its end waited for."""
    hanging = threading.Event()
    eyes = Eyes(sight(7.0, "A"), hanging)
    sampler = ClusterSampler(eyes)
    assert sampler.sample() == NOTHING
    with sampler:
        assert until(lambda: eyes.n_looks == 2, 10, 0.005)
        began_at = time.monotonic()
        assert sampler.sample() == sight(7.0, "A")
    assert time.monotonic() - began_at < 2.0
    hanging.set()


def test_a_cluster_that_fails_leaves_the_last_sight_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The failure ended the run: "the watch over the run broke off"."""
    eyes = Eyes(sight(7.0), RuntimeError("GCS is away"))
    with caplog.at_level(logging.ERROR), ClusterSampler(eyes) as sampler:
        assert until(lambda: eyes.n_looks > 5, 10, 0.005)
        assert sampler.sample() == sight(7.0)
    assert len(caplog.records) == 1
    with ClusterSampler(Eyes(ValueError("odd"), sight(9.0))) as sampler:
        assert until(lambda: sampler.sample() == sight(9.0), 10, 0.005)  # it goes on looking


def test_what_a_node_did_before_it_went_stays_in_the_sums_and_its_cards_go() -> None:
    gone = replace(sight(4, "G", energy_j=1.0), cards=())
    whole = together([sight(10, "A", energy_j=5.0), sight(20)], gone)
    assert (whole.cpu_busy_s, whole.gpu_busy_s, whole.energy_j) == (34, 17, 6.0)
    assert [(card.index, card.name) for card in whole.cards] == [(0, "A")]
    assert together([]) == NOTHING == MachineSight(0, (), None, None)


def test_a_node_that_turns_idle_and_busy_for_days_takes_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time other eyes look at it, which begin to count at nothing: their sums are kept as one."""
    nodes: list[dict[str, Any]] = []
    looking = SimpleNamespace(look=SimpleNamespace(remote=object))
    ray: Any = SimpleNamespace(
        nodes=lambda: nodes, is_initialized=lambda: True, wait=lambda asked, **_: (asked, []),
        get=lambda _: sight(3.0, "A", energy_j=2.0), exceptions=SimpleNamespace(RayError=RuntimeError),
        get_runtime_context=lambda: SimpleNamespace(get_node_id=lambda: "head"),
    )  # fmt: skip
    monkeypatch.setattr(module, "ray", ray)
    monkeypatch.setattr(
        module, "NodeEyes", SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda: looking))
    )
    monkeypatch.setattr(module, "NodeAffinitySchedulingStrategy", lambda *_, **__: None)
    monkeypatch.setattr("ray._private.state.available_resources_per_node", lambda: {"a": {}})
    monkeypatch.setattr(module, "NODES_EVERY_S", 0.0)
    monkeypatch.setattr(module, "ASKS_PER_S", 1e9)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)
    sampler = NodesSampler()
    for _ in range(5):
        nodes[:] = [{"NodeID": "a", "Alive": True, "Resources": {"CPU": 4.0}}]
        seen = sampler.sample()
        assert len(seen.cards) == 1
        nodes.clear()
        assert sampler.sample() == replace(seen, cards=())
    assert (seen.cpu_busy_s, seen.gpu_busy_s, seen.energy_j) == (15.0, 7.5, 10.0)
    assert (sampler._seen, sampler._eyes) == ({}, {})


def test_only_nodes_on_which_something_is_booked_are_looked_at() -> None:
    """An actor that looks would keep an idle node from being given back. The driver's own goes in no case."""
    resources = {"CPU": 4.0, "GPU": 1.0, "memory": 1e9}
    nodes = [
        {"NodeID": name, "Alive": name != "dead", "Resources": {} if name == "head" else resources}
        for name in ("head", "cpu", "gpu", "idle", "dead", "new")
    ]
    free = {
        "head": {}, "cpu": {"CPU": 3.75, "GPU": 1.0}, "gpu": {"CPU": 4.0}, "dead": {}, "idle": resources,
    }  # fmt: skip
    assert working(nodes, free, "head") == {"head", "cpu", "gpu"}
