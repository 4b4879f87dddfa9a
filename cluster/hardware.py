"""What this machine has: cores and NVIDIA cards."""

import os
from dataclasses import dataclass
from typing import Any

from cluster.resources import Gpu, Hardware


@dataclass(frozen=True, slots=True)
class Card:
    """A card as its driver describes it."""

    name: str
    memory_bytes: int
    capability: tuple[int, int]
    """CUDA's compute capability; 12.0 and 10.0 are Blackwell, 9.0 is Hopper."""


@dataclass(frozen=True, slots=True)
class NvidiaDriver:
    """The driver and the cards that it shows."""

    version: str
    cards: tuple[Card, ...]


class DriverTrouble(RuntimeError):
    """The driver is there and answers with an error."""


def find_hardware() -> Hardware:
    """Cores that this process may use, and the cards that the NVIDIA driver shows.

    A machine without the driver has no cards; a driver that answers with an error is not taken for
    one without: the error is raised.
    """
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Hardware(n_cpus=n_cpus, gpus=_gpus())


def _gpus() -> tuple[Gpu, ...]:
    driver = find_driver()
    return tuple(Gpu(card.name, card.memory_bytes) for card in driver.cards) if driver else ()


def find_driver() -> NvidiaDriver | None:
    """The NVIDIA driver and the cards that ``CUDA_VISIBLE_DEVICES`` leaves; ``None``: there is no driver.

    Raises:
        DriverTrouble: it is there and doesn't work, in its own words.
    """
    import pynvml  # the module of the package nvidia-ml-py

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        return None
    except pynvml.NVMLError as error:
        raise DriverTrouble(str(error)) from error
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in visible_devices(pynvml.nvmlDeviceGetCount())]
        cards = tuple(_card(pynvml, handle) for handle in handles)
        return NvidiaDriver(str(pynvml.nvmlSystemGetDriverVersion()), cards)
    except pynvml.NVMLError as error:
        raise DriverTrouble(str(error)) from error
    finally:
        pynvml.nvmlShutdown()


def _card(pynvml: Any, handle: Any) -> Card:
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Card(
        name=str(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
        capability=(int(major), int(minor)),
    )


def visible_devices(n_devices: int) -> list[int]:
    """Indices that ``CUDA_VISIBLE_DEVICES`` leaves, as CUDA reads it: the list ends at the first
    entry that names no device. Cards named by UUID are taken by their number."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return list(range(n_devices))
    indices: list[int] = []
    for position, entry in enumerate(part.strip() for part in named.split(",")):
        index = int(entry) if entry.lstrip("-").isdigit() else position if entry.startswith("GPU-") else -1
        if not 0 <= index < n_devices:
            break
        indices.append(index)
    return indices
