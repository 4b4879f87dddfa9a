"""How often a source is asked: the bucket's arithmetic, pauses, and what is learned from blocks."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.fetch.asker import exit_of, session_of, site_of
from actors.fetch.governor import (
    BURST,
    LEAST_PER_H,
    Bucket,
    Policy,
    blocked,
    given_up,
    let_through,
    n_free,
    rate_per_h,
    take,
)
from configs.patience import GovernorSettings
from configs.settings import DownloadSettings

POLICY = Policy(per_h=240.0, jitter=0.3, first_pause_s=900.0, cap_pause_s=4 * 3600.0)
FREE = replace(POLICY, per_h=None)
chances = st.floats(0, 1, exclude_max=True)


def permits(bucket: Bucket, policy: Policy, askings: list[tuple[float, float]]) -> list[float]:
    """When permits are given, where somebody asks after each of these waits."""
    now_s, given_at = bucket.counted_at_s, []
    for wait_s, chance in askings:
        now_s += wait_s
        bucket, again_s = take(bucket, policy, now_s, chance)
        if again_s == 0:
            given_at.append(now_s)
    return given_at


@given(
    st.floats(1, 5_000),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 200), chances), max_size=200),
)
def test_no_stretch_of_time_holds_more_permits_than_rate_and_burst_allow(
    per_h: float, jitter: float, askings: list[tuple[float, float]]
) -> None:
    """Whoever asks whenever: between any two permits lies time enough for all but the burst."""
    given_at = permits(Bucket(0.0), replace(POLICY, per_h=per_h, jitter=jitter), askings)
    for first, start_s in enumerate(given_at):
        for last in range(first, len(given_at)):
            assert last - first + 1 <= BURST + (given_at[last] - start_s) * per_h / 3600 + 1e-6


@given(st.floats(0, 1), st.lists(chances, min_size=120, max_size=120))
def test_who_always_waits_as_told_gets_the_whole_rate(jitter: float, draws: list[float]) -> None:
    """Jitter moves single permits and costs none: over 100 gaps the mean is the rate's."""
    bucket, now_s, given_at = Bucket(0.0), 0.0, []
    policy = replace(POLICY, jitter=jitter)
    for chance in draws:
        while True:
            bucket, wait_s = take(bucket, policy, now_s, chance)
            if wait_s == 0:
                break
            now_s += wait_s
        given_at.append(now_s)
    n_gaps = len(given_at) - int(BURST)
    assert given_at[-1] == pytest.approx(n_gaps * 15.0, abs=2 * 15.0)


@given(st.lists(st.tuples(st.floats(0, 60), chances), min_size=1, max_size=50))
def test_what_is_free_is_what_would_be_given(askings: list[tuple[float, float]]) -> None:
    """``n_free`` promises no permit that ``take`` would refuse at that moment."""
    bucket, now_s = Bucket(0.0), 0.0
    for wait_s, chance in askings:
        now_s += wait_s
        n = n_free(bucket, POLICY, now_s)
        assert n is not None
        assert (take(bucket, POLICY, now_s, chance)[1] == 0) is (n > 0)
        bucket, _ = take(bucket, POLICY, now_s, chance)


def test_gaps_vary() -> None:
    """With jitter no two gaps are alike by rule."""
    bucket, now_s, given_at = Bucket(0.0, tokens=0.0), 0.0, []
    for chance in (0.9, 0.1, 0.5, 0.0, 0.7):
        while (answer := take(bucket, POLICY, now_s, chance))[1] > 0:
            now_s += answer[1]
        bucket = answer[0]
        given_at.append(now_s)
    gaps = [b - a for a, b in itertools.pairwise(given_at)]
    assert gaps == pytest.approx([19.05, 11.4, 16.8, 12.75], abs=0.02)


def test_without_a_limit_all_is_given() -> None:
    """A thousand at once, and nothing to count."""
    assert len(permits(Bucket(0.0), FREE, [(0.0, 0.5)] * 1000)) == 1000
    assert n_free(Bucket(0.0), FREE, 0.0) is None


def test_pauses_double_up_to_the_cap_while_the_source_lets_nothing_through() -> None:
    """900 s, 1,800 s … 4 h; and once it has let us through for long enough, 900 s again."""
    bucket, now_s, pauses = Bucket(0.0), 1000.0, []
    for _ in range(6):
        bucket = blocked(bucket, POLICY, now_s, asked_at_s=now_s)
        pauses.append(bucket.pause_left_s(now_s))
        now_s += pauses[-1] + 1
    assert pauses == [900, 1800, 3600, 7200, 14400, 14400]
    relented = let_through(bucket, POLICY)
    soon = blocked(relented, POLICY, now_s, now_s)
    later = blocked(relented, POLICY, now_s + 20_000, now_s + 20_000)
    assert (soon.pause_left_s(now_s), later.pause_left_s(now_s + 20_000)) == (14400, 900)


def test_requests_that_were_under_way_are_no_second_block() -> None:
    """Four asked before the pause began, four are turned away: one pause, one lesson."""
    once = blocked(Bucket(0.0), POLICY, 100.0, asked_at_s=99.0)
    bucket = once
    for late_s in (100.5, 101.0, 130.0):
        bucket = blocked(bucket, POLICY, late_s, asked_at_s=98.0)
    assert bucket == once


@pytest.mark.parametrize(
    ("asked_s", "left_s"), [(None, 900), (10.0, 900), (5000.0, 5000), (90_000.0, 90_000)]
)
def test_what_the_source_asks_for_is_never_undercut(asked_s: float | None, left_s: float) -> None:
    """Retry-After beats our own pause where it is longer, the cap included, also from a late answer."""
    bucket = blocked(Bucket(0.0), POLICY, 100.0, 100.0, asked_s)
    assert bucket.pause_left_s(100.0) == left_s
    late = blocked(blocked(Bucket(0.0), POLICY, 100.0, 100.0), POLICY, 100.0, 90.0, asked_s)
    assert late.pause_left_s(100.0) == left_s


def test_a_pause_is_over_with_a_single_question() -> None:
    """Nothing during the pause, one permit after it, then the lowered rate."""
    bucket = blocked(Bucket(0.0), POLICY, 0.0, 0.0)
    assert take(bucket, POLICY, 899.0, 0.5) == (bucket, 1.0)
    assert n_free(bucket, POLICY, 899.0) == 0
    assert n_free(bucket, POLICY, 900.0) == 1
    bucket, wait_s = take(bucket, POLICY, 900.0, 0.0)
    assert wait_s == 0
    assert take(bucket, POLICY, 900.0, 0.0)[1] == pytest.approx(3600 / (240 * 0.7))


def test_the_rate_falls_with_each_block_and_comes_back_slowly_never_above_the_setting() -> None:
    """240, 168, 118 … not below 60; up by one in a hundred with each answer, and no further than 240."""
    bucket, rates, now_s = Bucket(0.0), [], 0.0
    for _ in range(6):
        now_s += 100_000
        bucket = blocked(bucket, POLICY, now_s, now_s)
        rates.append(round(rate_per_h(bucket, POLICY) or 0))
    assert rates == [168, 118, 82, 60, 60, 60]
    n = 0
    while bucket.learned_per_h is not None:
        before = rate_per_h(bucket, POLICY) or 0
        bucket = let_through(bucket, POLICY)
        assert before < (rate_per_h(bucket, POLICY) or 0) <= 240
        n += 1
    assert n == 140


def test_a_source_without_a_limit_gets_one_by_blocking() -> None:
    """Seven tenths of what was asked of it in about the last hour, at least one a minute."""
    bucket = Bucket(0.0)
    for second in range(1000):
        bucket, _ = take(bucket, FREE, float(second), 0.5)
    learned = rate_per_h(blocked(bucket, FREE, 1000.0, 1000.0), FREE)
    assert learned is not None
    assert 0.7 * 800 < learned < 0.7 * 1000
    assert rate_per_h(blocked(Bucket(0.0), FREE, 1.0, 1.0), FREE) == LEAST_PER_H
    assert (
        rate_per_h(blocked(Bucket(0.0), replace(POLICY, per_h=20.0), 1.0, 1.0), replace(POLICY, per_h=20.0))
        == 20
    )


def test_a_limit_that_nobody_set_is_forgotten_again() -> None:
    """After enough answers the source counts as unlimited."""
    bucket = blocked(Bucket(0.0), FREE, 1.0, 1.0)
    for _ in range(700):
        bucket = let_through(bucket, FREE)
    assert rate_per_h(bucket, FREE) is None


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    """Neither tokens nor an end to a pause."""
    bucket = Bucket(1000.0, tokens=0.0)
    assert take(bucket, POLICY, 0.0, 0.0)[1] == pytest.approx(15.0)
    paused = blocked(Bucket(1000.0), POLICY, 1000.0, 1000.0)
    assert take(paused, POLICY, 0.0, 0.0)[1] == 1900.0


@pytest.mark.parametrize(
    ("patience_s", "run_age_s", "expected"),
    [(0, 0, True), (900, 0, True), (901, 0, False), (1000, 500, True), (1300, 500, False), (1300, 5, False)],
)
def test_a_run_gives_a_source_up_when_it_cant_relent_in_time(
    patience_s: float, run_age_s: float, expected: bool
) -> None:
    """Blocked 300 s ago, paused for 900 s more; a run that began later counts from its own start."""
    bucket = replace(blocked(Bucket(0.0), POLICY, 300.0, 300.0), refused_since_s=0.0)
    assert given_up(bucket, 300.0, run_age_s, patience_s) is expected
    assert not given_up(bucket, 5000.0, run_age_s, patience_s), "it may be asked, so it isn't given up"


def test_the_settings_make_the_policy() -> None:
    """YouTube has a limit from the start, others have none unless set."""
    settings = GovernorSettings()
    youtube, other = (Policy.of(settings, is_youtube=each) for each in (True, False))
    assert (youtube.per_h, other.per_h, youtube.first_pause_s) == (240, None, 900)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "youtube"),
        ("https://youtu.be/dQw4w9WgXcQ", "youtube"),
        ("https://MUSIC.youtube.com/playlist?list=x", "youtube"),
        ("https://notyoutube.com/watch", "notyoutube.com"),
        ("https://me:secret@Example.ORG:8080/a.mp3", "example.org"),
        ("file:///home/me/a.mp3", ""),
        ("http://[broken/", ""),
    ],
)
def test_a_site_is_whom_an_address_asks(url: str, site: str) -> None:
    """All of YouTube is one; a host is its name alone; a file asks nobody."""
    assert site_of(url) == site


def test_who_asks_is_named_without_secrets() -> None:
    """The proxy without its password; cookies by a hash of where they lie; else the node and a guest."""
    by_proxy = DownloadSettings(proxy="socks5://me:hunter2@proxy.example:1080")  # type: ignore[arg-type]
    assert exit_of(by_proxy) == "proxy.example:1080"
    assert session_of(DownloadSettings()) == "guest"
    names = {
        session_of(DownloadSettings(cookies_file="/home/me/secret.txt")),  # type: ignore[arg-type]
        session_of(DownloadSettings(cookies_file="/home/you/secret.txt")),  # type: ignore[arg-type]
        session_of(DownloadSettings(cookies_from_browser="firefox")),
    }
    assert len(names) == 3
    assert not any("secret" in name or "firefox" in name for name in names)
    assert exit_of(DownloadSettings()) == exit_of(DownloadSettings())
