"""The ledger: who works on which video, how far it got, and how it ended.

Owns: the states of a video and every change between them.

    pending ──claim──▶ running ──▶ stored (by Writer) | skipped | failed ──ask──▶ pending
       ▲                  │                                         │
       │                  ◀──claim, once a failure for now is due───┘
       └──release, postpone, or the run's death

Whoever changes a running video shows the fence of his claim; with another fence, or on a video that
has left ``running``, he gets ``LeaseLost``. Every method bears being called again after a lost
answer. Doesn't know what the stages do, nor Ray.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from actors.errors import EarmarkError, LeaseLost
from actors.rows import Request, RunId, SegmentedVideo, Transcript, VideoId, VideoMeta, VoicedSlice
from actors.store import assembly
from actors.store.asking import Wanted, ask
from actors.store.assembly import Present, SliceRow
from actors.store.backoff import Backoff
from actors.store.codec import meta_from_json, meta_to_json
from actors.store.database import Conn, Database
from actors.store.endings import Ending
from actors.store.fencing import demand_running, lock_row, lock_running
from actors.store.redo import Redo, ask_again, read_segmented
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

    def redo(self, run_id: RunId, redo: Redo, recipe: str) -> Asked:
        """Put stored videos on the queue for a run, to be done again. See ``redo.py``."""
        return ask_again(self._database, run_id, redo, recipe)

    def claim(self, run_id: RunId, limit: int, shares: Mapping[str, int] | None = None) -> list[Request]:
        """Take up to ``limit`` due videos of this run, oldest first; nobody else gets them.

        Due is what lies on the queue, and what failed for now and has waited long enough.

        Args:
            shares: most videos of each source named here.

        Raises:
            LeaseLost: the run has ended.
        """
        shares = shares or {}
        what = {"run_id": run_id, "claim": uuid.uuid4(), "limit": limit}
        what |= {"sites": list(shares), "shares": list(shares.values())}

        def take(connection: Conn) -> list[dict[str, Any]]:
            if connection.execute(queries("ledger")["open_run"], what).fetchone() is None:
                raise LeaseLost(f"run {run_id} has ended")
            before = connection.execute(queries("ledger")["claimed_before"], what).fetchall()
            return before or connection.execute(queries("ledger")["claim"], what).fetchall()

        rows = self._database.run(take)
        rows.sort(key=lambda row: row.get("queue_no", 0))
        return [
            Request(
                VideoId(row["video_id"]), row["fence"], row["url"],
                meta_from_json(row["meta"]) if row["meta"] else None, row["redo"],
            )
            for row in rows
        ]  # fmt: skip

    def n_look_ahead(self, run_id: RunId) -> int:
        """Videos of this run that are claimed and not yet prepared."""
        return int(self._value("look_ahead", run_id=run_id)["n"])

    def work_is_due(self, run_id: RunId) -> bool:
        """Whether anything is due for this run but addresses known to be lists."""
        return bool(self._value("work_is_due", run_id=run_id)["yes"])

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

    def unended(self, video_ids: list[VideoId]) -> set[VideoId]:
        """Which of these videos have not come to their end: waiting, at work, or to be tried again."""
        what = {"ids": video_ids}
        rows = self._database.run(lambda c: c.execute(queries("ledger")["unended"], what).fetchall())
        return {VideoId(row["video_id"]) for row in rows}

    # Slices

    def slices_present(self, video_id: VideoId, recipe: str | None = None) -> Present:
        """Which slices of a video's attempt in hand lie in the ledger; ``None``: under its own recipe."""
        return self._database.run(lambda connection: assembly.slices_present(connection, video_id, recipe))

    def slices_at_claim(self, video_id: VideoId) -> frozenset[int]:
        """Ordinals of the slices of its recipe that lay in the ledger when the video was claimed: within one
        claim the same however often it is asked."""
        return self._database.run(lambda connection: assembly.slices_at_claim(connection, video_id))

    def commit_slice(self, voiced: VoicedSlice) -> Transcript | None:
        """Keep a slice. The commit that completes the video gets the whole text, the others ``None``.

        A repeated commit gets the text again as long as the video isn't stored.

        Raises:
            LeaseLost: another worker has the video, or it has ended otherwise than stored.
            PermanentError: the slice can't be kept.
        """
        slice_row = SliceRow.of(voiced)

        def commit(connection: Conn) -> Transcript | None:
            locked = lock_row(connection, voiced.video_id, voiced.fence)
            if locked["status"] == "stored":
                return None
            demand_running(locked, voiced.video_id)
            if not assembly.commit_slice(connection, slice_row, locked):
                return None
            return assembly.read_transcript(connection, voiced.video_id, voiced.fence, locked)

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

    def served(self, video_id: VideoId, fence: int) -> SegmentedVideo:
        """A stored video's segments as the corpus has them, to be embedded again.

        Raises:
            LeaseLost: as everywhere.
            PermanentError: it isn't in the corpus.
        """

        def read(connection: Conn) -> SegmentedVideo:
            lock_running(connection, video_id, fence)
            return read_segmented(connection, video_id, fence)

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

    def postpone(self, video_id: VideoId, fence: int, delay_s: float, *, last: bool = False) -> None:
        """Put a video back for a while without a verdict on it: its source turns everybody away.

        Calling it again after a lost answer raises ``LeaseLost``: the video has changed hands.

        Args:
            last: to the end of the queue, so that it isn't the next one to be tried.
        """
        self._change("postpone", video_id, fence, delay_s=delay_s, last=last)

    def set_list(
        self, video_id: VideoId, fence: int, entries: Iterable[Wanted], *, left_out: object = "",
        force: bool = False, limit: int | None = None,
    ) -> Asked:  # fmt: skip
        """Take a list apart: ask for its entries in the name of the run that holds it, then end it.

        Args:
            left_out: its text, once the entries are read, says what of the list was not taken.

        Raises:
            LeaseLost, and whatever ``entries`` raises: what was asked until then stays asked.
        """

        def mark(connection: Conn) -> dict[str, Any]:
            locked = lock_running(connection, video_id, fence)
            connection.execute(queries("ledger")["set_kind_list"], {"video_id": video_id})
            return locked

        locked = self._database.run(mark)
        asked = self.ask(RunId(locked["run_id"]), entries, locked["recipe"], force=force, limit=limit)
        self.end_list(video_id, fence, asked.n_items, left_out)
        return asked

    def end_list(self, video_id: VideoId, fence: int, n_entries: int, left_out: object = "") -> None:
        """End a list all of whose entries were asked for, but for those that ``left_out`` tells of."""
        reason = "; ".join(filter(None, (f"a list of {n_entries} entries", str(left_out))))
        self.skip(video_id, fence, "list", reason)

    def _finish(self, video_id: VideoId, fence: int, ending: Ending) -> None:
        def finish(connection: Conn) -> None:
            locked = lock_row(connection, video_id, fence)
            if locked["status"] == ending.status:
                return  # this very call had landed, and only its answer was lost
            demand_running(locked, video_id)
            delay_s = ending.delay_s(self._backoff, locked["attempts"])
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
