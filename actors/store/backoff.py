"""When a failed video may be tried again. Pure: numbers in, seconds out.

Exponential with a cap and half of it random ("equal jitter" in the AWS architecture blog's
"Exponential Backoff and Jitter"), so that what failed together isn't retried together.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """The policy.

    Attributes:
        first_s: delay after the first failure, in seconds.
        cap_s: longest delay, in seconds, unless the source itself asks for more.
    """

    first_s: float = 60.0
    cap_s: float = 6 * 3600.0

    def delay_s(self, attempts: int, chance: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after the ``attempts``-th failure.

        Args:
            attempts: attempts so far, this one included (≥ 1).
            chance: uniform random number in [0, 1).
            retry_after_s: what the source asked for; never undercut, and jittered upwards.
        """
        doublings = min(max(attempts, 1) - 1, 30)
        ceiling = min(self.cap_s, self.first_s * 2.0**doublings)
        own = ceiling * (0.5 + chance / 2)
        asked = (retry_after_s or 0.0) * (1.0 + chance / 10)
        return max(own, asked)
