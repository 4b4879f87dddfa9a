"""How long a media file of this machine says that it is. Reads its header and decodes nothing."""

from pathlib import Path


def stated_length_s(path: Path) -> float | None:
    """Seconds by the file's own header; ``None`` where it says nothing or is no media file."""
    import av

    try:
        with av.open(str(path)) as container:
            return container.duration / av.time_base if container.duration else None
    except (av.FFmpegError, OSError, ValueError):
        return None
