"""The fence: who may still write for a video.

Owns: locking a video's ledger row for a transaction and comparing fences. The lock makes writers
take turns, the fence tells the present one from those before him.
"""

from typing import Any

from actors.errors import LeaseLost
from actors.rows import VideoId
from actors.store.database import Conn
from actors.store.sql import queries


def lock_row(connection: Conn, video_id: VideoId, fence: int) -> dict[str, Any]:
    """Lock a video's row of ``ingest_state`` until the transaction ends, and return it.

    Raises:
        LeaseLost: the video has another fence, or is not in the ledger.
    """
    locked = connection.execute(queries("ledger")["lock"], {"video_id": video_id}).fetchone()
    if locked is None or locked["fence"] != fence:
        raise LeaseLost(f"video {video_id} has passed to another worker")
    return locked


def demand_running(locked: dict[str, Any], video_id: VideoId) -> None:
    """
    Raises:
        LeaseLost: the video has ended, or went back to the queue.
    """
    if locked["status"] != "running":
        raise LeaseLost(f"video {video_id} is no longer being worked on: it is {locked['status']}")


def lock_running(connection: Conn, video_id: VideoId, fence: int) -> dict[str, Any]:
    """``lock_row`` of a video that must be running under this fence."""
    locked = lock_row(connection, video_id, fence)
    demand_running(locked, video_id)
    return locked
