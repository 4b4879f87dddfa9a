"""Enrolled voices in the database: kept, read, and really removed.

Owns the table ``voices`` and the promise that nothing derived from a voice outlives it. Vectors of a voice are
biometric data: none of them gets into a log or a message from here. Doesn't know how voices are told apart.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import psycopg

from actors.errors import ConfigError
from actors.rows import VideoId
from actors.store.database import Conn, Database
from actors.store.db_errors import explain
from actors.store.first_contact import open_plainly
from actors.store.sql import queries
from actors.store.storable import to_json
from actors.voices.names import near_names
from actors.voices.profile import Profile
from actors.voices.voice import Calibration, Voice, VoiceSource

REMOVED = "unknown: voice removed"
"""Method of a segment that was labelled by a voice which has been removed."""


def save(database: Database, *voices: Voice, replace: bool = False) -> None:
    """Keep voices, all of them or none.

    Args:
        replace: in place of those of the same names.

    Raises:
        ConfigError: ``voice_exists``, another voice has such a name, be it with other capitals.
    """

    def keep(connection: Conn) -> None:
        for voice in voices:
            connection.execute(queries("voices")["take_turns"])
            there = _read(connection, [voice.name])
            if there and _is_same(there[0], voice):
                continue  # this very call had landed, and only its answer was lost
            refusal = refusal_of_name(voice.name, _names(connection), replace=replace)
            if refusal is not None:
                raise refusal
            connection.execute(queries("voices")["delete"], {"name": voice.name})
            connection.execute(queries("voices")["insert"], _row(voice))

    database.run(keep)


def refusal_of_name(name: str, taken: Sequence[str], *, replace: bool) -> ConfigError | None:
    """Why a voice can't be kept under a name; ``None``: it can. Pure."""
    there = next((known for known in taken if known.casefold() == name.casefold()), None)
    if there is None or (there == name and replace):
        return None
    if there != name:
        return ConfigError(
            f"there is a voice named {there} already, and {name} differs in capitals only",
            code="voice_exists",
            remedy=f"Write {there}, or choose another name",
        )
    return ConfigError(
        f"there is a voice named {name} already",
        code="voice_exists",
        remedy="Give --replace to put this one in its place, or choose another name",
    )


def _is_same(one: Voice, other: Voice) -> bool:
    return (
        one.profile.threshold == other.profile.threshold
        and np.array_equal(one.profile.vectors, other.profile.vectors)
        and np.array_equal(one.profile.centroid, other.profile.centroid)
    )


def load_profiles(database: Database) -> tuple[Profile, ...]:
    """What is needed to decide who spoke: every enrolled voice, by name."""
    rows = database.run(lambda connection: connection.execute(queries("voices")["profiles"]).fetchall())
    return tuple(_profile(row) for row in rows)


class EnrolledVoices:
    """The enrolled voices as they are whenever it is called; read anew only where somebody was enrolled or removed
    since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stamp: tuple[Any, ...] | None = None
        self._profiles: tuple[Profile, ...] = ()

    def __call__(self) -> tuple[Profile, ...]:
        row = self._database.run(lambda connection: connection.execute(queries("voices")["stamp"]).fetchone())
        stamp = tuple(row.values()) if row else ()
        if stamp != self._stamp:
            self._profiles, self._stamp = load_profiles(self._database), stamp
        return self._profiles


def load_voices(database: Database, names: Sequence[str] = ()) -> list[Voice]:
    """All that is kept of these voices; of none named: of every one. By name.

    Raises:
        ConfigError: ``no_voice``, one isn't enrolled; the message lists those with names like it.
    """
    wanted = [known_name(database, name) for name in names] or None
    return database.run(lambda connection: _read(connection, wanted))


def voice_names(database: Database) -> list[str]:
    """The names of all enrolled voices."""
    return database.run(_names)


def known_name(database: Database, given: str) -> str:
    """The enrolled voice that is meant; capitals count for nothing.

    Raises:
        ConfigError: ``no_voice``, the message lists those with names like it.
    """
    return _known(given, voice_names(database))


def _known(given: str, names: Sequence[str]) -> str:
    folded = {name.casefold(): name for name in names}
    if given in names:
        return given
    if given.strip().casefold() in folded:
        return folded[given.strip().casefold()]
    near = near_names(given, names)
    raise ConfigError(
        f"no voice named {given} is enrolled",
        code="no_voice",
        remedy=f"Did you mean {', '.join(near)}?" if near else "`run.py voices list` names those that are",
    )


def remove(database: Database, name: str) -> int:
    """Remove a voice and everything derived from it, in one transaction: its vectors, and of every segment the
    label, score and margin that came of them; returns how many segments were labelled by it.

    ``scrub`` afterwards takes its traces out of the table's pages.

    Raises:
        ConfigError: ``no_voice``.
    """
    removed: list[str] = []

    def drop(connection: Conn) -> int:
        meant = removed[0] if removed else _known(name, _names(connection))
        connection.execute(queries("voices")["take_time"])
        connection.execute(queries("voices")["delete"], {"name": meant})
        removed[:] = [
            meant
        ]  # where only the answer to the commit was lost, the second try finds no such voice
        n_labelled = connection.execute(
            queries("voices")["forget_labels"], {"name": meant, "method": REMOVED}
        ).rowcount
        connection.execute(queries("voices")["forget_margins"])
        return n_labelled

    return database.run(drop)


def scrub(url: str) -> None:
    """Rewrite the table of voices, so that the files of the database hold no removed vectors.

    The write-ahead log and back-ups are the database's own affair and forget in their own time.

    Raises:
        ConfigError, TransientError: the database refuses, or is away.
    """
    with open_plainly(url) as connection:
        try:
            connection.execute(queries("voices")["scrub"])
        except psycopg.Error as error:
            raise explain(error) from error


def forget_absent(connection: Conn, video_id: VideoId) -> None:
    """Inside the transaction that writes a video's segments: no label by a voice that has been removed since the
    work on them began. Voices that are there stay until it commits."""
    connection.execute(queries("voices")["hold_labelling"], {"video_id": video_id})
    connection.execute(queries("voices")["forget_absent"], {"video_id": video_id, "method": REMOVED})


def _names(connection: Conn) -> list[str]:
    return [row["name"] for row in connection.execute(queries("voices")["names"])]


def _read(connection: Conn, names: Sequence[str] | None) -> list[Voice]:
    what = {"names": None if names is None else list(names)}
    return [_voice(row) for row in connection.execute(queries("voices")["all"], what)]


def _voice(row: dict[str, Any]) -> Voice:
    return Voice(
        profile=_profile(row),
        revision=row["revision"],
        calibration=Calibration(**row["calibration"], eer=row["eer"]),
        sources=tuple(VoiceSource(**source) for source in row["sources"]),
        speech_s=row["speech_s"],
        window_s=row["window_s"],
        hop_s=row["hop_s"],
        created_at=row["created_at"],
    )


def _profile(row: dict[str, Any]) -> Profile:
    return Profile(
        name=row["name"],
        model=row["model"],
        centroid=np.asarray(row["centroid"], dtype=np.float32),
        vectors=np.asarray(row["vectors"], dtype=np.float32),
        threshold=row["threshold"],
    )


def _row(voice: Voice) -> dict[str, Any]:
    profile, calibration = voice.profile, asdict(voice.calibration)
    return {
        "name": profile.name,
        "model": profile.model,
        "revision": voice.revision,
        "dim": len(profile.centroid),
        "centroid": profile.centroid.tolist(),
        "vectors": profile.vectors.tolist(),
        "threshold": profile.threshold,
        "eer": calibration.pop("eer"),
        "calibration": to_json(calibration),
        "sources": to_json([asdict(source) for source in voice.sources]),
        "speech_s": voice.speech_s,
        "window_s": voice.window_s,
        "hop_s": voice.hop_s,
    }
