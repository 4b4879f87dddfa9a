"""A question to a process of its own: CTranslate2 and torch never meet in it, a crash is an answer, a hang ends.

Owns starting it, what it may know (no secret) and what its end means. ``python -m pipelines.doctor.child
TARGET LIFELINE`` is the other side.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.credentials import masked
from actors.errors import ConfigError, EarmarkError
from configs.load import is_secret_variable

ROOT = Path(__file__).parents[2]
STARTING_S = 30.0
"""What a check that asks a child may take beyond the child's own time."""


def ask(target: str, question: Mapping[str, Any], *, limit_s: float) -> dict[str, Any]:
    """Call a function in a fresh Python and give what it returns.

    Args:
        target: ``module:function``; takes and returns plain data, as JSON has it.
        question: its only argument; nothing secret.
        limit_s: after so many seconds the process is ended.

    Raises:
        ConfigError: what the function raised, or ``crash`` where its process died, or ``timeout``.
    """
    ours, theirs = os.pipe()[::-1]  # as long as we live the child's end stays open
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", "pipelines.doctor.child", target, str(theirs)],
            input=json.dumps(question), capture_output=True, text=True, errors="replace", timeout=limit_s,
            env=_environment(), pass_fds=(theirs,), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"no answer in {limit_s:.0f} s",
            code="timeout",
            remedy="A model that must be fetched first takes longer: fetch it, or start `ingest` once; else look "
            "whether the GPU or the disk hangs",
        ) from None
    finally:
        os.close(ours)
        os.close(theirs)
    if done.returncode != 0:
        raise _crashed(done.returncode, done.stderr)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise ConfigError(**answer["error"])
    return dict(answer["answer"])


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not is_secret_variable(name)}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return kept


def _crashed(code: int, stderr: str) -> ConfigError:
    said = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "it said nothing")
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return ConfigError(
        f"its process {how} ({masked(said)[:300]})",
        code="crash",
        remedy="A crash inside a library: look at dmesg for memory that ran out, and at the versions of the GPU's "
        "driver, ctranslate2 and torch",
    )


def _main(target: str, lifeline: int) -> None:
    """Answer one question; whatever libraries print goes to standard error."""
    threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module, _, function = target.partition(":")
    question = json.loads(sys.stdin.read())
    try:
        answer = {"answer": getattr(importlib.import_module(module), function)(question)}
    except EarmarkError as error:
        answer = {"error": {"message": error.reason, "code": error.code, "remedy": error.remedy}}
    with answers:
        json.dump(answer, answers)


def _die_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)  # gives nothing until every copy of the other end is closed
    os._exit(1)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
