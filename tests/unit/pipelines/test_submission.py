"""What a job is told: the command, and what is refused before anything leaves this machine."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import ConfigError
from configs.catalogue import PROFILES_DIR, profiles
from configs.load import SECRET_SETTINGS, read_settings_file
from pipelines.submission import (
    Errand,
    address_of,
    default_name,
    flat_settings,
    job_id,
    metadata,
    named,
    notices,
    to_stop,
    written,
)
from pipelines.submission import demand_fit_to_travel as demand


def errand(*sources: str, listed: str | None = None, profile: str = "cluster", **others: Any) -> Errand:
    return Errand(profile, sources, listed, **others)


def demand_fit_to_travel(asked: Errand, profile: Mapping[str, Any] | None = None) -> None:
    demand(asked, profile or {})


def test_a_job_ingests_the_sources_with_the_settings_on_the_cluster_it_is_on() -> None:
    asked = errand(
        "@chan", "https://example.org/a b", profile="speed", config={"embed": {"linger_s": 1}},
        settings=(("embed.batch_size", "64"),), limit=3, force=True, language="en",
    )  # fmt: skip
    assert shlex.split(asked.entrypoint()) == [
        "exec", "python", "run.py", "ingest", "--profile", "speed", "--config", "settings.yaml",
        "--set", "embed.batch_size=64", "--set", "ray.address=auto", "--limit", "3", "--force", "--language", "en", "--", "@chan", "https://example.org/a b",
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=4))
def test_no_source_is_anything_but_one_argument(sources: list[str]) -> None:
    """A source with a quote, a semicolon or a dollar sign is no command of the cluster's shell, and none is an option."""
    words = shlex.split(errand(*sources).entrypoint())
    assert words[words.index("--") + 1 :] == sources


@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
def test_a_setting_that_holds_a_secret_is_refused_with_where_it_goes(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        demand_fit_to_travel(errand("@c", settings=((name, "postgresql://u:hunter2@db/e"),)))
    assert refused.value.code == "secret" and "hunter2" not in str(refused.value)
    assert "environment of the cluster's head node" in refused.value.remedy
    assert ("DATABASE_URL" in refused.value.remedy) == (name == "store.database_url")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (errand("https://u:hunter2@example.org/feed"), "secret"),
        (errand("https://example.org/feed?token=hunter2"), "secret"),
        (errand(listed="https://example.org/a\nhttps://example.org/b?api_key=hunter2\n"), "secret"),
        (errand(listed='{"url": "https://u:hunter2@example.org/b"}\n'), "secret"),
        (errand("@c", settings=(("embed.document_prompt", "password=hunter2"),)), "secret"),
        (errand("/videos/talk.mp3"), "local"),
        (errand("./talk.mp3"), "local"),
        (errand(listed="~/talk.mp3"), "local"),
        (errand(listed='{"url": "/home/me/talk.mp3"}\n'), "local"),
        (errand(listed='" ./talk.mp3"\n'), "local"),
        (errand(listed='{"path": "talk.mp3", "id": "~/talk.mp3"}\n'), "local"),
        (errand(listed='{"url": "https:\\/\\/u:hunter2@example.org\\/b"}\n'), "secret"),
        (errand(listed='{"url": "@chan", "from": "https://example.org/?token=hunter2"}\n'), "secret"),
        (errand(listed="# https://u:hunter2@example.org/old\n@chan\n"), "secret"),
        (errand("@c", settings=(("transcribe.model", "./models/w"),)), "local"),
        (errand("@c", settings=(("download.cookies_file", "cookies.txt"),)), "local"),
        (errand("@c", config={"download": {"cookies_file": "../cookies.txt"}}), "local"),
        (errand("@c", config={"transcribe": {"model": "../demo/models/whisper-tiny-espeak"}}), "local"),
        (errand("@c", config={"store": {"database_url": "postgresql://db/hunter2"}}), "secret"),
        (errand("@c", config={"store": "postgresql://u:hunter2@db/e"}), "secret"),
        (errand("@c", config={"ray": {"address": "auto"}}), "config"),
        (errand("@c", settings=(("ray.address", "auto"),)), "config"),
        (errand(*(f"https://example.org/{n}" for n in range(5000))), "config"),
        (errand("語" * 25_000), "config"),
    ],
)  # fmt: skip
def test_what_must_not_or_can_not_travel_is_refused(asked: Errand, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        demand_fit_to_travel(asked)
    assert refused.value.code == code and refused.value.remedy
    assert "hunter2" not in str(refused.value)


def test_each_kind_of_address_with_a_secret_has_a_remedy_that_works() -> None:
    """``ingest`` on the cluster would refuse a user and password too; cookies do what they do. A token it takes."""
    remedies = []
    for source in ("https://u:hunter2@example.org/feed", "https://example.org/feed?token=hunter2"):
        with pytest.raises(ConfigError) as refused:
            demand_fit_to_travel(errand(source))
        remedies.append(refused.value.remedy)
    assert "download.cookies_file" in remedies[0] and "ingest" not in remedies[0]
    assert "ingest --from FILE" in remedies[1]


def test_a_line_that_names_nothing_costs_only_itself() -> None:
    """As of ``ingest``: the cluster says so in its place. What the dashboard shows are the others."""
    asked = errand("@a", listed='{"url": \n{"title": "none"}\n{"url": "@b"}\n')
    demand_fit_to_travel(asked)
    assert metadata(asked, "mine", "1")["sources"] == "@a, @b"


def test_a_file_of_this_folder_is_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``talk.mp3`` would be a bad id on the cluster; here it is a file, and that is said."""
    monkeypatch.chdir(tmp_path)
    Path("talk.mp3").touch()
    with pytest.raises(ConfigError, match="lies on this machine"):
        demand_fit_to_travel(errand("talk.mp3"))


@pytest.mark.parametrize("source", ["dQw4w9WgXcQ", "@chan", "https://example.org/feed", "file:///mnt/talks"])
def test_what_the_cluster_can_fetch_may_travel(source: str) -> None:
    demand_fit_to_travel(errand(source, listed=f"# a list\n\n{source}\n"))


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        ({"store": {"database_url": "postgresql://u:hunter2@db/e"}}, "secret"),
        ({"download": {"proxy": "http://hunter2:3128"}}, "secret"),
        ({"embed": {"query_prompt": "token=hunter2"}}, "secret"),
        ({"transcribe": {"model": "../mine/whisper"}}, "local"),
        ({"transcribe": {"model": "../demo/models/../../../../whisper"}}, "local"),
        ({"download": {"cookies_file": "~/cookies.txt"}}, "local"),
    ],
)
def test_a_profile_is_looked_at_as_other_settings_are(profile: Mapping[str, Any], code: str) -> None:
    """Somebody may have put one of his own beside those that ship."""
    with pytest.raises(ConfigError) as refused:
        demand_fit_to_travel(errand("@c", profile="mine"), profile)
    assert refused.value.code == code and "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", profiles())
def test_every_profile_that_ships_may_travel(name: str) -> None:
    """Also ``demo``, whose models lie in the package."""
    values = read_settings_file(PROFILES_DIR / f"{name}.yaml")
    demand_fit_to_travel(errand("@c", profile=name), values)
    assert (
        yaml.safe_load(written(errand("@c", profile=name), values)[f"configs/profiles/{name}.yaml"]) == values
    )


def test_settings_travel_as_the_files_that_they_came_in() -> None:
    """So that the environment of the head goes before them, as it does before a file in ``ingest``."""
    config = {"embed": {"dtype": None, "trust_remote_code": ["a/b"]}, "prefilter": {"skip_shorts": False}}
    files = written(errand("@c", listed="@d\n", config=config), {"ray": {"address": "auto"}})
    assert {
        name: text if name == "sources.txt" else yaml.safe_load(text) for name, text in files.items()
    } == {
        "configs/profiles/cluster.yaml": {"ray": {"address": "auto"}},
        "settings.yaml": config,
        "sources.txt": "@d\n",
    }
    assert "--set embed" not in errand("@c", config=config).entrypoint()
    assert list(written(errand("@c"), {})) == ["configs/profiles/cluster.yaml"]


def test_a_place_that_is_here_is_said_to_be_needed_there(tmp_path: Path) -> None:
    """It may be a directory that every node has mounted; a place that isn't here must be one."""
    (tmp_path / "cookies.txt").touch()
    asked = errand(
        "@c",
        config={"transcribe": {"model": str(tmp_path)}, "embed": {"model": "/no/such/model"}},
        settings=(("download.cookies_file", f"{tmp_path}/cookies.txt"), ("transcribe.language", "/tmp")),
    )
    demand_fit_to_travel(asked)
    said = notices(asked, {"identify": {"model": str(tmp_path)}})
    assert sorted(notice.split()[0] for notice in said) == [
        "download.cookies_file",
        "identify.model",
        "transcribe.model",
    ]
    assert notices(replace(asked, settings=(("transcribe.model", "small"),)), {}) == []


def test_settings_are_read_as_text() -> None:
    """Each by ``section.name``; what is no section stands there too, so that it is looked at."""
    values = {
        "embed": {"dtype": None, "trust_remote_code": ["a/b", "c/d"]},
        "prefilter": {"skip_shorts": False}, "report": None, "store": "postgresql://…",
    }  # fmt: skip
    assert flat_settings(values) == [
        ("embed.dtype", ""), ("embed.trust_remote_code", "a/b,c/d"), ("prefilter.skip_shorts", "false"),
        ("report", ""), ("store", "postgresql://…"),
    ]  # fmt: skip


def test_a_job_bears_a_name_that_a_person_knows() -> None:
    at = datetime(2026, 11, 25, 22, 1)
    assert job_id("Some Channel!", at, "ab12") == "earmark-some-channel-20261125-2201-ab12"
    assert job_id("日本語", at, "ab12") == "earmark-ingest-20261125-2201-ab12"
    assert default_name(["https://www.youtube.com/@chan/"]) == "@chan"
    assert default_name(["https://www.youtube.com/watch?v=dQw4w9WgXcQ"]) == "dQw4w9WgXcQ"
    assert default_name([]) == "ingest"


def test_the_dashboard_says_what_a_job_is_about() -> None:
    told = metadata(errand("@a", listed="@b\n#no\n@c\n@d\n", profile="speed"), "mine", "0.1.0")
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


def test_a_list_is_read_as_json_reads_it_and_a_title_may_speak_of_tokens() -> None:
    """An escaped slash hid a password, and "What does auth = mean?" refused a whole list."""
    leaky = '{"url": "https://example.org/a", "feed": "https:\\/\\/joe:hunter2@example.org\\/a"}'
    with pytest.raises(ConfigError, match="a user or a password") as raised:
        demand_fit_to_travel(Errand("cluster", listed=leaky))
    assert "hunter2" not in str(raised.value)
    demand_fit_to_travel(
        Errand("cluster", listed='{"url": "https://example.org/a", "title": "What does auth = mean?"}')
    )
