"""The models: each is loaded in a process of its own and must get known input right, as at the start of a run.

A further model is one more ``Trial`` and one more function that says what it heard or made.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from configs.identify import IdentifySettings
from configs.settings import EmbedSettings, TranscribeSettings
from pipelines.doctor.child import STARTING_S, ask
from pipelines.doctor.finding import Check, Finding, Surroundings, ok

LIMIT_S = 900.0
"""Loading 3.5 GB from a slow disk takes minutes; so does fetching a small model."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A model that the settings name."""

    name: str
    section: str
    """Of the settings; nothing in it is secret."""
    try_out: Callable[[Mapping[str, Any]], dict[str, Any]]
    """Runs in the child; a function of this module."""


def hear(question: Mapping[str, Any]) -> dict[str, Any]:
    """The recogniser on its test clip.

    Raises:
        ConfigError: the model, its device or its arithmetic can't be had, or it misheard.
    """
    from actors.speech.transcribe import Transcriber

    settings = TranscribeSettings(**question["settings"])
    began_at = time.monotonic()
    transcribe = Transcriber(settings, Path(question["models_dir"]))
    took_s = time.monotonic() - began_at
    where = f"{transcribe.device} ({transcribe.compute_type})"
    return {
        "said": f'{Path(settings.model).name} on {where}, ready in {took_s:.1f} s, heard "{transcribe.canary_text}"'
    }


def embed(question: Mapping[str, Any]) -> dict[str, Any]:
    """The embedding model on texts whose likeness is known.

    Raises:
        ConfigError: it can't be had, its dimension is another, or it tells likeness wrongly.
    """
    from actors.text.sentence_model import SentenceModel

    settings = EmbedSettings(**question["settings"])
    began_at = time.monotonic()
    model = SentenceModel(settings, Path(question["models_dir"]))
    took_s = time.monotonic() - began_at
    proof = model.proof
    return {
        "said": f"{model.name} on {model.device}, ready in {took_s:.1f} s, {model.dimensions} dimensions; cosine of two "
        f"sentences that say the same {proof.alike:.2f}, of two that don't {proof.unlike:.2f}"
    }


def tell_apart(question: Mapping[str, Any]) -> dict[str, Any]:
    """The voice model on two clips of one voice and one of another.

    Raises:
        ConfigError: it can't be had, or it doesn't tell them apart.
    """
    from actors.voices.canary import load_clips
    from actors.voices.speaker_model import SpeakerModel

    settings = IdentifySettings(**question["settings"])
    began_at = time.monotonic()
    model = SpeakerModel(settings, Path(question["models_dir"]))
    took_s = time.monotonic() - began_at
    first, second, other = model.embed(load_clips())
    return {
        "said": f"{Path(model.name).name} on {model.device}, ready in {took_s:.1f} s, {model.dimensions} dimensions; cosine "
        f"of one voice with itself {first @ second:.2f}, with another {max(first @ other, second @ other):.2f}"
    }


TRIALS = (
    Trial("recogniser", "transcribe", hear),
    Trial("voice model", "identify", tell_apart),
    Trial("embedding model", "embed", embed),
)


def _look(trial: Trial, around: Surroundings) -> Iterator[Finding]:
    section = getattr(around.settings, trial.section)
    if not getattr(section, "enabled", True):
        yield ok(trial.name, f"{trial.section}.enabled is off: not needed")
        return
    settings = section.model_dump(mode="json")
    question = {"settings": settings, "models_dir": str(around.home.models_dir)}
    answer = ask(f"{__name__}:{trial.try_out.__name__}", question, limit_s=LIMIT_S)
    yield ok(trial.name, answer["said"])


def checks() -> tuple[Check, ...]:
    """One for each model."""
    return tuple(Check(trial.name, partial(_look, trial), LIMIT_S + STARTING_S) for trial in TRIALS)
