"""A main thread that doesn't end the run has its process ended."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys, time
from pipelines import last_resort
last_resort.WITHIN_S, last_resort.SETTLE_S = 0.3, 0.3
resort = last_resort.LastResort(give_back=SETTLE, kill=lambda: print("killed", flush=True))
resort.arm(lambda: print("said", flush=True))
REST
"""


def run(settle: str, rest: str) -> tuple[int, list[str]]:
    program = PROGRAM.replace("SETTLE,", f"{settle},").replace("REST", rest)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.split()


def test_the_process_ends_with_everything_given_back() -> None:
    """The user is told why, the ledger gets back what the run held, Ray's processes are ended, exit 1."""
    deaf = "while True: time.sleep(100)"
    assert run("lambda forgive: print('settled', flush=True)", deaf) == (1, ["said", "settled", "killed"])


def test_a_database_that_hangs_does_not_hold_it_up() -> None:
    """What isn't given back is taken over by the next run."""
    assert run("lambda forgive: time.sleep(100)", "time.sleep(100)") == (1, ["said", "killed"])


def test_a_main_thread_that_ends_the_run_is_left_alone() -> None:
    """Called off in time nothing happens."""
    assert run("lambda forgive: print('settled', flush=True)", "resort.call_off(); time.sleep(1)") == (0, [])
