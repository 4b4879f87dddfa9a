"""How busy this machine and its cards are, sampled while a run goes on.

Cards are asked through NVML (nvidia-ml-py); a machine without its driver has none. What a card doesn't tell (power on
some laptops, utilisation where it is cut into MIG instances, all of it once it is lost) is left out alone, and said
once: a run doesn't depend on any of it.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from cluster.hardware import visible_devices

logger = logging.getLogger(__name__)

MILLI = 1e-3
WORK = ("user", "nice", "system", "irq", "softirq")
"""Kinds of a core's time in which it works. Ray's workers run at nice 15, so nearly all of a run's is ``nice``."""


@dataclass(frozen=True, slots=True)
class CardSight:
    """A card at one moment; ``None``: it doesn't tell."""

    index: int
    name: str
    utilisation: float | None
    """Share of the last moments in which a kernel ran, 0 to 1."""
    memory_bytes: int | None
    memory_total_bytes: int | None
    power_w: float | None
    energy_j: float | None
    """Since the driver was loaded."""


@dataclass(frozen=True, slots=True)
class MachineSight:
    """A machine since its sampler was made."""

    cpu_busy_s: float
    """Summed over the cores that this process may use and everybody who works on them."""
    cards: tuple[CardSight, ...]
    gpu_busy_s: float | None
    """The cards' utilisation times time, summed over those that tell it; ``None``: none does."""
    energy_j: float | None
    """Of the cards that tell it; ``None``: none does."""


class Sampler(Protocol):
    """Tells how busy one machine or several are."""

    def sample(self) -> MachineSight: ...


class MachineSampler:
    """Samples one machine. Use it in a ``with``: it keeps NVML open. No error of a card or of the driver comes out of
    it."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._cards: list[tuple[int, str, Any]] = []
        self._cores = _own_cores()
        self._cpu_at_start_s = _cpu_busy_s(self._cores)
        self._at = time.monotonic()
        self._gpu_busy_s: float | None = None
        self._energy_at_start_j: dict[int, float] = {}
        self._energy_j: dict[int, float] = {}
        self._said: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        import pynvml  # the module of the package nvidia-ml-py

        try:
            pynvml.nvmlInit()
        except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
            return self
        except pynvml.NVMLError as error:
            self._say_once("NVIDIA's driver", "how its cards are", error)
            return self
        self._nvml = pynvml
        n_devices = self._told("NVIDIA's driver", "how many cards there are", pynvml.nvmlDeviceGetCount) or 0
        for index in visible_devices(n_devices):
            card = f"Card {index}"
            handle = self._told(card, "how it is", pynvml.nvmlDeviceGetHandleByIndex, index)
            if handle is not None:
                name = self._told(card, "its name", pynvml.nvmlDeviceGetName, handle)
                self._cards.append((index, card if name is None else str(name), handle))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
            self._nvml, self._cards = None, []

    def sample(self) -> MachineSight:
        """The machine now. Sums never fall, also where a card ceases to tell."""
        now = time.monotonic()
        cards = tuple(self._card(*card) for card in self._cards)
        working = [card.utilisation for card in cards if card.utilisation is not None]
        if working:
            self._gpu_busy_s = (self._gpu_busy_s or 0.0) + sum(working) * (now - self._at)
        self._at = now
        for card in cards:
            if card.energy_j is not None:
                before_j = self._energy_at_start_j.setdefault(card.index, card.energy_j)
                self._energy_j[card.index] = card.energy_j - before_j
        energy_j = sum(self._energy_j.values()) if self._energy_j else None
        return MachineSight(
            _cpu_busy_s(self._cores) - self._cpu_at_start_s, cards, self._gpu_busy_s, energy_j
        )

    def _card(self, index: int, name: str, handle: Any) -> CardSight:
        nvml, card = self._nvml, f"Card {index}"
        use = self._told(card, "its utilisation", nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self._told(card, "its memory", nvml.nvmlDeviceGetMemoryInfo, handle)
        power = self._told(card, "its power", nvml.nvmlDeviceGetPowerUsage, handle)
        energy = self._told(card, "its energy", nvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        return CardSight(
            index=index, name=name,
            utilisation=None if use is None else use.gpu / 100.0,
            memory_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            power_w=None if power is None else power * MILLI,
            energy_j=None if energy is None else energy * MILLI,
        )  # fmt: skip

    def _told(self, who: str, what: str, ask: Callable[..., Any], *of: Any) -> Any:
        """NVML's answer; ``None`` where it gives none, which is said once."""
        try:
            return ask(*of)
        except self._nvml.NVMLError as error:
            self._say_once(who, what, error)
            return None

    def _say_once(self, who: str, what: str, error: Exception) -> None:
        if (who, what) not in self._said:
            self._said.add((who, what))
            logger.warning("%s doesn't tell %s: %s", who, what, error)


def _own_cores() -> frozenset[int] | None:
    """Numbers of the cores that this process may use; ``None``: the system has no such choice."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _cpu_busy_s(own: frozenset[int] | None) -> float:
    """Seconds that these cores have worked since the machine was started, for whomever. A container may be shown its
    own cores alone, with numbers from 0: where there are no more than we may use, all are ours."""
    cores: Sequence[Any] = psutil.cpu_times(percpu=True)
    if own is not None and len(cores) > len(own):
        cores = [core for number, core in enumerate(cores) if number in own]
    return float(sum(getattr(core, kind, 0.0) for core in cores for kind in WORK))
