"""Waiting for what others bring about."""

import socket
import time
from collections.abc import Callable

LOOK_S = 0.2


def until(reached: Callable[[], bool], limit_s: float, pause_s: float = LOOK_S) -> bool:
    """Wait for something; whether it came."""
    deadline = time.monotonic() + limit_s
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True


def answers(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
