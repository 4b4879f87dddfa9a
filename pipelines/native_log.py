"""A run's log file: what our modules log, and what libraries write to the standard streams.

Ray's C++ parts print error-level lines for harmless things at every start (ray#53727), straight to file
descriptor 2, in the middle of the progress display, and warnings of the raylet to standard output, which
is a program's with ``--json``. They belong in the log; the terminal is ours.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def run_log(path: Path) -> Iterator[TextIO]:
    """While inside, log records of INFO and above and descriptors 1 and 2 go to ``path``; gives a text
    stream on the real standard error."""
    sys.stdout.flush()
    sys.stderr.flush()
    real_out, real = os.dup(1), os.dup(2)
    terminal = os.fdopen(real, "w", buffering=1, encoding="utf-8", errors="replace")
    log = path.open("a", buffering=1, encoding="utf-8", errors="replace")
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    try:
        yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(real_out, 1)
        os.dup2(real, 2)
        os.close(real_out)
        root.setLevel(level)
        root.removeHandler(handler)
        log.close()
        terminal.close()
