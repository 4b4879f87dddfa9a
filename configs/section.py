"""What every section of the settings is made of."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Device = Literal["auto", "cpu", "cuda"]
ComputeType = Literal["auto", "float16", "bfloat16", "int8", "int8_float16", "int8_bfloat16", "float32"]
MOST_ACTORS = 512
PoolSize = Annotated[int, Field(ge=1, le=MOST_ACTORS)]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting takes, in words, where its type doesn't say it."""

    said: str


def _size_or_auto(value: Any) -> Any:
    if value == "auto":
        return value
    try:
        size = int(str(value))
    except ValueError:
        raise ValueError("should be a whole number or auto") from None
    if not 1 <= size <= MOST_ACTORS:
        raise ValueError("is too many or too few")
    return size


AutoPoolSize = Annotated[
    int | Literal["auto"], BeforeValidator(_size_or_auto), Allowed(f"1 to {MOST_ACTORS}, or auto")
]
"""A pool whose size may be left to what is known of the machine. A union of its own would be refused in two
messages at once."""


def _split(value: Any) -> Any:
    if value is None:
        return ()
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Names one after another; on the command line and in the environment with commas between them."""


class Section(BaseModel):
    """Frozen; a name that it doesn't have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    RECIPE: ClassVar[frozenset[str]] = frozenset()
    """Fields that change what a slice holds; see ``Settings.recipe``."""
