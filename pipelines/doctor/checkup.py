"""Goes through the checks one after another: each has its time, and one that breaks is a finding itself.

Knows nothing of what is checked.
"""

import time
from collections.abc import Iterable, Iterator
from multiprocessing.pool import ThreadPool

from actors.credentials import masked
from actors.errors import EarmarkError
from cluster.hardware import DriverTrouble
from cluster.resources import DoesNotFit
from configs.catalogue import SettingsError
from pipelines.doctor.finding import Check, Finding, Surroundings, wrong


def examine(checks: Iterable[Check], around: Surroundings) -> Iterator[Finding]:
    """The findings of every check, as they are made."""
    for check in checks:
        yield from _one(check, around)


def _one(check: Check, around: Surroundings) -> Iterator[Finding]:
    found: list[Finding] = []
    broke: list[BaseException] = []

    def look() -> None:
        for finding in check.look(around):
            found.append(finding)

    # A pool of one: its thread hands over whatever the check raises, and being a daemon doesn't keep the
    # program alive where a check hangs.
    with ThreadPool(1) as pool:
        began_at = time.monotonic()
        looking = pool.apply_async(look, error_callback=broke.append)
        looking.wait(check.limit_s)
        is_late = not looking.ready()
    yield from list(found)
    if is_late:
        yield wrong(
            check.name,
            f"no answer in {time.monotonic() - began_at:.0f} s",
            "Something hangs: a disk, a driver or a server that doesn't answer. Look at it, then try again",
        )
    for error in broke:
        yield _broken(check.name, error)


def _broken(name: str, error: BaseException) -> Finding:
    if isinstance(error, EarmarkError):
        return wrong(name, masked(error.reason), error.remedy)
    if isinstance(error, SettingsError | DoesNotFit):
        return wrong(name, masked(str(error)), "")
    if isinstance(error, DriverTrouble):
        return wrong(
            name,
            f"the NVIDIA driver answers with an error: {error}",
            "See that nvidia-smi works; after an update of the driver the machine must be started anew",
        )
    return wrong(
        name,
        f"the check itself broke: {type(error).__name__}: {masked(str(error))[:300]}",
        "This may be a fault of Earmark: please report it with this line",
    )
