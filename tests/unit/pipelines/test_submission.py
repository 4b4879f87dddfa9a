"""What a job is told: the command, and what is refused before anything leaves this machine."""

import shlex
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import ConfigError
from configs.load import SECRET_SETTINGS
from pipelines.submission import (
    Errand,
    address_of,
    default_name,
    demand_fit_to_travel,
    flat_settings,
    job_id,
    metadata,
    named,
    to_stop,
)


def test_a_job_ingests_the_sources_with_the_settings_on_the_cluster_it_is_on() -> None:
    errand = Errand(
        ("@chan", "https://example.org/a b"), profile="speed", settings=(("embed.batch_size", "64"),),
        limit=3, force=True, language="en",
    )  # fmt: skip
    assert shlex.split(errand.entrypoint()) == [
        "exec", "python", "run.py", "ingest", "--profile", "speed", "--set", "embed.batch_size=64", "--set",
        "ray.address=auto", "--limit", "3", "--force", "--language", "en", "--", "@chan", "https://example.org/a b",
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=4))
def test_no_source_is_anything_but_one_argument(sources: list[str]) -> None:
    """A source with a quote, a semicolon or a dollar sign is no command of the cluster's shell, and none is an option."""
    words = shlex.split(Errand(tuple(sources)).entrypoint())
    assert words[words.index("--") + 1 :] == sources


@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
def test_a_setting_that_holds_a_secret_is_refused_with_where_it_goes(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        demand_fit_to_travel(Errand(("@c",), settings=((name, "postgresql://u:hunter2@db/e"),)))
    assert refused.value.code == "secret" and "hunter2" not in str(refused.value)
    assert "environment of the cluster's head node" in refused.value.remedy
    assert ("DATABASE_URL" in refused.value.remedy) == (name == "store.database_url")


@pytest.mark.parametrize(
    ("errand", "code"),
    [
        (Errand(("https://u:hunter2@example.org/feed",)), "secret"),
        (Errand(("https://example.org/feed?token=hunter2",)), "secret"),
        (Errand((), "https://example.org/a\nhttps://example.org/b?api_key=hunter2\n"), "secret"),
        (Errand((), '{"url": "https://u:hunter2@example.org/b"}\n'), "secret"),
        (Errand(("@c",), settings=(("embed.document_prompt", "password=hunter2"),)), "secret"),
        (Errand(("/videos/talk.mp3",)), "local"),
        (Errand(("./talk.mp3",)), "local"),
        (Errand((), "~/talk.mp3"), "local"),
        (Errand((), '{"url": "/home/me/talk.mp3"}\n'), "local"),
        (Errand((), '" ./talk.mp3"\n'), "local"),
        (Errand((), '{"path": "talk.mp3", "id": "~/talk.mp3"}\n'), "local"),
        (Errand((), '{"url": "https:\\/\\/u:hunter2@example.org\\/b"}\n'), "secret"),
        (Errand((), '{"url": "@chan", "from": "https://example.org/?token=hunter2"}\n'), "secret"),
        (Errand((), "# https://u:hunter2@example.org/old\n@chan\n"), "secret"),
        (Errand(("@c",), settings=(("transcribe.model", "./models/w"),)), "local"),
        (Errand(("@c",), settings=(("ray.address", "auto"),)), "config"),
        (Errand(tuple(f"https://example.org/{n}" for n in range(5000))), "config"),
        (Errand(("語" * 25_000,)), "config"),
    ],
)  # fmt: skip
def test_what_must_not_or_can_not_travel_is_refused(errand: Errand, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        demand_fit_to_travel(errand)
    assert refused.value.code == code and refused.value.remedy
    assert "hunter2" not in str(refused.value)


def test_each_kind_of_address_with_a_secret_has_a_remedy_that_works() -> None:
    """``ingest`` on the cluster would refuse a user and password too; cookies do what they do. A token it takes."""
    remedies = []
    for source in ("https://u:hunter2@example.org/feed", "https://example.org/feed?token=hunter2"):
        with pytest.raises(ConfigError) as refused:
            demand_fit_to_travel(Errand((source,)))
        remedies.append(refused.value.remedy)
    assert "download.cookies_file" in remedies[0] and "ingest" not in remedies[0]
    assert "ingest --from FILE" in remedies[1]


def test_a_line_that_names_nothing_costs_only_itself() -> None:
    """As of ``ingest``: the cluster says so in its place. What the dashboard shows are the others."""
    errand = Errand(("@a",), '{"url": \n{"title": "none"}\n{"url": "@b"}\n')
    demand_fit_to_travel(errand)
    assert metadata(errand, "mine", "1")["sources"] == "@a, @b"


def test_a_file_of_this_folder_is_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``talk.mp3`` would be a bad id on the cluster; here it is a file, and that is said."""
    monkeypatch.chdir(tmp_path)
    Path("talk.mp3").touch()
    with pytest.raises(ConfigError, match="lies on this machine"):
        demand_fit_to_travel(Errand(("talk.mp3",)))


@pytest.mark.parametrize("source", ["dQw4w9WgXcQ", "@chan", "https://example.org/feed", "file:///mnt/talks"])
def test_what_the_cluster_can_fetch_may_travel(source: str) -> None:
    demand_fit_to_travel(Errand((source,), f"# a list\n\n{source}\n"))


def test_a_settings_file_travels_as_settings() -> None:
    """In the words of ``--set``: nothing for unset, commas between names."""
    values = {
        "embed": {"dtype": None, "trust_remote_code": ["a/b", "c/d"]},
        "prefilter": {"skip_shorts": False}, "report": None, "store": "postgresql://…",
    }  # fmt: skip
    assert flat_settings(values) == [
        ("embed.dtype", ""), ("embed.trust_remote_code", "a/b,c/d"), ("prefilter.skip_shorts", "false"),
    ]  # fmt: skip


def test_a_job_bears_a_name_that_a_person_knows() -> None:
    at = datetime(2026, 11, 25, 22, 1)
    assert job_id("Some Channel!", at, "ab12") == "earmark-some-channel-20261125-2201-ab12"
    assert job_id("日本語", at, "ab12") == "earmark-ingest-20261125-2201-ab12"
    assert default_name(["https://www.youtube.com/@chan/"]) == "@chan"
    assert default_name(["https://www.youtube.com/watch?v=dQw4w9WgXcQ"]) == "dQw4w9WgXcQ"
    assert default_name([]) == "ingest"


def test_the_dashboard_says_what_a_job_is_about() -> None:
    told = metadata(Errand(("@a",), "@b\n#no\n@c\n@d\n", profile="speed"), "mine", "0.1.0")
    assert told == {
        "earmark": "0.1.0",
        "name": "mine",
        "sources": "@a, @b, @c and 1 more",
        "profile": "speed",
    }


@pytest.mark.parametrize(
    "url", ["auto", "ray://head:10001", "head:8265", "http://", "http://h:1/?q=1", "http://a b"]
)
def test_what_is_no_dashboards_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="--address"):
        address_of(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as refused:
        address_of("http://u:hunter2@head:8265")
    assert refused.value.code == "secret" and "hunter2" not in str(refused.value)
    assert address_of("http://head:8265/") == "http://head:8265"


def test_a_job_is_meant_by_its_id_or_the_newest_of_its_name() -> None:
    jobs = [
        SimpleNamespace(id="j3", name="a"),
        SimpleNamespace(id="j2", name="a"),
        SimpleNamespace(id="a", name="b"),
    ]
    assert named(jobs, "j2").id == "j2"
    assert named(jobs, "a").name == "b"  # an id goes before a name
    assert named(jobs[:2], "a").id == "j3"
    with pytest.raises(ConfigError, match="no job 'x'"):
        named(jobs, "x")


def test_what_is_stopped_is_the_newest_that_goes_on() -> None:
    """Where all of that name have ended it is the newest; an id is an id."""
    jobs = [
        SimpleNamespace(id=f"j{n}", name="a", has_ended=has_ended)
        for n, has_ended in ((4, True), (3, False), (2, False), (1, True))
    ]
    assert to_stop(jobs, "a").id == "j3"
    assert to_stop(jobs, "j1").id == "j1"
    assert to_stop(jobs[:1], "a").id == "j4"
