"""The ledger: who works on which video, how far it got, and how it ended.

Owns: the states of a video and every change between them.

    pending ──claim──▶ running ──▶ stored (by Writer) | skipped | failed ──ask──▶ pending
       ▲                  │
       └──release, postpone, or the run's death

Whoever changes a running video shows the fence of his claim; with another fence, or on a video that
has left ``running``, he gets ``LeaseLost``. Every method bears being called again after a lost
answer. Doesn't know what the stages do, nor Ray.
"""

import random
import uuid
from collections.abc import Iterable
from typing import Any

from actors.errors import EarmarkError
from actors.rows import Request, RunId, SpokenSlice, Transcript, VideoId, VideoMeta
from actors.store import assembly
from actors.store.asking import Wanted, ask
from actors.store.assembly import Present, SliceRow
from actors.store.backoff import Backoff
from actors.store.codec import meta_from_json, meta_to_json
from actors.store.database import Conn, Database
from actors.store.endings import Ending
from actors.store.fencing import demand_running, lock_row, lock_running
from actors.store.run_counts import RunCounts
from actors.store.runs import put_back
from actors.store.sql import queries
from actors.store.standing import Asked
from actors.store.storable import clean_text

__all__ = ["Ledger", "RunCounts"]


class Ledger:
    """The ledger in a database. Threads may share one."""

    def __init__(self, database: Database, backoff: Backoff | None = None) -> None:
        self._database = database
        self._backoff = backoff or Backoff()

    # What to work on

    def ask(
        self,
        run_id: RunId,
        items: Iterable[Wanted],
        recipe: str,
        *,
        force: bool = False,
        limit: int | None = None,
    ) -> Asked:
        """Put ``items`` on the queue for a run; read lazily, a batch at a time. See ``standing.py``.

        Args:
            limit: most videos that the run works on in all; ``None``: every one.
        """
        return ask(self._database, run_id, items, recipe=recipe, force=force, limit=limit)

    def claim(self, run_id: RunId, limit: int) -> list[Request]:
        """Take up to ``limit`` due videos of this run, oldest first; nobody else gets them."""
        what = {"run_id": run_id, "claim": uuid.uuid4(), "limit": limit}

        def take(connection: Conn) -> list[dict[str, Any]]:
            before = connection.execute(queries("ledger")["claimed_before"], what).fetchall()
            return before or connection.execute(queries("ledger")["claim"], what).fetchall()

        rows = self._database.run(take)
        rows.sort(key=lambda row: row.get("queue_no", 0))
        return [
            Request(
                VideoId(row["video_id"]),
                row["fence"],
                row["url"],
                meta_from_json(row["meta"]) if row["meta"] else None,
            )
            for row in rows
        ]

    def n_look_ahead(self, run_id: RunId) -> int:
        """Videos of this run that are claimed and not yet prepared."""
        return int(self._value("look_ahead", run_id=run_id)["n"])

    def exhausted(self, run_id: RunId) -> bool:
        """Whether nothing is due for this run and nothing that it claimed can still turn out a list."""
        return not self._value("unexhausted", run_id=run_id)["yes"]

    def counts(self, run_id: RunId) -> RunCounts:
        return RunCounts(**self._value("counts", run_id=run_id))

    def release(self, run_id: RunId, *, forgive: bool = False) -> int:
        """Return what this run holds to the queue; returns how many videos.

        Args:
            forgive: the work in hand was cut short from outside (Ctrl-C), and isn't counted against its
                rows. Not so where rows were left behind by workers that died.
        """
        return self._database.run(lambda connection: put_back(connection, [run_id], forgive=forgive))

    # While a video is worked on

    def enter(self, video_id: VideoId, fence: int, stage: str) -> None:
        """Note the stage that a video is in."""
        self._change("enter", video_id, fence, stage=stage)

    def begin_work(self, video_id: VideoId, stage: str, ordinal: int) -> int:
        """Note that work on a row begins; returns how often it has begun without an end, this included.

        What kills its worker leaves its count behind. Whoever reads a count too high sets the row aside.
        """
        return int(self._value("begin_work", video_id=video_id, stage=stage, ordinal=ordinal)["tries"])

    def n_deaths(self, video_id: VideoId, stage: str, ordinal: int) -> int:
        """How often work on a row has begun without an end; to be asked while nobody is at it."""
        return int(self._value("n_deaths", video_id=video_id, stage=stage, ordinal=ordinal)["n"])

    def end_work(self, video_id: VideoId, stage: str, ordinal: int) -> None:
        """Note that it ended, well or not, with its worker alive."""
        what = {"video_id": video_id, "stage": stage, "ordinal": ordinal}
        self._database.run(lambda connection: connection.execute(queries("ledger")["end_work"], what))

    def describe(self, video_id: VideoId, fence: int, meta: VideoMeta) -> None:
        """Keep what the source says of a video."""
        self._change("describe", video_id, fence, meta=meta_to_json(meta), title=clean_text(meta.title))

    def claim_content(self, video_id: VideoId, fence: int, sha256: bytes) -> VideoId | None:
        """Enter this video as the holder of a content, unless another one holds it: that one's id.

        Where the content differs from what this video's slices were cut from, those are dropped.

        Args:
            sha256: digest of the audio as fetched, 32 bytes.
        """
        what = {"video_id": video_id, "sha256": sha256}

        def enter(connection: Conn) -> VideoId | None:
            locked = lock_running(connection, video_id, fence)
            connection.execute(queries("ledger")["lock_content"], what)
            if locked["content_sha256"] not in (None, sha256):
                connection.execute(queries("ledger")["content_changed"], what)
            connection.execute(queries("ledger")["set_content"], what)
            connection.execute(queries("ledger")["drop_contents"], what)
            holder = connection.execute(queries("ledger")["content_holder"], what).fetchone()
            if holder is not None:
                return VideoId(holder["video_id"])
            connection.execute(queries("ledger")["hold_content"], what)
            return None

        return self._database.run(enter)

    def agree_language(self, video_id: VideoId, fence: int, language: str) -> str:
        """The video's language: the first one proposed wins, and every slice gets the same answer."""

        def agree(connection: Conn) -> str:
            agreed = lock_running(connection, video_id, fence)["language"]
            if agreed is not None:
                return str(agreed)
            connection.execute(
                queries("ledger")["set_language"], {"video_id": video_id, "language": language}
            )
            return language

        return self._database.run(agree)

    # Slices

    def slices_present(self, video_id: VideoId, recipe: str) -> Present:
        """Which of a video's slices lie in the ledger under ``recipe``."""
        return self._database.run(lambda connection: assembly.slices_present(connection, video_id, recipe))

    def commit_slice(self, spoken: SpokenSlice) -> Transcript | None:
        """Keep a slice. The commit that completes the video gets the whole text, the others ``None``.

        A repeated commit gets the text again as long as the video isn't stored.

        Raises:
            LeaseLost: another worker has the video, or it has ended otherwise than stored.
            PermanentError: the slice can't be kept.
        """
        slice_row = SliceRow.of(spoken)

        def commit(connection: Conn) -> Transcript | None:
            locked = lock_row(connection, spoken.video_id, spoken.fence)
            if locked["status"] == "stored":
                return None
            demand_running(locked, spoken.video_id)
            if not assembly.commit_slice(connection, slice_row, locked["recipe"], locked["run_id"]):
                return None
            return assembly.read_transcript(connection, spoken.video_id, spoken.fence, locked)

        return self._database.run(commit)

    def transcript(self, video_id: VideoId, fence: int) -> Transcript:
        """The text of a video whose slices all lie in the ledger.

        Raises:
            LeaseLost: as everywhere.
            PermanentError: it isn't complete.
        """

        def read(connection: Conn) -> Transcript:
            locked = lock_running(connection, video_id, fence)
            return assembly.read_transcript(connection, video_id, fence, locked)

        return self._database.run(read)

    # Its end

    def skip(self, video_id: VideoId, fence: int, code: str, reason: str, remedy: str = "") -> None:
        """End a video that is left out."""
        self._finish(video_id, fence, Ending("skipped", code, reason, remedy))

    def fail(self, video_id: VideoId, fence: int, error: EarmarkError) -> None:
        """End a video's attempt with an error.

        A transient one is due again after a delay that grows with the attempts and is never shorter
        than what the source asked for.
        """
        self._finish(video_id, fence, Ending.of_error(error))

    def postpone(self, video_id: VideoId, fence: int, delay_s: float) -> None:
        """Put a video back for a while without a verdict on it: its source turns everybody away.

        Calling it again after a lost answer raises ``LeaseLost``: the video has changed hands.
        """
        self._change("postpone", video_id, fence, delay_s=delay_s)

    def set_list(
        self, video_id: VideoId, fence: int, entries: Iterable[Wanted], *, force: bool = False,
        limit: int | None = None,
    ) -> Asked:  # fmt: skip
        """Take a list apart: ask for its entries in the name of the run that holds it, then end it.

        Raises:
            LeaseLost, and whatever ``entries`` raises: what was asked until then stays asked.
        """

        def mark(connection: Conn) -> dict[str, Any]:
            locked = lock_running(connection, video_id, fence)
            connection.execute(queries("ledger")["set_kind_list"], {"video_id": video_id})
            return locked

        locked = self._database.run(mark)
        asked = self.ask(RunId(locked["run_id"]), entries, locked["recipe"], force=force, limit=limit)
        self.skip(video_id, fence, "list", f"a list of {asked.n_items} entries")
        return asked

    def _finish(self, video_id: VideoId, fence: int, ending: Ending) -> None:
        chance = random.random()  # noqa: S311 - jitter, not a secret

        def finish(connection: Conn) -> None:
            locked = lock_row(connection, video_id, fence)
            if locked["status"] == ending.status:
                return  # this very call had landed, and only its answer was lost
            demand_running(locked, video_id)
            delay_s = ending.delay_s(self._backoff, locked["attempts"], chance)
            what = {"video_id": video_id, **ending.values(), "delay_s": delay_s}
            connection.execute(queries("ledger")["finish"], what)
            connection.execute(queries("ledger")["drop_work"], what)

        self._database.run(finish)

    def _change(self, name: str, video_id: VideoId, fence: int, **values: object) -> None:
        def change(connection: Conn) -> None:
            lock_running(connection, video_id, fence)
            connection.execute(queries("ledger")[name], {"video_id": video_id, **values})

        self._database.run(change)

    def _value(self, name: str, **values: object) -> dict[str, Any]:
        row = self._database.run(
            lambda connection: connection.execute(queries("ledger")[name], values).fetchone()
        )
        assert row is not None, name
        return row
