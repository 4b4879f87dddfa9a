"""What kills its actor three times is set aside, and costs nobody else anything.

Every row is entered in the ledger before a stage opens it and struck out after its end, in every stage. An
actor that dies leaves its entry behind; Ray starts the actor again and hands the row in again, and the
fourth time the row fails instead. Rows that only wait at an actor have no entry and no blame. Where several
rows are in hand at once all of them are entered, and whoever has a death to its name works alone from
then on (``turns.py``): a neighbour that is innocent gets through and is struck out, so it never has more
than one death for each row that kills. A death from outside, of a node or by the memory guard, counts too,
since it can't be told apart; three in a row for the same row are needed.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import ray
from ray.actor import ActorHandle

from actors.errors import EarmarkError, PermanentError
from actors.rows import VideoId
from actors.store.ledger import Ledger
from pipelines.in_hand import paused
from pipelines.meter import ANSWER_S
from pipelines.scoreboard import RowKey
from pipelines.turns import Turns

logger = logging.getLogger(__name__)

MAX_DEATHS = 3


class Deaths:
    """Counts the deaths of one actor's rows. Threads may share it.

    Args:
        shared: the actor works on several rows at once.
    """

    def __init__(self, stage: str, ledger: Ledger, scoreboard: ActorHandle[Any], *, shared: bool) -> None:
        self._stage, self._ledger, self._scoreboard = stage, ledger, scoreboard
        self._turns = Turns() if shared else None

    @contextmanager
    def counted(self, video_id: VideoId, ordinal: int, limit_s: float) -> Iterator[None]:
        """Work on a row happens inside.

        Raises:
            PermanentError: it has killed its actor ``MAX_DEATHS`` times.
        """
        stage = self._stage.lower()
        with self._turn(video_id, stage, ordinal):
            n_deaths = self._ledger.begin_work(video_id, stage, ordinal) - 1
            try:
                if n_deaths >= MAX_DEATHS:
                    raise set_aside(stage, n_deaths, self._times_timed_out(video_id, ordinal), limit_s)
                yield
            finally:
                self._strike_out(video_id, stage, ordinal)

    @contextmanager
    def _turn(self, video_id: VideoId, stage: str, ordinal: int) -> Iterator[None]:
        with ExitStack() as stack:
            if self._turns is not None:
                suspect = self._ledger.n_deaths(video_id, stage, ordinal) > 0
                with paused():
                    stack.enter_context(self._turns.alone() if suspect else self._turns.side_by_side())
            yield

    def _strike_out(self, video_id: VideoId, stage: str, ordinal: int) -> None:
        try:
            self._ledger.end_work(video_id, stage, ordinal)
        except EarmarkError as error:  # the row has come to its end: that isn't undone for a count too high
            logger.warning("%s: %s could not be struck out: %s", video_id, stage, error)

    def _times_timed_out(self, video_id: VideoId, ordinal: int) -> int:
        key = RowKey(self._stage, video_id, ordinal)
        try:
            n_times: Any = ray.get(self._scoreboard.times_timed_out.remote(key), timeout=ANSWER_S)
        except ray.exceptions.RayError:  # it only makes the reason more telling
            return 0
        return int(n_times)


def set_aside(stage: str, n_deaths: int, n_timed_out: int, limit_s: float) -> PermanentError:
    """Why a row that killed its actor is tried no more. Pure.

    Args:
        n_timed_out: how many of the deaths are known to have been ends over its time.
    """
    if n_timed_out:
        share = "each time" if n_timed_out >= n_deaths else f"{n_timed_out} of {n_deaths} times"
        return PermanentError(
            f"{stage} was at it {n_deaths} times and had to be ended {share}: it took longer than its limit of "
            f"{limit_s:.0f} s",
            code="kills_its_worker",
            remedy="Raise watchdog.row_s or watchdog.row_s_per_audio_s if this machine is only slow, and ingest it "
            "again with --force; Ray's logs of that stage show where it stood",
        )
    return PermanentError(
        f"{stage} died {n_deaths} times while it worked on this video",
        code="kills_its_worker",
        remedy="See the Ray logs of that stage; ingest it again with --force once the cause is gone",
    )
