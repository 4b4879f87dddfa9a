"""How busy this machine and its cards are, sampled while a run goes on.

Cards are asked through NVML (nvidia-ml-py); a machine without its driver has none. A card that doesn't tell its
power or its energy (some laptops and virtual ones) is left out of that sum alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from cluster.hardware import visible_devices

MILLI = 1e-3


@dataclass(frozen=True, slots=True)
class CardSight:
    """A card at one moment."""

    index: int
    name: str
    utilisation: float
    """Share of the last moments in which a kernel ran, 0 to 1."""
    memory_bytes: int
    memory_total_bytes: int
    power_w: float | None
    energy_j: float | None
    """Since the driver was loaded."""


@dataclass(frozen=True, slots=True)
class MachineSight:
    """A machine since its sampler was made."""

    cpu_busy_s: float
    """Summed over the cores that this process may use and everybody who works on them."""
    cards: tuple[CardSight, ...]
    gpu_busy_s: float
    """The cards' utilisation times time, summed over them."""
    energy_j: float | None
    """Of the cards that tell it; ``None``: none does."""


class Sampler(Protocol):
    """Tells how busy one machine or several are."""

    def sample(self) -> MachineSight: ...


class MachineSampler:
    """Samples one machine. Use it in a ``with``: it keeps NVML open."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[tuple[int, Any]] = []
        self._cpu_at_start_s = _cpu_busy_s()
        self._at = time.monotonic()
        self._gpu_busy_s = 0.0
        self._energy_at_start_j: dict[int, float] = {}

    def __enter__(self) -> Self:
        import pynvml  # the module of the package nvidia-ml-py

        try:
            pynvml.nvmlInit()
        except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
            return self
        self._nvml = pynvml
        indices = visible_devices(pynvml.nvmlDeviceGetCount())
        self._handles = [(index, pynvml.nvmlDeviceGetHandleByIndex(index)) for index in indices]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
            self._nvml, self._handles = None, []

    def sample(self) -> MachineSight:
        """The machine now.

        Raises:
            RuntimeError: the driver answers with an error.
        """
        now = time.monotonic()
        cards = tuple(self._card(index, handle) for index, handle in self._handles)
        self._gpu_busy_s += sum(card.utilisation for card in cards) * (now - self._at)
        self._at = now
        spent = [
            card.energy_j - self._energy_at_start_j.setdefault(card.index, card.energy_j)
            for card in cards
            if card.energy_j is not None
        ]
        return MachineSight(
            _cpu_busy_s() - self._cpu_at_start_s, cards, self._gpu_busy_s, sum(spent) if spent else None
        )

    def _card(self, index: int, handle: Any) -> CardSight:
        nvml = self._nvml
        try:
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            return CardSight(
                index=index, name=str(nvml.nvmlDeviceGetName(handle)),
                utilisation=nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100.0,
                memory_bytes=int(memory.used), memory_total_bytes=int(memory.total),
                power_w=self._told(nvml.nvmlDeviceGetPowerUsage, handle),
                energy_j=self._told(nvml.nvmlDeviceGetTotalEnergyConsumption, handle),
            )  # fmt: skip
        except nvml.NVMLError as error:
            raise RuntimeError(f"NVIDIA's driver doesn't tell how busy card {index} is: {error}") from error

    def _told(self, ask: Callable[[Any], float], handle: Any) -> float | None:
        """In watts or joules, where the card tells it."""
        try:
            return float(ask(handle)) * MILLI
        except self._nvml.NVMLError_NotSupported:
            return None


def _cpu_busy_s() -> float:
    """Seconds that this machine's cores have worked since it was started, for whomever."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0))
