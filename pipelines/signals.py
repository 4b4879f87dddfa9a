"""When a run may be interrupted, and when that has to wait."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does. Installed after ``ray.init``, which puts its own handler."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def postponed() -> Iterator[None]:
    """SIGINT and SIGTERM that come in here take effect on leaving, but where an exception is the way out."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda signum, frame: came.append(signum)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])
