"""What each stage does with a row: a plain class of ``actors/`` joined with the ledger.

Each ``build_*`` runs inside the stage's actor, so heavy imports stand in it and nowhere above.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from actors import rows
from actors.errors import EarmarkError
from actors.store.ledger import Ledger
from pipelines.context import RunContext
from pipelines.gate import Gate
from pipelines.in_hand import getting_on, paused
from pipelines.meter import batches
from pipelines.recall import Known, Recall, refuse_duplicate
from pipelines.stage import Worker
from pipelines.turns import OneAtATime
from pipelines.voiceless import FAILED, KILLS, no_voices, unheard_slices

if TYPE_CHECKING:
    from actors.text.reuse import Vector
    from actors.voices.profile import Profile


SWEEP_EVERY_S = 600.0
"""How often a node of a cluster looks for tracks whose videos were stored from another one."""


def build_prefilter(context: RunContext, ledger: Ledger) -> Worker:
    from actors.fetch.listing import Listing
    from actors.fetch.prefilter import Prefilter

    settings = context.settings
    gate = Gate.of(context, ledger)
    prefilter = Prefilter(settings.prefilter, settings.download, context.cache_dir, gate)
    recall = Recall(context, ledger)

    def work(request: rows.Request) -> Iterator[rows.Video | Known]:
        known = recall(request)
        if known is not None:
            yield known
            return
        found = prefilter(request)
        if isinstance(found, Listing):
            entries = getting_on(found.entries)  # a channel may be as long as it likes, if only it goes on
            ledger.set_list(
                found.video_id, found.fence, entries, left_out=found.left_out, force=context.force,
                limit=context.limit,
            )  # fmt: skip
            return
        ledger.describe(found.video_id, found.fence, found.meta)
        yield found

    return gate.governed(work)


def build_download(context: RunContext, ledger: Ledger) -> Worker:
    from actors.fetch.archive import AudioArchive
    from actors.fetch.download import Downloader

    gate = Gate.of(context, ledger)
    download = Downloader(context.settings.download, context.cache_dir, gate)
    archive = AudioArchive(context.audio_dir, context.settings.archive)
    archive.sweep(ledger.unended)
    swept_at = time.monotonic()

    def work(video: rows.Video) -> Iterator[rows.Audio]:
        nonlocal swept_at
        # On a cluster a video is stored from another node, which can't remove its track here.
        if context.settings.ray.address is not None and time.monotonic() - swept_at > SWEEP_EVERY_S:
            archive.sweep(ledger.unended)
            swept_at = time.monotonic()
        audio = download(video)
        is_fetched = bool(video.info_json)  # a file of this machine is here anyway
        if is_fetched:
            archive.keep(audio)  # before the ledger knows that what was to be fetched anew has been
        refuse_duplicate(ledger, audio)
        yield audio

    return gate.governed(work)


def build_prepare(context: RunContext, ledger: Ledger) -> Worker:
    from actors.speech.models import clip_window_s
    from actors.speech.prepare import Preparer

    settings = context.settings
    window_s = settings.prepare.clip_max_s or clip_window_s(
        settings.transcribe.model, context.models_dir, settings.transcribe.revision
    )
    prepare = Preparer(settings.prepare, window_s, settings.transcribe.language)

    def work(audio: rows.Audio) -> Iterator[rows.Slice]:
        # Where its actor died Ray does a row again and drops as many results as it had: they must be the
        # same ones in the same order, whatever was committed since.
        yield from prepare(audio, skip=ledger.slices_at_claim(audio.video_id))

    return work


def build_transcribe(context: RunContext, ledger: Ledger) -> Worker:
    from actors.speech.transcribe import Transcriber

    transcribe, engine = Transcriber(context.settings.transcribe, context.models_dir), OneAtATime()

    def heard(piece: rows.Slice) -> rows.SpokenSlice:
        language = transcribe.known_language(piece)
        if language is None:
            # Slices of one video meet in several actors: the first to say decides for all.
            language = ledger.agree_language(piece.video_id, piece.fence, transcribe.detect_language(piece))
        return transcribe(piece, language)

    def work(piece: rows.Slice) -> Iterator[rows.SpokenSlice]:
        with engine.turn():
            spoken = heard(piece)
        batches.add(len(piece.clips))
        yield spoken

    return work


def build_identify(
    context: RunContext, ledger: Ledger, profiles: "Callable[[], Sequence[Profile]] | None" = None
) -> Worker:
    """``profiles``: gives the enrolled voices; ``None``: those of the database."""
    from actors.voices.identify import NO_MEMORY, NO_MODEL, OFF, VoiceIdentifier, without_voices
    from actors.voices.models import ModelUnavailable, voice_model_name
    from actors.voices.speaker_model import SpeakerModel

    settings = context.settings.identify
    name = voice_model_name(settings)

    def nobody(reason: str) -> Worker:
        return lambda spoken: [without_voices(spoken, name, reason)]

    if not settings.enabled:
        return nobody(OFF)
    try:
        model = SpeakerModel(settings, context.models_dir)
    except ModelUnavailable as error:  # text without speakers is worth having; the run says what it lacks
        context.scoreboard.notice.remote(no_voices(error))
        return nobody(NO_MODEL)
    identify = VoiceIdentifier(model, settings, enrolled(context) if profiles is None else profiles)

    def work(spoken: rows.SpokenSlice) -> Iterator[rows.VoicedSlice]:
        voiced = identify(spoken)
        if voiced.voices.reason == NO_MEMORY:
            context.scoreboard.notice.remote(unheard_slices(NO_MEMORY))
        yield voiced

    return work


def unheard(context: RunContext, spoken: rows.SpokenSlice, error: EarmarkError) -> rows.VoicedSlice:
    """What goes on for a slice at which Identify failed: all of its text, and why nobody is named."""
    from actors.voices.identify import without_voices
    from actors.voices.models import voice_model_name

    why = KILLS if error.code == "kills_its_worker" else FAILED
    context.scoreboard.notice.remote(unheard_slices(f"{why} ({error.reason})"))
    return without_voices(spoken, voice_model_name(context.settings.identify), why)


def enrolled(context: RunContext) -> "Callable[[], Sequence[Profile]]":
    """Gives the enrolled voices as they are at that moment: a run may take days, and somebody may be enrolled anew."""
    from actors.store.database import Database
    from actors.store.voices import EnrolledVoices

    return EnrolledVoices(Database(context.database_url, pool_size=1))


def build_assemble(context: RunContext, ledger: Ledger) -> Worker:
    def work(item: rows.VoicedSlice | rows.Resumed) -> Iterator[rows.Transcript]:
        if isinstance(item, rows.Resumed):
            yield ledger.transcript(item.video_id, item.fence)
            return
        transcript = ledger.commit_slice(item)
        if transcript is not None:
            yield transcript

    return work


def build_segment(context: RunContext, ledger: Ledger) -> Worker:
    from actors.text.segmenting import segment
    from actors.voices.deciding import decide

    settings, profiles = context.settings, enrolled(context)

    def work(transcript: rows.Transcript) -> Iterator[rows.SegmentedVideo]:
        yield segment(decide(transcript, profiles(), settings.identify), settings.segment)

    return work


def nameless(context: RunContext, transcript: rows.Transcript, error: EarmarkError) -> rows.SegmentedVideo:
    """What goes on for a video of which couldn't be decided who speaks: all of its text, and why nobody is named."""
    from actors.text.segmenting import segment
    from actors.voices.deciding import FAILED, undecided

    context.scoreboard.notice.remote(unheard_slices(f"{FAILED} ({error.reason})"))
    return segment(undecided(transcript, FAILED), context.settings.segment)


def build_embed(context: RunContext, ledger: Ledger) -> Worker:
    from actors.text.embedder import Embedder
    from actors.text.reuse import embed_missing
    from actors.text.sentence_model import SentenceModel

    settings = context.settings.embed
    embedder = Embedder(SentenceModel(settings, context.models_dir), settings, batches.add, paused)
    served = _served_vectors(context) if context.reuse_vectors else None

    def work(video: rows.SegmentedVideo) -> Iterator[rows.EmbeddedVideo]:
        yield embed_missing(video, served(video), embedder.embed) if served else embedder.embed(video)

    return work


def _served_vectors(context: RunContext) -> "Callable[[rows.SegmentedVideo], Mapping[str, Vector]]":
    """Looks up the vectors that a stored video has now, by the text of its segments."""
    from actors.store.database import Database
    from actors.store.vectors import ensure_model, served_vectors
    from actors.text.models import embedding_name

    embed = context.settings.embed
    database = Database(context.database_url, pool_size=2)
    table = ensure_model(database, embedding_name(embed), embed.dimensions)
    return lambda video: served_vectors(database, table, video.video_id, [one.text for one in video.segments])


def build_store(context: RunContext, ledger: Ledger) -> Worker:
    from actors.fetch.archive import AudioArchive
    from actors.store.database import Database
    from actors.store.vectors import ensure_model
    from actors.store.writer import Writer
    from actors.text.models import embedding_name

    embed = context.settings.embed
    database = Database(context.database_url, pool_size=1)
    writer = Writer(database, ensure_model(database, embedding_name(embed), embed.dimensions))
    archive = AudioArchive(context.audio_dir, context.settings.archive)

    def work(video: rows.EmbeddedVideo) -> Iterator[rows.Stored]:
        stored = writer.write(video)
        archive.release(stored.video_id)
        yield stored

    return work
