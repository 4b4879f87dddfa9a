"""Commands that only ask the database, or a cluster, are there at once."""

import subprocess
import sys

import pytest

HEAVY = ("ray", "pandas", "torch", "sklearn", "ctranslate2", "av")
"""Each takes half a second to two seconds of a core."""


@pytest.mark.parametrize(
    "module",
    [
        "pipelines.commands", "pipelines.watching", "pipelines.seeing", "pipelines.report_page", "pipelines.standing",
        "pipelines.finder", "pipelines.voices", "pipelines.jobs", "pipelines.submission", "pipelines.doctor",
    ],
)  # fmt: skip
def test_a_command_that_drives_nothing_imports_no_engine(module: str) -> None:
    """In a process of its own: this one has them all."""
    look = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
