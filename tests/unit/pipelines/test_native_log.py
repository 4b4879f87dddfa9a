"""A run's log takes what libraries print, and the terminal stays ours."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging, os, sys
from pathlib import Path
from pipelines.native_log import run_log
os.write(1, b"before\\n")
with run_log(Path(sys.argv[1])) as terminal:
    os.write(1, b"native out\\n")
    os.write(2, b"native err\\n")
    print("python out", flush=True)
    logging.getLogger("actors").info("a record")
    logging.getLogger("actors").debug("a trifle")
    terminal.write("for the person\\n")
os.write(1, b"after\\n")
os.write(2, b"after all\\n")
logging.getLogger("actors").warning("no handler of ours is left")
"""


def test_descriptors_and_records_go_to_the_log_and_come_back(tmp_path: Path) -> None:
    """What C++ writes to descriptors 1 and 2 too; progress goes to the real standard error, and afterwards
    everything is as it was."""
    log = tmp_path / "run.log"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "before\nafter\n"
    assert done.stderr == "for the person\nafter all\nno handler of ours is left\n"
    written = log.read_text()
    assert all(
        each in written for each in ("native out", "native err", "python out", "INFO actors: a record")
    )
    assert "trifle" not in written and "for the person" not in written
