"""NVIDIA's Multi-Process Service: kernels of several processes run on a card at the same time, not in turns.

Owns whether it can be had here, whether it runs, and one of our own for a while. Its programs come with the driver.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CONTROL = "nvidia-cuda-mps-control"
PIPES, LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
DEFAULT_PIPES = Path("/tmp/nvidia-mps")  # noqa: S108 - where NVIDIA's programs put it
WITHIN_S = 30.0


class MpsTrouble(RuntimeError):
    """Its control program is there and fails; the message has its words."""


def can_be_had() -> bool:
    """Whether its control program is installed. Whether there is a card is for ``hardware.py`` to say."""
    return shutil.which(CONTROL) is not None


def is_running(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether CUDA programs that are started in this environment would go through it."""
    pipes = Path(environment.get(PIPES) or DEFAULT_PIPES)
    try:
        pid = int((pipes / f"{CONTROL}.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    return Path(f"/proc/{pid}").exists()


@contextmanager
def shared(wanted: bool) -> Iterator[dict[str, str]]:
    """Environment variables for processes that are to share cards through MPS, or that are not to: whoever leads
    them to a directory without a daemon goes past one that runs.

    A daemon that runs already is used as it is; else one is started and ended on leaving.

    Raises:
        MpsTrouble: it can't be started.
    """
    if wanted and is_running():
        yield {}
        return
    # Its path is short, since a socket lies in it; the daemon may still be writing its log when it goes.
    with tempfile.TemporaryDirectory(prefix="em-mps-", ignore_cleanup_errors=True) as folder:
        variables = {PIPES: folder, LOGS: folder}
        if not wanted:
            yield variables
            return
        _control(["-d"], variables)
        try:
            yield variables
        finally:
            _control([], variables, said="quit\n")


def _control(arguments: list[str], variables: Mapping[str, str], said: str | None = None) -> None:
    try:
        subprocess.run(  # noqa: S603 - a program of the driver, no shell
            [CONTROL, *arguments], input=said, stdin=None if said is not None else subprocess.DEVNULL,
            env={**os.environ, **variables}, capture_output=True, text=True, timeout=WITHIN_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        words = getattr(error, "stderr", None) or str(error)
        raise MpsTrouble(f"{CONTROL} {' '.join(arguments) or 'quit'} failed: {words.strip()}") from error
