"""The door before a source: opened for each look at one of its pages.

Owns what a stage and its host agree on. Whoever hands a door in knows of limits and pauses; whoever goes
through it knows only addresses.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from actors.errors import TransientError

Admission = Callable[[str], AbstractContextManager[None]]
"""Called with an address; entering waits for permission to ask there, leaving tells how it went.

Entering may raise ``NotNow``.
"""


class NotNow(TransientError):
    """A source that may not be asked yet. No request was made, and nothing is said of the video.

    ``retry_after_s`` tells when to come back.
    """

    default_code = "not_now"


def always(url: str) -> AbstractContextManager[None]:
    """The door that stands open."""
    return nullcontext()
