"""``--where``: which conditions there are, and what is refused before anything is looked for."""

from datetime import UTC, datetime

import pytest

from actors.errors import ConfigError
from actors.store.conditions import KEYS, Conditions, parse_conditions

RECIPE = "0123456789abcdef"


def parse(*pairs: str) -> Conditions:
    return parse_conditions(pairs, recipe=RECIPE)


def test_conditions_are_read_with_days_whole_and_several_flags() -> None:
    """The last day counts whole; flags and speakers may be named more than once."""
    found = parse(
        "channel= My = Channel ", "since=2024-01-01", "until=2024-01-31", "flag=loop", "flag=low_logprob"
    )
    assert found == Conditions(
        channel="My = Channel",
        since=datetime(2024, 1, 1, tzinfo=UTC),
        until=datetime(2024, 2, 1, tzinfo=UTC),
        flags=("loop", "low_logprob"),
    )
    assert found.values()["flags"] == ["loop", "low_logprob"]


def test_other_means_every_recipe_but_the_one_in_force() -> None:
    """A hash asks for that one."""
    assert parse("recipe=other") == Conditions(not_recipe=RECIPE)
    assert parse("recipe=fedcba9876543210") == Conditions(recipe="fedcba9876543210")
    assert parse() == Conditions()


@pytest.mark.parametrize(
    "pairs",
    [
        ("colour=red",), ("video",), ("video=",), ("=x",), ("since=yesterday",), ("until=2024-02-30",),
        ("recipe=abc",), ("recipe='; drop table sources; --",), ("language=English",), ("status=gone",), ("unheard=no",),
        ("channel=a", "channel=b"),
    ],
)  # fmt: skip
def test_what_no_key_takes_is_refused_with_the_list_of_keys(pairs: tuple[str, ...]) -> None:
    """The condition is quoted, and every key named."""
    with pytest.raises(ConfigError) as refused:
        parse(*pairs)
    assert refused.value.code == "bad_condition"
    assert pairs[-1].partition("=")[0] in str(refused.value)
    assert all(key in refused.value.remedy for key in KEYS)
