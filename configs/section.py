"""What every section of the settings is made of."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Device = Literal["auto", "cpu", "cuda"]
ComputeType = Literal["auto", "float16", "bfloat16", "int8", "int8_float16", "int8_bfloat16", "float32"]
PoolSize = Annotated[int, Field(ge=1, le=512)]


class Section(BaseModel):
    """Frozen; a name that it doesn't have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    RECIPE: ClassVar[frozenset[str]] = frozenset()
    """Fields that change what a slice holds; see ``Settings.recipe``."""
