"""What needs no asking of a source: videos whose text, slices or audio are here already.

Owns where a video enters the line. The ledger says how far it got, ``Request.redo`` where it is begun
again; the audio archive may hold its track. Everything else is asked of its source by Prefilter.
"""

import hashlib

from actors import rows
from actors.errors import Rejected
from actors.store.ledger import Ledger
from pipelines.context import RunContext
from pipelines.stage import Worker

Known = rows.Resumed | rows.Transcript | rows.SegmentedVideo | rows.Audio


class Recall:
    """Finds what is here of a video. In the stage's actor."""

    def __init__(self, context: RunContext, ledger: Ledger) -> None:
        from actors.fetch.archive import AudioArchive

        self._ledger = ledger
        self._prefilter = context.settings.prefilter
        self._archive = AudioArchive(context.audio_dir, context.settings.archive)

    def __call__(self, request: rows.Request) -> Known | None:
        """The row that the video goes on as; ``None``: its source must be asked.

        Raises:
            Rejected: its track is here, and the settings in force leave such a video out.
        """
        text = recalled_text(self._ledger, request)
        if text is not None:
            return text
        if self._ledger.slices_present(request.video_id).complete:
            self._ledger.enter(request.video_id, request.fence, "assemble")
            return rows.Resumed(request.video_id, request.fence)
        if request.redo == "fetch":
            return None
        audio = self._archive.read(request.video_id, request.fence)
        return None if audio is None else self._wanted(audio, request.url)

    def _wanted(self, audio: rows.Audio, url: str) -> rows.Audio:
        from actors.fetch.describe import Facts
        from actors.fetch.identity import is_short
        from actors.fetch.prefilter import decide

        rejected = decide(
            Facts(url, duration_s=audio.meta.duration_s, is_short=is_short(url)), self._prefilter
        )
        if rejected is not None:
            raise rejected
        self._ledger.describe(audio.video_id, audio.fence, audio.meta)
        refuse_duplicate(self._ledger, audio)
        return audio


def recalled_text(ledger: Ledger, request: rows.Request) -> rows.Transcript | rows.SegmentedVideo | None:
    """The text of a stored video that is only cut or embedded again; ``None``: it is more than that."""
    match request.redo:
        case "segment":
            ledger.enter(request.video_id, request.fence, "segment")
            return ledger.transcript(request.video_id, request.fence)
        case "embed":
            ledger.enter(request.video_id, request.fence, "embed")
            return ledger.served(request.video_id, request.fence)
        case _:
            return None


def refuse_duplicate(ledger: Ledger, audio: rows.Audio) -> None:
    """Enter a video as the holder of its content.

    Raises:
        Rejected: another one holds it.
    """
    digest = hashlib.sha256(audio.content).digest()
    other = ledger.claim_content(audio.video_id, audio.fence, digest)
    if other is not None:
        raise Rejected(f"the same audio as {other}", code="duplicate", remedy=f"See `run.py show {other}`")


def build_recall(context: RunContext, ledger: Ledger) -> Worker:
    """The first stage of a line that asks no source: ``reprocess --from segment`` and ``--from embed``."""
    recall = Recall(context, ledger)

    def work(request: rows.Request) -> list[Known]:
        known = recall(request)
        assert known is not None, "such a line is fed with what the ledger has the text of"
        return [known]

    return work
