"""What was done on a node, as its own disk tells afterwards."""

from pathlib import Path

WORKED = "worked"
"""In a node's home: a line a row, of stage, video and part."""

Note = tuple[str, str, int]
"""Stage, video, part."""


def note(place: Path, stage: str, video_id: str, part: int) -> None:
    """A stage takes a row in hand. Its processes append lines shorter than what the kernel writes at once."""
    with (place / WORKED).open("a", encoding="utf-8") as notes:
        notes.write(f"{stage} {video_id} {part}\n")


def noted(place: Path) -> list[Note]:
    """Of the node with this home, in the order in which that was."""
    file = place / WORKED
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [(stage, video, int(part)) for stage, video, part in map(str.split, lines)]
