"""Settings as text: value, bounds and meaning of each, for people."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from configs.load import SEED_VARIABLES
from configs.section import Allowed
from configs.settings import Settings

SYMBOLS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def list_settings(settings: Settings) -> Iterator[str]:
    """One line a setting, grouped by section; secrets are masked."""
    seed = {path: name for name, path in SEED_VARIABLES.items()}
    for section_name in type(settings).model_fields:
        section: BaseModel = getattr(settings, section_name)
        yield f"{section_name}: {(type(section).__doc__ or '').strip()}"
        for name, info in type(section).model_fields.items():
            variable = f"EARMARK_{section_name}__{name}".upper()
            also = f", {seed[section_name, name]}" if (section_name, name) in seed else ""
            yield f"  {section_name}.{name} = {getattr(section, name)}{_allowed(info)}"
            yield f"      {info.description} [{variable}{also}]"


def _allowed(info: FieldInfo) -> str:
    limits = bounds(info)
    return f"   ({limits})" if limits else ""


def bounds(info: FieldInfo) -> str:
    """What a field allows, in words; empty where its type says it all."""
    choices = _choices(info.annotation)
    if choices:
        return "one of " + ", ".join(map(str, choices))
    found = [part.said for part in info.metadata if isinstance(part, Allowed)]
    found += [
        f"{SYMBOLS[kind]} {getattr(part, kind)}"
        for part in info.metadata
        for kind in SYMBOLS
        if hasattr(part, kind)
    ]
    return " and ".join(found)


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return ()
