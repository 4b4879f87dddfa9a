"""Questions for a process of its own that end badly."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from actors.errors import ConfigError


def echo(question: dict[str, Any]) -> dict[str, Any]:
    """Prints as libraries do, and answers."""
    print("noise on standard output")
    os.write(1, b"more of it, past Python\n")
    return {"question": question, "secrets": [name for name in os.environ if "DATABASE_URL" in name]}


def refuse(question: dict[str, Any]) -> dict[str, Any]:
    raise ConfigError("it can't be had", code="gone", remedy="Have another")


def crash(question: dict[str, Any]) -> dict[str, Any]:
    """As a library with a wild pointer does."""
    print("cannot open libcudnn.so.9", file=sys.stderr)
    sys.stderr.flush()
    os.kill(os.getpid(), 11)
    return {}


def raise_something(question: dict[str, Any]) -> dict[str, Any]:
    raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")


def hang(question: dict[str, Any]) -> dict[str, Any]:
    """Says that it is there, then never answers."""
    Path(question["mark"]).write_text(str(os.getpid()))
    time.sleep(600)
    return {}
