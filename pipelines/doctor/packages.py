"""Python and the packages: what Earmark's own metadata asks for, and pairs that are known to clash.

Reads metadata only and imports nothing of it: a package that can't be imported is what this is about.
"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pipelines.doctor.finding import Finding, Surroundings, ok, wrong

OURS = "earmark"
PYTHON_RANGE = SpecifierSet(">=3.11,<3.13")
INSTALL = "`make install`, or pip install --constraint constraints.txt --editable . in a fresh environment"


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that must not be installed, or not in these versions, whatever the requirements say."""

    package: str
    versions: SpecifierSet
    why: str
    remedy: str


CLASHES = (
    Clash(
        "pynvml", SpecifierSet("<12"), "it brings a module of the same name as nvidia-ml-py, an older one",
        "pip uninstall pynvml, then pip install --force-reinstall nvidia-ml-py",
    ),
    Clash(
        "onnxruntime-gpu", SpecifierSet(), "it writes over onnxruntime, on which the voice detector was tested",
        "pip uninstall onnxruntime-gpu, then pip install --force-reinstall onnxruntime",
    ),
    Clash(
        "torch", SpecifierSet(">=2.14"), "its CUDA is not the one (13.0) that torchaudio 2.11 was built for, and "
        "there is no newer torchaudio", "pip install 'torch>=2.11,<2.14'",
    ),
    Clash(
        "ctranslate2", SpecifierSet("<4.7.1"), "int8 fails on Blackwell cards, and newer drivers return empty text",
        "pip install 'ctranslate2>=4.7.1,<5'",
    ),
    Clash(
        "ray", SpecifierSet(">=2.64"), "ray.data no longer takes max_restarts and max_task_retries",
        "pip install 'ray[data,default]>=2.60,<2.64'",
    ),
)  # fmt: skip
"""Found when the versions were chosen; the bounds in pyproject.toml keep the last three away as well."""


def python(around: Surroundings) -> Iterator[Finding]:
    running = platform.python_version()
    if PYTHON_RANGE.contains(running, prereleases=True):
        yield ok("Python", f"{running}, {platform.machine()}")
    else:
        yield wrong(
            "Python", f"{running}, and Earmark needs {PYTHON_RANGE}", "Make the environment with Python 3.11"
        )


def requirements(around: Surroundings) -> Iterator[Finding]:
    """Every package that Earmark's metadata asks for."""
    try:
        lines = requires(OURS) or []
    except PackageNotFoundError:
        yield wrong("packages", "Earmark itself is not installed in this environment", INSTALL)
        return
    asked = [Requirement(line) for line in lines]
    needed = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})]
    unmet = [problem for each in needed if (problem := _problem(each)) is not None]
    if unmet:
        yield wrong("packages", "; ".join(unmet), INSTALL)
    else:
        yield ok("packages", f"all {len(needed)} that are needed, in versions that are known to work")


def _problem(needed: Requirement) -> str | None:
    installed = _installed(needed.name)
    if installed is None:
        return f"{needed.name} is not installed"
    if needed.specifier.contains(installed, prereleases=True):
        return None
    return f"{needed.name} is {installed}, needed {needed.specifier}"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def clashes(around: Surroundings) -> Iterator[Finding]:
    found = False
    for each in CLASHES:
        installed = _installed(each.package)
        if installed is not None and each.versions.contains(installed, prereleases=True):
            found = True
            yield wrong("clashes", f"{each.package} {installed}: {each.why}", each.remedy)
    if not found:
        yield ok("clashes", "none of the packages that are known to clash")
