"""What travels to a cluster with a job: the code that runs, and nothing else.

An explicit list, copied into a folder of its own: Ray uploads a whole working directory, and what it would leave out
(``excludes``, ``.gitignore``) names only what somebody thought of. So neither data nor tests, caches, hidden files
(``.env``), nor what somebody put beside the files of ``cluster/`` can go along. Ray names a package by its content: the
same code is uploaded once.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

PROGRAM = "run.py"
ROOMS = ("actors", "cluster", "configs", "pipelines")
SUFFIXES = frozenset({".py", ".sql", ".yaml", ".txt", ".json", ".ogg", ".bin", ".ckpt", ".html"})
"""Of code, queries, settings, and of the small models and clips that ship."""
CODE_ALONE = ("cluster",)
"""Whoever runs a cluster keeps its files there, a filled-in secret among them."""
LEFT_BEHIND = ("configs/demo/speech",)
"""What the demo's own server serves."""
SOURCES = "sources.txt"
"""Name of the list of sources in a package."""


def parts(root: Path = ROOT) -> Iterator[Path]:
    """Paths of what travels, relative to ``root``, sorted."""
    yield Path(PROGRAM)
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and _travels(relative):
                yield relative


def _travels(path: Path) -> bool:
    if any(part.startswith((".", "__pycache__")) for part in path.parts):
        return False
    if path.parts[0] in CODE_ALONE and path.suffix != ".py":
        return False
    return path.suffix in SUFFIXES and not path.as_posix().startswith(LEFT_BEHIND)


def stage(folder: Path, sources: str | None = None, root: Path = ROOT) -> None:
    """Put what travels into ``folder``.

    Args:
        sources: text of a list of sources that goes along as ``SOURCES``.
    """
    for path in parts(root):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)
    if sources is not None:
        (folder / SOURCES).write_text(sources, encoding="utf-8")
