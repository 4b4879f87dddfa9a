"""An enrolled voice: what it is compared with, and how near is near enough."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Profile:
    """An enrolled voice as it is used to decide (the database keeps more: sources, durations, figures)."""

    name: str
    model: str
    """Name of the voice model that made the vectors."""
    centroid: npt.NDArray[np.float32] = field(repr=False)
    """Shape ``(dim,)``, unit length."""
    vectors: npt.NDArray[np.float32] = field(repr=False)
    """Shape ``(n, dim)``, rows of unit length: windows of the enrolled speech."""
    threshold: float
    """Least cosine that counts as this voice, calibrated on windows held out and on other voices."""
