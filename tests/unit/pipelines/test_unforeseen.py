"""What becomes of an error that no stage foresaw: the video's fault, or the machine's."""

import errno

import pytest

from actors.errors import TransientError
from pipelines.stage import unexpected


@pytest.mark.parametrize(
    ("error", "code", "passes"),
    [
        (MemoryError(), "out_of_memory", True),
        (OSError(errno.EIO, "Input/output error"), "system", True),
        (FileNotFoundError(errno.ENOENT, "No such file", "/mnt/talks/a.mp3"), "system", True),
        (LookupError("a key"), "unexpected", False),
    ],
)
def test_only_what_is_not_the_machines_fault_ends_the_video_for_good(
    error: Exception, code: str, passes: bool
) -> None:
    """A full memory or a disk that was away for a moment condemns nobody."""
    ended = unexpected(error)
    assert (ended.code, isinstance(ended, TransientError)) == (code, passes)
    assert ended.reason and ended.remedy
