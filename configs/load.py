"""Where settings come from: command line, then environment, then ``.env``, then files, then defaults.

Owns the order of the layers, the seed system's environment names and the wording of refusals.
Doesn't know what any setting does.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource, InitSettingsSource

from configs.catalogue import DEFAULT_PROFILE, PROFILES_DIR, SettingsError, profiles
from configs.settings import Settings

CONFIGS_DIR = PROFILES_DIR.parent
PREFIX = "EARMARK_"
PROFILE_VARIABLE = "EARMARK_PROFILE"
OTHER_VARIABLES = frozenset({"EARMARK_HOME", PROFILE_VARIABLE})

SEED_VARIABLES = {
    "ASR_WORKERS": ("transcribe", "actors"),
    "BATCH_SIZE": ("embed", "batch_size"),
    "EMBEDDING_MODEL": ("embed", "model"),
    "EMBEDDING_DIMENSIONS": ("embed", "dimensions"),
    "SEGMENT_MIN_CHARS": ("segment", "min_chars"),
    "SEGMENT_MAX_CHARS": ("segment", "max_chars"),
    "ASSUME_MONOLOGUE": ("identify", "assume_monologue"),
    "DATABASE_URL": ("store", "database_url"),
}
"""Environment names of the system before this one, which people have in their ``.env``."""

SECRET_SETTINGS = frozenset(
    f"{section}.{name}"
    for section, info in Settings.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
    for name, field in info.annotation.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)
"""Settings that may hold a password, as ``section.field``."""

PATH_SETTINGS = (
    ("transcribe", "model"),
    ("transcribe", "canary_audio"),
    ("embed", "model"),
    ("identify", "model"),
    ("download", "cookies_file"),
)


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable carries one of ``SECRET_SETTINGS``."""
    path = SEED_VARIABLES.get(name)
    if path is not None:
        return ".".join(path) in SECRET_SETTINGS
    upper = name.upper()
    return upper.startswith(PREFIX) and upper[len(PREFIX) :].replace("__", ".").lower() in SECRET_SETTINGS


def load_settings(
    profile: str | None = None,
    config_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    env_file: Path | None = Path(".env"),
) -> Settings:
    """Put the layers together.

    Args:
        profile: name of a shipped profile; else ``EARMARK_PROFILE``, else ``balanced``.
        config_file: YAML file over the profile.
        overrides: what the command line says, ``{"section.field": value}``.
        env_file: file of ``NAME=value`` lines, used if it exists.

    Raises:
        SettingsError: naming every setting that was refused, and what is allowed.
    """
    dotenv = {k: v for k, v in dotenv_values(env_file).items() if v is not None} if env_file else {}
    environ = dict(os.environ)
    chosen = profile or environ.get(PROFILE_VARIABLE) or dotenv.get(PROFILE_VARIABLE) or DEFAULT_PROFILE
    if chosen not in profiles():
        raise SettingsError(f"no profile named {chosen!r}; there are: {', '.join(profiles())}")
    files = [_yaml(config_file)] if config_file else []
    files.append(_yaml(PROFILES_DIR / f"{chosen}.yaml"))
    for variables in (environ, dotenv):
        _refuse_unknown_variables(variables)

    class Layers(BaseSettings, Settings):
        model_config = SettingsConfigDict(frozen=True, extra="forbid")

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            layers: list[PydanticBaseSettingsSource] = [
                InitSettingsSource(settings_cls, _nest(overrides or {}))
            ]
            for variables in (environ, dotenv):
                layers.append(_Variables(settings_cls, variables))
                layers.append(InitSettingsSource(settings_cls, _seed_values(variables)))
            layers += [InitSettingsSource(settings_cls, values) for values in files]
            return tuple(layers)

    try:
        layered = Layers()
    except ValidationError as error:
        raise SettingsError(explain(error)) from None  # the cause would repeat values, secrets too
    return Settings.model_validate({name: getattr(layered, name) for name in Settings.model_fields})


def explain(error: ValidationError) -> str:
    """One line for each refused setting: its name, what was wrong, what is allowed. No secrets."""
    return "\n".join(_explain_one(dict(item)) for item in error.errors(include_url=False))


def _explain_one(item: dict[str, Any]) -> str:
    path = [str(part) for part in item["loc"]]
    name = ".".join(path)
    if item["type"] == "extra_forbidden":
        section, known = _section(path[:-1])
        near = difflib.get_close_matches(path[-1], known, n=1)
        hint = f"; did you mean {'.'.join([*path[:-1], near[0]])}?" if near else ""
        return f"there is no setting {name}{hint} Settings {section}: {', '.join(known)}"
    given = "" if "url" in name or "proxy" in name else f" (given: {item.get('input')!r})"
    allowed = _bounds(path)
    return f"setting {name}: {item['msg'].removeprefix('Value error, ')}{given}{f'; allowed: {allowed}' if allowed else ''}"


def _bounds(path: list[str]) -> str:
    from configs.listing import bounds

    model: Any = Settings
    for part in path[:-1]:
        info = model.model_fields.get(part)
        model = info.annotation if info else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return ""
    info = model.model_fields.get(path[-1]) if path else None
    return bounds(info) if info else ""


def _section(path: list[str]) -> tuple[str, list[str]]:
    model: type[BaseModel] = Settings
    for part in path:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return f"of {'.'.join(path)}", []
        model = annotation
    return (f"of {'.'.join(path)}" if path else "are in the sections"), sorted(model.model_fields)


class _Variables(EnvSettingsSource):
    """``EARMARK_SECTION__FIELD`` out of a given mapping instead of the process's environment."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(settings_cls, env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Values are text here as on the command line; the settings say how each is read."""
        return value

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {key.lower(): value for key, value in self._variables.items()}


def _refuse_unknown_variables(variables: Mapping[str, str]) -> None:
    """A misspelt EARMARK_ variable would otherwise be ignored, and the default used, in silence."""
    known = {
        f"{PREFIX}{section}__{name}".upper()
        for section, info in Settings.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        for name in info.annotation.model_fields
    } | OTHER_VARIABLES
    for name in variables:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), sorted(known), n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `run.py settings` lists them"
            raise SettingsError(f"environment variable {name} names no setting{hint}")


def _seed_values(variables: Mapping[str, str]) -> dict[str, Any]:
    return _nest(
        {".".join(path): variables[name] for name, path in SEED_VARIABLES.items() if variables.get(name)}
    )


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        section, _, field = name.partition(".")
        if field:
            nested.setdefault(section, {})[field] = value
        else:
            nested[section] = value
    return nested


def rebased(settings: Settings, before: Path, now: Path) -> Settings:
    """The settings with every path below ``before`` leading to the same place below ``now``."""
    changes: dict[str, Any] = {}
    for name, field in PATH_SETTINGS:
        section = changes.get(name, getattr(settings, name))
        value = getattr(section, field)
        if value is not None and Path(value).is_relative_to(before):
            moved = type(value)(str(now / Path(value).relative_to(before)))
            changes[name] = section.model_copy(update={field: moved})
    return settings.model_copy(update=changes)


def read_settings_file(path: Path) -> dict[str, Any]:
    """The sections of a settings file as they stand in it.

    Raises:
        SettingsError: it can't be read, or is none.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"can't read the settings file {path}: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: expected sections with settings, found {type(values).__name__}")
    return values


def _yaml(path: Path) -> dict[str, Any]:
    """A settings file; paths in it that begin with a dot are relative to the file."""
    values = read_settings_file(path)
    for section, field in PATH_SETTINGS:
        value = values.get(section, {}).get(field) if isinstance(values.get(section), dict) else None
        if isinstance(value, str) and value.startswith("."):
            values[section][field] = str((path.parent / value).resolve())
    return values
