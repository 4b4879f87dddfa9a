"""Importing torch so that what is built on it can be imported too.

Owns: one repair, and the collector's rest. torchaudio 2.11 (the newest there is) ships an extension
linked to CUDA 13.0. Beside a CPU build of torch that library can't be loaded, beside a build for another
CUDA it refuses to, and ``import torchaudio`` fails; with it fail transformers, sentence-transformers and
speechbrain, which import torchaudio wherever it is installed. Nothing that we call is in that extension:
resampling and filter banks are written in Python.

Every process that imports one of those libraries calls ``guard_torchaudio`` first. Don't use
``torchaudio.load``, ``save``, ``forced_align`` and CUDA kernels after it.
"""

import gc
import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_found_on: list[bool] = []
"""Whether the collector was on, as each who is in ``uncollected`` found it."""

_PACKAGE = "torchaudio"
_EXTENSION = "torchaudio._extension"


def import_torch() -> ModuleType:
    """torch, with torchaudio made importable beside it."""
    with uncollected():
        torch = importlib.import_module("torch")
        guard_torchaudio()
    return torch


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's garbage collector rests: thousands of modules are a million objects and next to no garbage, and going
    through them again and again is a sixth of what importing torch and sentence-transformers costs. Safe to use in
    several threads: it goes on when the last of them is through."""
    with _lock:
        _found_on.append(gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            was_on = _found_on[0]
            _found_on.pop()
            if was_on and not _found_on:
                gc.enable()


def guard_torchaudio() -> bool:
    """Import torchaudio, without its compiled extension where that can't be loaded.

    Safe to call often and from several threads; does nothing where torchaudio isn't installed.

    Returns:
        Whether the extension had to be left out in this process.
    """
    with _lock:
        if importlib.util.find_spec(_PACKAGE) is None:
            return False
        if _PACKAGE not in sys.modules:
            try:
                importlib.import_module(_PACKAGE)
            except (OSError, RuntimeError) as error:
                _log.debug("torchaudio is used without its extension: %s", error)
                _import_without_extension()
        return bool(getattr(sys.modules.get(_EXTENSION), "left_out", False))


def _import_without_extension() -> None:
    """Import torchaudio with a stand-in where it looks for its extension; the stand-in says that there
    is none, a case that torchaudio provides for."""
    for name in [name for name in sys.modules if name == _PACKAGE or name.startswith(_PACKAGE + ".")]:
        del sys.modules[name]  # what the failed import left half done
    stand_in = ModuleType(_EXTENSION)
    vars(stand_in).update(
        left_out=True,
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        _check_cuda_version=lambda: None,
        fail_if_no_align=lambda function: function,
    )
    sys.modules[_EXTENSION] = stand_in
    importlib.import_module(_PACKAGE)
