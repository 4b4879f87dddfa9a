"""What ``run.py voices …`` does: open the database, listen where that is asked for, print.

Text for people, or one JSON document. No vector is printed but by ``export``, which is for that.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from actors.store.database import Database
from actors.store.relabel import heard_in_corpus
from actors.store.voices import (
    known_name,
    load_profiles,
    load_voices,
    refusal_of_name,
    remove,
    save,
    scrub,
    voice_names,
)
from actors.voices import enrolment
from actors.voices.calibration import calibrate
from actors.voices.corpus_voices import voices_heard
from actors.voices.exchange import export_document
from actors.voices.exchange import import_voices as read_export
from actors.voices.models import voice_model_name
from actors.voices.names import voice_name
from actors.voices.profile import Profile
from actors.voices.tested import compare
from actors.voices.voice import Voice
from configs.home import home
from configs.settings import Settings
from pipelines import present_voices
from pipelines.corpus import open_database
from pipelines.listening import Listener, Span, hear
from pipelines.printing import answer

if TYPE_CHECKING:
    from actors.voices.enrolment import Heard
    from pipelines.listening import Speech


def enroll_voice(
    settings: Settings, name: str, sources: Sequence[str], span: Span, replace: bool, as_json: bool
) -> None:
    """Enrol a voice and say what came of it.

    Raises:
        ConfigError: ``bad_name``, ``voice_exists``, or the model.
        PermanentError: ``too_little_speech``, ``several_voices``, ``noise``, or a source that can't be had.
    """
    name = voice_name(name)
    with _database(settings) as database:
        refusal = refusal_of_name(name, voice_names(database), replace=replace)
        if refusal is not None:  # before anything is fetched
            raise refusal
        speech = _listen(database, settings, sources, span)
        enrolment.demand_usable(name, [(each.source, each.range_db) for each in speech])
        heard = _heard(settings, speech)
        same_voice = settings.identify.same_voice
        enrolled = enrolment.enrol(name, heard, same_voice)
        model = voice_model_name(settings.identify)
        dim = enrolled.vectors.shape[1]
        corpus = voices_heard(heard_in_corpus(database, model).values(), dim, same_voice)
        others = [profile for profile in load_profiles(database) if profile.name != name]
        threshold, calibration = calibrate(enrolled.vectors, model, others, corpus)
        voice = Voice(
            profile=Profile(name, model, enrolled.centroid, enrolled.kept, threshold),
            revision=settings.identify.revision,
            calibration=calibration,
            sources=tuple(each.source for each in heard),
            speech_s=round(sum(each.source.speech_s for each in heard), 2),
            window_s=settings.identify.window_s,
            hop_s=settings.identify.hop_s,
        )
        save(database, voice, replace=replace)
        (kept,) = load_voices(database, [name])
    document = _document(kept) | {"n_stray_windows": enrolled.n_stray}
    answer(document, present_voices.enrolled, as_json)


def list_voices(settings: Settings, as_json: bool) -> None:
    """Print the enrolled voices."""
    with _database(settings) as database:
        document = {"voices": [_document(voice) for voice in load_voices(database)]}
    answer(document, present_voices.listed, as_json)


def show_voice(settings: Settings, name: str, as_json: bool) -> None:
    """Print one voice.

    Raises:
        ConfigError: ``no_voice``.
    """
    with _database(settings) as database:
        (voice,) = load_voices(database, [name])
    answer(_document(voice), present_voices.shown, as_json)


def test_voice(settings: Settings, name: str, sources: Sequence[str], span: Span, as_json: bool) -> None:
    """Print how much of each source would be taken for a voice.

    Raises:
        ConfigError: ``no_voice``, or the model in force isn't the one that the voice was enrolled with.
        PermanentError: a source that can't be had.
    """
    with _database(settings) as database:
        profiles = load_profiles(database)
        (profile,) = [each for each in profiles if each.name == known_name(database, name)]
        model = voice_model_name(settings.identify)
        heard = _heard(settings, _listen(database, settings, sources, span))
    document = {
        "name": profile.name,
        "threshold": profile.threshold,
        "sources": [
            asdict(each.source) | compare(each.vectors, profile, profiles, model, settings.identify.margin)
            for each in heard
        ],
    }
    answer(document, present_voices.tested, as_json)


def remove_voice(settings: Settings, name: str, as_json: bool) -> None:
    """Remove a voice and everything derived from it.

    Raises:
        ConfigError: ``no_voice``.
    """
    url = open_database(settings, home())
    try:
        with Database(url, pool_size=1) as database:
            meant = known_name(database, name)
            n_labelled = remove(database, meant)
    finally:
        scrub(url)  # where the last removal came to its end and only this didn't, the same command does it
    answer({"removed": meant, "segments": n_labelled}, present_voices.removed, as_json)


def export_voices(settings: Settings, names: Sequence[str]) -> None:
    """Print voices as JSON: those named, or all.

    Raises:
        ConfigError: ``no_voice``.
    """
    with _database(settings) as database:
        document = export_document(load_voices(database, names))
    click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))


def import_voices(settings: Settings, text: bytes, replace: bool, as_json: bool) -> None:
    """Take in exported voices, all of them or none.

    Raises:
        ConfigError: ``bad_export``, ``other_model``, ``bad_name`` or ``voice_exists``.
    """
    model = voice_model_name(settings.identify)
    with _database(settings) as database:
        dims = {len(each.centroid) for each in load_profiles(database) if each.model == model}
        voices = read_export(text, model, dims.pop() if len(dims) == 1 else None)
        save(database, *voices, replace=replace)
    answer({"imported": [voice.name for voice in voices]}, present_voices.imported, as_json)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    with Database(open_database(settings, home()), pool_size=1) as database:
        yield database


def _listen(database: Database, settings: Settings, sources: Sequence[str], span: Span) -> "list[Speech]":
    place = home()
    place.create()
    listener = Listener(settings, place, database)
    return [listener(source, span) for source in sources]


def _heard(settings: Settings, speech: "Sequence[Speech]") -> "list[Heard]":
    place = home()
    place.keep_model_caches()
    from actors.voices.speaker_model import SpeakerModel

    model = SpeakerModel(settings.identify, place.models_dir)
    return [hear(each, model, settings.identify.batch_size) for each in speech]


def _document(voice: Voice) -> dict[str, Any]:
    """A voice as it may be shown: figures, no vectors."""
    profile = voice.profile
    return {
        "name": profile.name,
        "model": profile.model,
        "revision": voice.revision,
        "dimensions": len(profile.centroid),
        "threshold": round(profile.threshold, 4),
        "calibration": asdict(voice.calibration),
        "speech_s": voice.speech_s,
        "vectors": len(profile.vectors),
        "window_s": voice.window_s,
        "hop_s": voice.hop_s,
        "sources": [asdict(source) for source in voice.sources],
        "created_at": voice.created_at,
    }
