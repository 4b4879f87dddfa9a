"""Makes cuBLAS 12 known to the process before CTranslate2 looks for it.

CTranslate2 opens ``libcublas.so.12`` by its bare name. PyTorch brings cuBLAS 13, and the wheel with
cuBLAS 12 puts it where the system's loader doesn't look; ``LD_LIBRARY_PATH`` would have to be set
before the process starts. A library that is loaded already is found by its name.
"""

import ctypes
import importlib.util
import logging
from pathlib import Path

from actors.errors import ConfigError

logger = logging.getLogger(__name__)

# cublas depends on cublasLt, so that comes first.
_LIBRARIES = ("libcublasLt.so.12", "libcublas.so.12")


def preload_cublas() -> Path | None:
    """Load cuBLAS 12 from its wheel, once a process and before the first model on CUDA.

    Returns:
        The wheel's library directory; ``None`` if the wheel isn't installed, which is right where the
        system has cuBLAS 12 itself.

    Raises:
        ConfigError: the wheel is there and can't be loaded.
    """
    directory = cublas_directory()
    if directory is None:
        logger.info("no cuBLAS 12 wheel (nvidia-cublas-cu12): left to the system's libraries")
        return None
    for name in _LIBRARIES:
        try:
            ctypes.CDLL(str(directory / name), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise ConfigError(
                f"{name} of the wheel nvidia-cublas-cu12 can't be loaded: {error}",
                remedy="Install it again: pip install --force-reinstall 'nvidia-cublas-cu12>=12.8.4,<13'",
            ) from error
    logger.info("cuBLAS 12 loaded from %s", directory)
    return directory


def cublas_directory() -> Path | None:
    """Where the wheel has its libraries. Other CUDA releases' wheels use other directories."""
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations or () if spec is not None else ():
        directory = Path(root) / "cublas" / "lib"
        if all((directory / name).is_file() for name in _LIBRARIES):
            return directory
    return None
