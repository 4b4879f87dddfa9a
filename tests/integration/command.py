"""The command line as a user starts it: a process of its own, a home of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WITH_DASHBOARD = {"EARMARK_RAY__DASHBOARD": "true"}


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        assert self.out, f"exit {self.code}, nothing on standard output; on standard error:\n{self.err}"
        return json.loads(self.out)


def environment(home: Path) -> dict[str, str]:
    """The developer's environment without settings, with this home, and without the dashboard and without
    metrics: Ray starts sooner and works less. Tests that look at them turn them on (``WITH_DASHBOARD``)."""
    ours = (
        "EARMARK_",
        "ASR_WORKERS",
        "BATCH_SIZE",
        "EMBEDDING_",
        "SEGMENT_",
        "ASSUME_MONOLOGUE",
        "DATABASE_URL",
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return env | {
        "EARMARK_HOME": str(home),
        "EARMARK_RAY__DASHBOARD": "false",
        "EARMARK_REPORT__METRICS": "false",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "COLUMNS": "120",
    }


def earmark(home: Path, *arguments: str, timeout_s: float = 400, **variables: str) -> Answer:
    """``python run.py ARGUMENTS`` in ``home``, where no .env is found, with further environment ``variables``."""
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *arguments], cwd=home, env=environment(home) | variables,
        capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)
