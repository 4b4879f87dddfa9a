"""Which Whisper model a setting names, and what can be known of it without loading it.

Owns the difference between a local directory and a hub id. Loads nothing and asks no hub.
"""

import json
import logging
from pathlib import Path

from actors.errors import ConfigError

logger = logging.getLogger(__name__)

WHISPER_WINDOW_S = 30.0
"""The encoder's input, whatever the model's size. Longer audio is cut off without an error."""

REQUIRED_FILES = ("model.bin", "config.json", "tokenizer.json")
VOCABULARY_FILES = ("vocabulary.json", "vocabulary.txt")
_CONVERTING = (
    "Convert it with ct2-transformers-converter --copy_files tokenizer.json preprocessor_config.json, "
    "or name another model in transcribe.model"
)


def local_model(name: str) -> Path | None:
    """The directory that a model setting names; ``None`` if it is a hub id.

    Raises:
        ConfigError: it looks like a path and there is no such directory, or a file that faster-whisper
            needs is missing (without ``tokenizer.json`` it would ask the hub for another model's).
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        if name.startswith(("/", ".", "~")) or name.count("/") > 1:
            raise ConfigError(
                f"transcribe.model: there is no directory {name}",
                remedy="Name a directory with a Whisper model in CTranslate2 form, or a hub id",
            )
        return None
    missing = [file for file in REQUIRED_FILES if not (path / file).is_file()]
    if not any((path / file).is_file() for file in VOCABULARY_FILES):
        missing.append(VOCABULARY_FILES[0])
    if missing:
        raise ConfigError(
            f"transcribe.model: the model directory {name} lacks {', '.join(missing)}", remedy=_CONVERTING
        )
    return path


def clip_window_s(name: str, models_dir: Path, revision: str | None = None) -> float:
    """How many seconds of audio the model takes at once: its ``chunk_length``, else 30.

    Args:
        name: ``transcribe.model``.
        models_dir: where models from the hub are kept. One that isn't there is not fetched for this:
            every published Whisper takes 30 s.
        revision: ``transcribe.revision``.
    """
    directory = local_model(name)
    if directory is None:
        file = _cached_config(name, models_dir, revision)
    else:
        file = directory / "preprocessor_config.json"
    if file is None or not file.is_file():
        return WHISPER_WINDOW_S
    return window_of(file.read_text(encoding="utf-8"))


def window_of(preprocessor_config: str) -> float:
    """``chunk_length`` of a ``preprocessor_config.json``, in seconds; 30 if it isn't a number in (1, 30]."""
    try:
        stated = json.loads(preprocessor_config).get("chunk_length")
    except (ValueError, AttributeError):
        return WHISPER_WINDOW_S
    if isinstance(stated, int | float) and 1 < stated <= WHISPER_WINDOW_S:
        return float(stated)
    return WHISPER_WINDOW_S


def _cached_config(name: str, models_dir: Path, revision: str | None) -> Path | None:
    from faster_whisper.utils import download_model

    try:
        snapshot = download_model(name, local_files_only=True, cache_dir=str(models_dir), revision=revision)
    except (OSError, ValueError):  # not fetched yet, or no such model: loading it will tell
        return None
    return Path(snapshot) / "preprocessor_config.json"
