"""What every section of the settings is made of."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Device = Literal["auto", "cpu", "cuda"]
ComputeType = Literal["auto", "float16", "bfloat16", "int8", "int8_float16", "int8_bfloat16", "float32"]
PoolSize = Annotated[int, Field(ge=1, le=512)]


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
