"""Everything that can go wrong with a video or a run, split by what the caller does about it.

    EarmarkError
    ├── ConfigError         before the start: say it, exit 2
    ├── Rejected            not an error: a video we were told to leave out      → skipped(reason)
    ├── PermanentError      trying again can't help                              → failed, permanent
    ├── TransientError      may pass: try again, not before ``retry_after_s``    → failed, transient
    │   └── SoftBlocked     the source turns *us* away: the whole run pauses
    └── LeaseLost           somebody else works on this video now: drop the row

Each carries a stable ``code`` (for programs), a message naming the cause and a ``remedy`` in the
user's words. No message may hold a credential: whoever puts a URL in one removes its user part.
"""

from typing import ClassVar


class EarmarkError(Exception):
    """Base of all. ``code`` is one lower-case word or snake_case phrase, stable between versions."""

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.remedy = remedy

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}. {self.remedy}" if self.remedy else message

    @property
    def reason(self) -> str:
        """The message alone, for a ledger that keeps the remedy beside it."""
        return super().__str__()

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle by their positional arguments; ours has keywords, and crosses processes.
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[EarmarkError], args: tuple[object, ...], state: dict[str, object]) -> EarmarkError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigError(EarmarkError):
    """Settings or surroundings that a run can't start with."""

    default_code = "config"


class Rejected(EarmarkError):
    """A video left out by the user's own settings, or because there is nothing in it to store.

    Codes: ``short``, ``live``, ``upcoming``, ``too_long``, ``no_speech``, ``no_audio``,
    ``duplicate``, ``list``, ``nested_list``.
    """

    default_code = "rejected"


class PermanentError(EarmarkError):
    """A video that will not be had however often it is tried.

    Codes: ``private``, ``removed``, ``members_only``, ``age_restricted``, ``geo_blocked``, ``drm``,
    ``unsupported``, ``not_found``, ``forbidden``, ``not_media``, ``undecodable``, ``too_large``,
    ``credentials``, ``bad_id``, ``bad_data``, ``no_file``, ``no_text``, ``kills_its_worker``, ``unexpected``.
    """

    default_code = "permanent"


class TransientError(EarmarkError):
    """A failure of the moment.

    Codes: ``network``, ``timeout``, ``throttled``, ``server_error``, ``truncated``, ``forbidden``,
    ``out_of_memory``, ``database``, ``file_changed``, ``disk_full``.
    """

    default_code = "transient"

    def __init__(
        self, message: str, *, code: str | None = None, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, code=code, remedy=remedy)
        self.retry_after_s = retry_after_s


class SoftBlocked(TransientError):
    """A source that turns this exit address or session away ("not a bot", "try again later").

    Never a verdict on the video: everything asked of that source should pause.
    """

    default_code = "soft_blocked"


class LeaseLost(EarmarkError):
    """The video's claim passed to another worker while this one was at it."""

    default_code = "lease_lost"
