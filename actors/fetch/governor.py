"""How often one source may be asked by one exit and session. Pure: numbers in, numbers out.

A token bucket ("leaky bucket as a meter", ITU-T I.371) that starts with a few tokens and refills at the
rate allowed. After each permit the level that the next one needs is drawn anew, so gaps vary and the rate
does not: in any stretch of t seconds at most ``BURST + rate × t`` permits are given. A block empties the
bucket, pauses the source, longer each time, and lowers the rate, which comes back slowly while the source
lets us through. Seconds count on one clock, whose origin doesn't matter.
"""

from dataclasses import dataclass, replace
from math import exp
from typing import Self

from configs.patience import GovernorSettings

BURST = 3.0
"""Permits that may be given at once after a rest. At least 2: a needed level is at most 2."""
LEARN_DOWN = 0.7
LEARN_UP = 1.01
LEAST_PER_H = 60.0
"""The rate isn't learned below this: one answer a minute finds out whether the source has relented."""
NO_LIMIT_PER_H = 36_000.0
"""Where no limit is set, one that was learned is forgotten when it has grown to this."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings allow for one source."""

    per_h: float | None
    """Permits an hour; ``None``: no limit until the source blocks."""
    jitter: float
    first_pause_s: float
    cap_pause_s: float

    @classmethod
    def of(cls, settings: GovernorSettings, *, is_youtube: bool) -> Self:
        per_h = settings.youtube_videos_per_h if is_youtube else settings.other_videos_per_h
        return cls(per_h, settings.jitter, settings.first_pause_s, settings.cap_pause_s)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is known of one source, exit and session."""

    counted_at_s: float
    """When ``tokens`` and ``recent`` were right."""
    tokens: float = BURST
    needed: float = 1.0
    """Level at which the next permit is given, 1 to 2; it costs one token."""
    learned_per_h: float | None = None
    """Rate learned from blocks; ``None``: what the policy says."""
    recent: float = 0.0
    """Permits of about the last hour: older ones fade."""
    paused_at_s: float | None = None
    """When the last pause began."""
    paused_until_s: float | None = None
    refused_since_s: float | None = None
    """Of the first block since the source last let us through; ``None``: it does."""

    def pause_left_s(self, now_s: float) -> float:
        """Seconds until the pause is over; 0 where there is none."""
        return max(0.0, self.paused_until_s - now_s) if self.paused_until_s is not None else 0.0

    def recent_at(self, now_s: float) -> float:
        """Permits of about the hour before."""
        return self.recent * exp(-max(0.0, now_s - self.counted_at_s) / 3600.0)


def rate_per_h(bucket: Bucket, policy: Policy) -> float | None:
    """Permits an hour as of now; ``None``: no limit."""
    rates = [rate for rate in (bucket.learned_per_h, policy.per_h) if rate is not None]
    return min(rates, default=None)


def n_free(bucket: Bucket, policy: Policy, now_s: float) -> int | None:
    """How many may ask at this moment; ``None``: any number. With jitter all but the first may have to wait
    for a part of a gap."""
    if bucket.pause_left_s(now_s) > 0:
        return 0
    if rate_per_h(bucket, policy) is None:
        return None
    tokens = _level(bucket, policy, now_s)
    return int(tokens - bucket.needed) + 1 if tokens >= bucket.needed else 0


def take(bucket: Bucket, policy: Policy, now_s: float, chance: float) -> tuple[Bucket, float]:
    """Ask for one permit.

    Args:
        chance: uniform random number in [0, 1).

    Returns:
        The bucket afterwards, and seconds to wait before asking again; 0: the permit is given.
    """
    left_s = bucket.pause_left_s(now_s)
    if left_s > 0:
        return bucket, left_s
    rate = rate_per_h(bucket, policy)
    tokens = _level(bucket, policy, now_s)
    if rate is not None and tokens < bucket.needed:
        return bucket, max((bucket.needed - tokens) * 3600.0 / rate, 1e-3)
    given = replace(
        bucket,
        counted_at_s=max(now_s, bucket.counted_at_s),
        tokens=max(0.0, tokens - 1.0),
        needed=1.0 + policy.jitter * chance,
        recent=bucket.recent_at(now_s) + 1.0,
    )
    return given, 0.0


def blocked(
    bucket: Bucket, policy: Policy, now_s: float, asked_at_s: float, retry_after_s: float | None = None
) -> Bucket:
    """The source turned us away.

    Args:
        asked_at_s: when the request was made. One made before the pause began tells nothing new.
        retry_after_s: how long the source wants to be left alone; never undercut.
    """
    asked_until_s = now_s + (retry_after_s or 0.0)
    if bucket.paused_at_s is not None and asked_at_s <= bucket.paused_at_s:
        return _paused_until(bucket, max(asked_until_s, bucket.paused_until_s or 0.0))
    own_until_s = now_s + _pause_s(bucket, policy, now_s)
    punished = replace(
        bucket,
        learned_per_h=_lower_rate(bucket, policy, now_s),
        paused_at_s=now_s,
        refused_since_s=now_s if bucket.refused_since_s is None else bucket.refused_since_s,
    )
    return _paused_until(punished, max(own_until_s, asked_until_s))


def let_through(bucket: Bucket, policy: Policy) -> Bucket:
    """The source gave an answer: the lowered rate rises a little, never above the policy's."""
    rate = bucket.learned_per_h
    if rate is not None:
        rate *= LEARN_UP
        if rate >= (NO_LIMIT_PER_H if policy.per_h is None else policy.per_h):
            rate = None
    return replace(bucket, learned_per_h=rate, refused_since_s=None)


def given_up(bucket: Bucket, now_s: float, run_age_s: float, patience_s: float) -> bool:
    """Whether a run of this age gives the source up: it is paused until the run's patience with it is over,
    which counts from the first block, or from the run's start if the source had blocked before."""
    left_s = bucket.pause_left_s(now_s)
    if left_s <= 0 or bucket.refused_since_s is None:
        return False
    return min(now_s - bucket.refused_since_s, run_age_s) + left_s >= patience_s


def _level(bucket: Bucket, policy: Policy, now_s: float) -> float:
    """Tokens as of ``now_s``. A clock that steps back refills nothing."""
    rate = rate_per_h(bucket, policy)
    if rate is None:
        return BURST
    return min(BURST, bucket.tokens + max(0.0, now_s - bucket.counted_at_s) * rate / 3600.0)


def _pause_s(bucket: Bucket, policy: Policy, now_s: float) -> float:
    """Twice the last pause where the source hasn't relented since, or is at it again within that time."""
    if bucket.paused_at_s is None or bucket.paused_until_s is None:
        return min(policy.first_pause_s, policy.cap_pause_s)
    last_s = bucket.paused_until_s - bucket.paused_at_s
    again = bucket.refused_since_s is not None or now_s - bucket.paused_until_s < last_s
    return min(2.0 * last_s if again else policy.first_pause_s, policy.cap_pause_s)


def _lower_rate(bucket: Bucket, policy: Policy, now_s: float) -> float:
    rate = rate_per_h(bucket, policy)
    if rate is None:  # nobody set one: as many as were asked for in about the last hour
        rate = bucket.recent_at(now_s)
    least = LEAST_PER_H if policy.per_h is None else min(LEAST_PER_H, policy.per_h)
    return max(rate * LEARN_DOWN, least)


def _paused_until(bucket: Bucket, until_s: float) -> Bucket:
    """Paused, and then one permit, to see whether the source has relented, before the bucket refills."""
    return replace(bucket, paused_until_s=until_s, counted_at_s=until_s, tokens=1.0, needed=1.0)
