"""Where a run waits for its test."""

from pathlib import Path


def go_on(home_dir: Path) -> Path:
    """The file for which a video that waits is waiting."""
    return home_dir / "go-on"
