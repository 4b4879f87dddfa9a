"""How an attempt at a video can end without being stored. Pure: from an error to ledger values."""

from dataclasses import dataclass
from typing import Self

from actors.credentials import masked
from actors.errors import ConfigError, EarmarkError, TransientError
from actors.store.backoff import Backoff
from actors.store.storable import clean_text


@dataclass(frozen=True, slots=True)
class Ending:
    """What is written of an attempt that ended."""

    status: str
    code: str
    reason: str
    remedy: str = ""
    permanent: bool = False
    retry_after_s: float | None = None

    @classmethod
    def of_error(cls, error: EarmarkError) -> Self:
        """A failure: for good only by an error that is about the video; what the settings are to blame for passes once
        they are mended."""
        return cls(
            status="failed",
            code=error.code,
            reason=error.reason or error.code,
            remedy=error.remedy,
            permanent=not isinstance(error, (TransientError, ConfigError)),
            retry_after_s=error.retry_after_s if isinstance(error, TransientError) else None,
        )

    def values(self) -> dict[str, object]:
        """Columns of ``ingest_state``, fit to be stored and shown."""
        return {
            "status": self.status,
            "code": self.code,
            "reason": masked(clean_text(self.reason)),
            "remedy": masked(clean_text(self.remedy)),
            "permanent": self.permanent,
        }

    def delay_s(self, backoff: Backoff, attempts: int) -> float | None:
        """Seconds until the next attempt is due; ``None`` where there is none to wait for."""
        if self.status != "failed" or self.permanent:
            return None
        return backoff.delay_s(attempts, self.retry_after_s)
