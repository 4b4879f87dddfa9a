"""What travels to a cluster with a job: the code that runs, what ships beside it, and what was written for this job.

An explicit list, copied into a folder of its own: Ray uploads a whole working directory, and what it would leave out
(``excludes``, ``.gitignore``) names only what somebody thought of. Of the rooms code travels, of data only the folders
named here: a list, cookies or a settings file that somebody left elsewhere stays, and so do tests, caches, hidden files
(``.env``) and what lies beside the files of ``cluster/``. No settings file is copied, not even a profile: whoever submits
looks at the values and hands over the text. Ray names a package by its content: the same one is uploaded once.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[1]

PROGRAM = "run.py"
CODE = {
    "actors": (".py", ".sql"),
    "cluster": (".py",),  # whoever runs a cluster keeps its files there, a filled-in secret among them
    "configs": (".py",),
    "pipelines": (".py", ".html"),
}
"""Rooms, and what is code in them."""
DATA = ("actors/speech/canary", "actors/voices/canary", "configs/demo/models")
"""Clips that workers prove themselves on, and the models of the profile ``demo``. Its speech is served, not run."""
PROFILES = "configs/profiles"
SETTINGS, SOURCES = "settings.yaml", "sources.txt"
"""Names of a settings file and of a list of sources in a package."""


def parts(root: Path = ROOT) -> Iterator[Path]:
    """Paths of what ships and travels, relative to ``root``, sorted."""
    yield Path(PROGRAM)
    for room in CODE:
        for path in sorted((root / room).rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and _travels(relative):
                yield relative


def _travels(path: PurePath) -> bool:
    if any(part.startswith((".", "__pycache__")) for part in path.parts):
        return False
    return path.suffix in CODE[path.parts[0]] or is_data(path)


def is_data(path: PurePath) -> bool:
    """Whether a path of the package, a folder's too, is among the data that travels."""
    return any(path.is_relative_to(folder) for folder in DATA)


def stage(folder: Path, written: Mapping[str, str], root: Path = ROOT) -> None:
    """Put what travels into ``folder``.

    Args:
        written: text of the files that are made for this job, by their path in the package.
    """
    for path in parts(root):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)
    for name, text in written.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
