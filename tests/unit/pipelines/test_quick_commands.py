"""Commands that only ask the database, or a cluster, are there at once."""

import subprocess
import sys

HEAVY = ("ray", "pandas", "torch", "sklearn", "ctranslate2", "av")
"""Each takes half a second to two seconds of a core."""


MODULES = (
    "pipelines.commands", "pipelines.watching", "pipelines.seeing", "pipelines.report_page", "pipelines.standing",
    "pipelines.finder", "pipelines.voices", "pipelines.jobs", "pipelines.submission", "pipelines.doctor",
)  # fmt: skip
LOOK = """
import importlib, sys
for module in {modules}:
    importlib.import_module(module)
    if found := [name for name in {heavy} if name in sys.modules]:
        sys.exit(f"{{module}} imports {{found}}")
"""


def test_commands_that_drive_nothing_import_no_engine() -> None:
    """In a process of its own: this one has them all."""
    look = LOOK.format(modules=MODULES, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
