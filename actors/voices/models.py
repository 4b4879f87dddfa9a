"""Which voice model a setting names, and what can be known of it without loading it.

Owns: the name under which vectors are kept, the difference between a local directory and a hub id, and
which files of a model may be loaded. Loads nothing and asks no hub.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from actors.errors import ConfigError
from configs.identify import IdentifySettings

HYPERPARAMETERS, WEIGHTS = "hyperparams.yaml", "embedding_model.ckpt"
REQUIRED_FILES = (HYPERPARAMETERS, WEIGHTS)
FILES = ("*.yaml", "*.ckpt", "*.txt")
"""What is fetched of a model on the hub."""

MAKES = "!new:"
MADE_OF = (
    "speechbrain.lobes.",
    "speechbrain.nnet.",
    "speechbrain.processing.",
    "speechbrain.dataio.encoder.",
    "speechbrain.utils.parameter_transfer.Pretrainer",
)
"""What a model's file may have made. Everything else that HyperPyYAML would make, call or include on a
file's word is a program of a stranger's."""
HARMLESS = ("!ref", "!copy", "!tuple")


class ModelUnavailable(ConfigError):
    """A voice model that isn't there or can't be loaded.

    Whoever can't go on without one ends with it. The line can: nobody is told then, and it says so.
    """

    default_code = "voice_model"


def voice_model_name(settings: IdentifySettings) -> str:
    """The name under which its vectors are kept: the last part of hub id or directory, so that a clone
    and the hub's own are the same model, and the revision where one is set."""
    name = Path(settings.model).expanduser().name or settings.model
    return f"{name}@{settings.revision}" if settings.revision else name


def local_model(name: str) -> Path | None:
    """The directory that ``identify.model`` names; ``None`` if it is a hub id.

    Raises:
        ModelUnavailable: it looks like a path and there is no such directory, or a file that every model
            has is missing.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        if name.startswith(("/", ".", "~")) or name.count("/") > 1:
            raise ModelUnavailable(
                f"identify.model: there is no directory {name}",
                remedy="Name a directory with an ECAPA model of speechbrain, or a hub id",
            )
        return None
    missing = [file for file in REQUIRED_FILES if not (path / file).is_file()]
    if missing:
        raise ModelUnavailable(
            f"identify.model: the model directory {name} lacks {', '.join(missing)}",
            remedy="Fetch it again, or name another model in identify.model",
        )
    return path


def refuse_foreign_code(hyperparameters: str, name: str) -> None:
    """See that a model's ``hyperparams.yaml`` has nothing made but parts of a model. Such a file can name any
    Python object, and speechbrain would call it.

    Raises:
        ConfigError: ``foreign_code``.
        ModelUnavailable: it is no YAML.
    """
    try:
        found = [tag for tag in _tags(hyperparameters) if not _may_be(tag)]
    except yaml.YAMLError as error:
        raise ModelUnavailable(
            f"identify.model {name}: {HYPERPARAMETERS} can't be read: {str(error).splitlines()[0]}",
            remedy="Fetch it again; the file may be damaged",
        ) from error
    if found:
        raise ConfigError(
            f"identify.model {name} would run code that is no part of a voice model: {', '.join(found)}",
            code="foreign_code",
            remedy="Name a model that is made of speechbrain's own parts",
        )


def _tags(text: str) -> Iterator[str]:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        tag = getattr(event, "tag", None)
        if tag:
            yield tag


def _may_be(tag: str) -> bool:
    return tag in HARMLESS or (tag.startswith(MAKES) and tag.removeprefix(MAKES).startswith(MADE_OF))
