"""Makes the recogniser fail as CTranslate2 does on a GPU; Python imports this by itself from its path.

There is no GPU where these tests run, so the error is raised where CTranslate2 would raise it: inside
faster-whisper's call of the encoder. Whoever puts a file where ``FAULTS_ENGINE`` says plants one error;
its text is the error's. Processes that don't recognise speech are left as they are.
"""

import importlib.abc
import importlib.machinery
import os
import sys
from pathlib import Path

TARGET = "faster_whisper.transcribe"


class _Plug(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != TARGET:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _wrap(module.WhisperModel)

        spec.loader.exec_module = exec_module
        return spec


def _wrap(model):
    encode = model.encode

    def failing(self, features):
        planted = Path(os.environ["FAULTS_ENGINE"])
        try:
            mine = planted.rename(f"{planted}.{os.getpid()}")  # one error a file, whoever comes first
        except FileNotFoundError:
            return encode(self, features)
        words = mine.read_text(encoding="utf-8")
        mine.unlink()
        raise RuntimeError(words)

    model.encode = failing


if "FAULTS_ENGINE" in os.environ:
    sys.meta_path.insert(0, _Plug())
