"""When a failed video may be tried again: settings and a failure in, seconds out.

The arithmetic is tenacity's: exponential with a cap, half of it random ("equal jitter" in the AWS
architecture blog's "Exponential Backoff and Jitter"), so that what failed together isn't retried together.
"""

from dataclasses import dataclass
from typing import Self

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential, wait_random, wait_random_exponential

from configs.patience import RetrySettings

_UPWARDS = 0.1
"""Share of what a source asks for that is added to it at most."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The policy.

    Attributes:
        first_s: longest delay after the first failure, in seconds; half of it is the shortest.
        cap_s: longest delay, in seconds, unless the source itself asks for more.
    """

    first_s: float = 60.0
    cap_s: float = 6 * 3600.0

    @classmethod
    def of(cls, settings: RetrySettings) -> Self:
        return cls(settings.first_s, settings.cap_s)

    def delay_s(self, attempts: int, retry_after_s: float | None = None) -> float:
        """Seconds to wait after the ``attempts``-th failure.

        Args:
            attempts: attempts so far, this one included (≥ 1).
            retry_after_s: what the source asked for; never undercut, and jittered upwards.
        """
        half = {"multiplier": self.first_s / 2, "max": self.cap_s / 2}
        own = wait_exponential(**half) + wait_random_exponential(**half)
        asked = retry_after_s or 0.0
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = max(attempts, 1)
        return max(own(state), asked + wait_random(0, asked * _UPWARDS)(state))
