"""Surroundings for checks, and packages that aren't what they should be."""

from pathlib import Path
from typing import Any

from configs.home import Home
from configs.load import load_settings
from pipelines.doctor.finding import Surroundings


def around(home: Path, **settings: Any) -> Surroundings:
    """The demo's settings with these (``section__name=value``) over them, and a home."""
    overrides = {name.replace("__", "."): value for name, value in settings.items()}
    return Surroundings(load_settings("demo", overrides=overrides, env_file=None), Home(home))


def install(folder: Path, name: str, version: str, *lines: str) -> None:
    """Put a package's metadata into a folder, as an installer would; ``lines`` are further headers."""
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    head = (f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", *(f"{line}\n" for line in lines))
    (place / "METADATA").write_text("".join(head))
