"""What this machine has: cores and NVIDIA cards."""

import os

from cluster.resources import Gpu, Hardware


def find_hardware() -> Hardware:
    """Cores that this process may use, and the cards that the NVIDIA driver shows.

    A machine without the driver has no cards; a driver that answers with an error is not taken for
    one without: the error is raised.
    """
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Hardware(n_cpus=n_cpus, gpus=_gpus())


def _gpus() -> tuple[Gpu, ...]:
    import pynvml  # the module of the package nvidia-ml-py

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        return ()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in _visible(pynvml.nvmlDeviceGetCount())]
        return tuple(
            Gpu(
                name=str(pynvml.nvmlDeviceGetName(h)),
                memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(h).total),
            )
            for h in handles
        )
    finally:
        pynvml.nvmlShutdown()


def _visible(n_devices: int) -> list[int]:
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
