"""Enrolled voices as a JSON document, and back. Pure.

Owns the document's form and version, and what is refused of one that somebody else wrote. The document holds
voiceprints, which are biometric data: whoever writes it to a file must know where that goes.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from actors.errors import ConfigError
from actors.voices.names import voice_name
from actors.voices.profile import Profile
from actors.voices.voice import Calibration, Voice, VoiceSource

FORMAT = "earmark voices"
VERSION = 1
UNIT_SLACK = 1e-3
"""How far the length of a vector may be from 1: it was written in decimals."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Cosine = Annotated[float, Field(ge=-1.001, le=1.001, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=2_000)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Source(_Document):
    source: Text
    title: Text
    speech_s: Seconds
    n_windows: Count
    from_s: Seconds | None = None
    to_s: Seconds | None = None


class _Calibration(_Document):
    basis: Text
    eer: Share | None
    n_own: Count
    n_other: Count
    n_other_voices: Count
    n_set_aside: Count
    missed: Share
    mistaken: Share | None
    nearest: Text | None = None
    nearest_score: Cosine | None = None


class _Voice(_Document):
    name: Text
    model: Text
    revision: Text | None
    threshold: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    centroid: Annotated[list[Finite], Field(min_length=1, max_length=4_000)]
    vectors: Annotated[list[list[Finite]], Field(min_length=1, max_length=10_000)]
    calibration: _Calibration
    sources: list[_Source]
    speech_s: Seconds
    window_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    hop_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    created_at: Annotated[datetime, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _agree(self) -> "_Voice":
        for vector in (self.centroid, *self.vectors):
            if len(vector) != len(self.centroid):
                raise ValueError(f"a vector has {len(vector)} numbers, the centroid {len(self.centroid)}")
            if abs(float(np.linalg.norm(vector)) - 1) > UNIT_SLACK:
                raise ValueError("a vector is not of unit length")
        return self


class _Voices(_Document):
    format: Literal["earmark voices"]
    version: Literal[1]
    voices: list[_Voice]


def export_document(voices: Sequence[Voice]) -> dict[str, Any]:
    """The voices as plain data for ``json.dumps``: everything that ``import_voices`` needs."""
    return {"format": FORMAT, "version": VERSION, "voices": [_plain(voice) for voice in voices]}


def import_voices(text: str | bytes, model: str, dim: int | None) -> list[Voice]:
    """The voices of a document.

    Args:
        text: JSON.
        model: the voice model in force, by name: vectors of another one can't be compared with its.
        dim: how many numbers its vectors have, where that is known.

    Raises:
        ConfigError: ``bad_export`` (no such document, or a damaged one; the message says where, and repeats
            no vector), ``other_model`` or ``bad_name``.
    """
    try:
        document = _Voices.model_validate_json(text)
    except ValidationError as error:
        raise _damaged(error) from None  # the cause would repeat vectors
    return [_voice(each, model, dim) for each in document.voices]


def _damaged(error: ValidationError) -> ConfigError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["loc"] == ("version",):
        message = f"this Earmark reads version {VERSION} of exported voices, and the file is of another"
    else:
        message = f"the file is no export of voices: {place + ': ' if place else ''}{first['msg']}"
    return ConfigError(
        message, code="bad_export", remedy="Export the voices again with `run.py voices export`"
    )


def _voice(document: _Voice, model: str, dim: int | None) -> Voice:
    name = voice_name(document.name)
    if document.model != model:
        raise ConfigError(
            f"{name} was enrolled with the voice model {document.model}, and identify.model is {model}:"
            " vectors of two models can't be compared",
            code="other_model",
            remedy=f"Set identify.model to {document.model}, or enrol {name} again from its sources",
        )
    if dim is not None and len(document.centroid) != dim:
        raise ConfigError(
            f"the vectors of {name} have {len(document.centroid)} numbers, and those of {model} here have {dim}",
            code="other_model",
            remedy=f"Enrol {name} again from its sources",
        )
    return Voice(
        profile=Profile(
            name=name,
            model=document.model,
            centroid=np.asarray(document.centroid, dtype=np.float32),
            vectors=np.asarray(document.vectors, dtype=np.float32),
            threshold=document.threshold,
        ),
        revision=document.revision,
        calibration=Calibration(**document.calibration.model_dump()),
        sources=tuple(VoiceSource(**source.model_dump()) for source in document.sources),
        speech_s=document.speech_s,
        window_s=document.window_s,
        hop_s=document.hop_s,
    )


def _plain(voice: Voice) -> dict[str, Any]:
    profile = voice.profile
    return {
        "name": profile.name,
        "model": profile.model,
        "revision": voice.revision,
        "threshold": profile.threshold,
        "centroid": profile.centroid.tolist(),
        "vectors": profile.vectors.tolist(),
        "calibration": asdict(voice.calibration),
        "sources": [asdict(source) for source in voice.sources],
        "speech_s": voice.speech_s,
        "window_s": voice.window_s,
        "hop_s": voice.hop_s,
        "created_at": voice.created_at.isoformat() if voice.created_at else None,
    }
