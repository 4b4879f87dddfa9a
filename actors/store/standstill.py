"""What a run waits for, as the ledger knows it. Changes nothing; the watchdog asks when nothing moves."""

from dataclasses import dataclass

from actors.rows import RunId, VideoId
from actors.store.database import Conn, Database
from actors.store.sql import queries


@dataclass(frozen=True, slots=True)
class InLine:
    """A video in a run's hands."""

    video_id: VideoId
    stage: str
    """Where it was seen last: ``claimed``, or the last stage that notes the videos coming to it."""
    held_s: float


def longest_held(database: Database, run_id: RunId) -> InLine | None:
    """The video that this run has had in its line for longest."""

    def ask(connection: Conn) -> InLine | None:
        row = connection.execute(queries("standstill")["longest_held"], {"run_id": run_id}).fetchone()
        return None if row is None else InLine(VideoId(row["video_id"]), row["stage"], float(row["held_s"]))

    return database.run(ask)
