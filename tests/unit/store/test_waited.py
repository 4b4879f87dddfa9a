"""How long a process waited for the database."""

import threading
from contextlib import suppress
from types import SimpleNamespace

from pytest import MonkeyPatch

from actors.store import waited
from actors.store.waited import Waited


def test_what_ends_badly_was_waited_for_too(monkeypatch: MonkeyPatch) -> None:
    """The seconds of a query that failed count as those of one that didn't."""
    clock = SimpleNamespace(now=10.0)
    monkeypatch.setattr(waited, "time", SimpleNamespace(monotonic=lambda: clock.now))
    count = Waited()
    with count.counted():
        clock.now += 2.0
    clock.now += 50.0
    with suppress(OSError), count.counted():
        clock.now += 3.0
        raise OSError("the database is away")
    assert count.seconds == 5.0


def test_threads_that_wait_side_by_side_are_added_up(monkeypatch: MonkeyPatch) -> None:
    """Each second counts for each of them."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(waited, "time", SimpleNamespace(monotonic=lambda: clock.now))
    count, inside, go_on = Waited(), threading.Barrier(4), threading.Event()

    def wait() -> None:
        with count.counted():
            inside.wait(30)
            go_on.wait(30)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(30)
    clock.now = 4.0
    go_on.set()
    for thread in threads:
        thread.join()
    assert count.seconds == 12.0
