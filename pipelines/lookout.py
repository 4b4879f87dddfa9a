"""Looks into known lists before the engine starts: mostly there is nothing new in them.

Owns the decision whether a run needs the line at all. A feed or channel that the ledger knows as a list
is read here, a few entries at a time, until one of them is work or it ends. With work in it, it goes back
to the queue and the line takes it apart from the start; what was asked for until then stays asked. A
source that fails for now is left to the line too, which knows how to wait. What is not known to be a list
is not looked at: most likely it is work.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from actors.errors import LeaseLost, PermanentError, Rejected, TransientError
from actors.fetch.identity import SourceItem
from actors.rows import Request, RunId
from actors.store.ledger import Ledger
from actors.store.run_queue import RunQueue
from actors.store.standing import Asked
from configs.settings import Settings
from pipelines.gate import Gate

if TYPE_CHECKING:
    from actors.fetch.prefilter import Prefilter

BATCH = 50
"""Entries asked for at once: about a page of a source's. The first new video shall not wait for more."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to."""

    work_is_left: bool
    asked: Asked = field(default_factory=Asked)
    """Entries of the lists that were read to their end."""


def look_into_lists(
    ledger: Ledger, queue: RunQueue, gate: Gate, run_id: RunId, settings: Settings, cache_dir: Path, *, force: bool,
    limit: int | None,
) -> Looked:  # fmt: skip
    """Read this run's known lists until something is found for the line to do.

    Raises:
        ConfigError: the cookie file can't be read.
    """
    look = _Look(ledger, gate, run_id, settings, cache_dir, force, limit)
    while not queue.exhausted():
        claimed = [] if ledger.work_is_due(run_id) else queue.take(1)
        if not claimed or not all(look.ends(request) for request in claimed):
            ledger.release(run_id, forgive=True)
            return Looked(True)
    return Looked(False, look.asked)


class _Look:
    """Reads lists, with one session for all of them."""

    def __init__(
        self, ledger: Ledger, gate: Gate, run_id: RunId, settings: Settings, cache_dir: Path, force: bool,
        limit: int | None,
    ) -> None:  # fmt: skip
        self._ledger, self._gate, self._run_id, self._settings = ledger, gate, run_id, settings
        self._cache_dir, self._force, self._limit = cache_dir, force, limit
        self._prefilter: Prefilter | None = None
        self.asked = Asked()

    def ends(self, request: Request) -> bool:
        """Whether the list came to its end, one way or another, with nothing in it for the line."""
        try:
            return self._read(request)
        except Rejected as error:
            self._ledger.skip(request.video_id, request.fence, error.code, error.reason, error.remedy)
        except PermanentError as error:
            self._ledger.fail(request.video_id, request.fence, error)
        except LeaseLost:
            return True  # whoever has it now reads it
        except TransientError:
            return False
        return True

    def _read(self, request: Request) -> bool:
        from actors.fetch.listing import Listing

        found = next(iter(self._gate.governed(lambda asked: [self._session()(asked)])(request)), None)
        if not isinstance(found, Listing):  # a video, or its source turned us away
            return False
        n_entries = 0
        for asked in self._ask(iter(found.entries)):
            n_entries += asked.n_items
            self.asked += asked
            if self._ledger.work_is_due(self._run_id):
                return False
        self._ledger.end_list(request.video_id, request.fence, n_entries, found.left_out)
        return True

    def _ask(self, entries: Iterator[SourceItem]) -> Iterator[Asked]:
        while batch := list(islice(entries, BATCH)):
            yield self._ledger.ask(
                self._run_id, batch, self._settings.recipe(), force=self._force, limit=self._limit
            )

    def _session(self) -> "Prefilter":
        from actors.fetch.prefilter import Prefilter  # yt-dlp: only where there is a list to read

        if self._prefilter is None:
            self._prefilter = Prefilter(
                self._settings.prefilter, self._settings.download, self._cache_dir, self._gate
            )
        return self._prefilter
