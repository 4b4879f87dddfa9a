"""What is read out of Ray Data's executor, at a stand-in for one."""

from types import SimpleNamespace
from typing import Any

from pytest import MonkeyPatch

from pipelines import queues as module
from pipelines.queues import EVERY_S, Queues, QueueSight


class Pool:
    """As Ray Data's own has its actors: hashed by handle, and by what tells that they are ready."""

    def __init__(self, running: list[int], pending: list[int]) -> None:
        self._running_actors = {Handle(number): "its state" for number in running}
        self._pending_actors = {f"ready {number}": Handle(number) for number in pending}


class Handle:
    def __init__(self, number: int) -> None:
        self._actor_id = bytes([number])


class Operator:
    def __init__(self, name: str, pool: Pool | None, *, restarting: int = 0) -> None:
        self.name, self._pool, self._restarting = name, pool, restarting

    def get_actor_info(self) -> SimpleNamespace:
        n_running = len(self._pool._running_actors) - self._restarting if self._pool else 0
        n_pending = len(self._pool._pending_actors) if self._pool else 0
        return SimpleNamespace(
            running=n_running, restarting=self._restarting, pending=n_pending, tasks_in_flight=3
        )

    def get_autoscaling_actor_pools(self) -> list[Pool]:
        return [self._pool] if self._pool else []


def executor(*operators: Operator, waiting: int = 5) -> Any:
    state = SimpleNamespace(total_enqueued_input_blocks=lambda: waiting)
    return SimpleNamespace(_topology=dict.fromkeys(operators, state))


def test_a_pool_is_as_large_as_ray_data_wants_it() -> None:
    """One that starts, and one that died and is started again, are of it; a stage without actors has none."""
    queues = Queues()
    prepare = Operator("FlatMap(Prepare)", Pool([1, 2, 3], [4]), restarting=1)
    queues.look(executor(Operator("ReadClaim", None), prepare))
    assert queues.seen() == {
        "ReadClaim": QueueSight(5, 3, 0, frozenset(), 0),
        "Prepare": QueueSight(5, 3, 4, frozenset({"01", "02", "03", "04"}), 0),
    }


def test_steps_near_to_each_other_are_one_look(monkeypatch: MonkeyPatch) -> None:
    """Ray Data steps many times a second."""
    queues, clock = Queues(), SimpleNamespace(now=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    for after_s, n_waiting in ((0.0, 5), (EVERY_S / 2, 7), (EVERY_S, 9)):
        clock.now = 100.0 + after_s
        queues.look(executor(Operator("FlatMap(Store)", Pool([1], [])), waiting=n_waiting))
        assert queues.seen()["Store"].undispatched == (9 if n_waiting == 9 else 5)


def test_what_is_over_is_not_seen_and_the_next_execution_is_another(monkeypatch: MonkeyPatch) -> None:
    """Its pools aren't those of the last one."""
    queues, clock = Queues(), SimpleNamespace(now=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    queues.look(executor(Operator("FlatMap(Store)", Pool([1, 2], []))))
    queues.forget()
    assert queues.seen() == {}
    clock.now += EVERY_S
    queues.look(executor(Operator("FlatMap(Store)", Pool([3], []))))
    assert (queues.seen()["Store"].actors, queues.seen()["Store"].line) == (1, 1)


def test_an_executor_that_has_not_begun_shows_nothing() -> None:
    """Its topology is made when it starts."""
    queues = Queues()
    queues.look(SimpleNamespace(_topology=None))  # type: ignore[arg-type]
    assert queues.seen() == {}
