"""``compose.yaml``, by its specification and by what we promise of it."""

import re

import pytest
import yaml
from cluster_files import CLUSTER, compose, documents, option
from compose_spec import PyCompose

from cluster.capacity import Sum
from cluster.resources import GIB, Gpu, Hardware, plan_pools
from configs.load import load_settings
from pipelines.booking import demand_room
from pipelines.ingest import line
from pipelines.submission import Errand, demand_fit_to_travel


def test_compose_holds_to_its_specification() -> None:
    """Once its variables are filled in. The head waits for Postgres, the workers for the head."""
    parsed = PyCompose.from_yaml(yaml.safe_dump(compose(POSTGRES_PASSWORD="x")))
    assert set(parsed.service_names()) == {
        "head",
        "worker",
        "worker-gpu",
        "postgres",
        "prometheus",
        "grafana",
    }
    with pytest.raises(ValueError, match="depends_on"):
        PyCompose.from_yaml(
            yaml.safe_dump(
                compose(POSTGRES_PASSWORD="x") | {"services": {"a": {"image": "b", "depends_on": 3}}}
            )
        )


def test_compose_publishes_on_loopback_alone_and_limits_everything() -> None:
    for name, service in compose(POSTGRES_PASSWORD="x")["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert not service.get("privileged")
    heads = compose(POSTGRES_PASSWORD="pw")["services"]
    assert [
        name for name, service in heads.items() if "DATABASE_URL" in (service.get("environment") or {})
    ] == ["head"]


def test_what_compose_says_to_set_without_a_card_fits_its_worker() -> None:
    """The lines after "Without a card" at the top of the file."""
    text = (CLUSTER / "compose.yaml").read_text()
    said = text.partition("# Without a card")[2].partition("#\n")[0]
    chosen = dict(re.findall(r"--set ([\w.]+)=(\S+)", said))
    assert {"transcribe.device", "identify.device", "embed.device"} <= set(chosen)
    demand_fit_to_travel(Errand("cluster", ("@somechannel",), settings=tuple(chosen.items())), {})
    settings = load_settings("cluster", overrides=chosen, env_file=None)
    n_cpus = option(compose(POSTGRES_PASSWORD="x")["services"]["worker"]["command"], "num-cpus")
    pools = plan_pools(settings, Hardware(n_cpus))
    assert (pools.transcribe_device, pools.identify_device, pools.embed_device) == ("cpu", "cpu", "cpu")
    demand_room(line(settings, pools), Sum(n_cpus, 0))


def test_object_stores_fit_the_shared_memory_of_their_containers() -> None:
    """Else Ray lays them on the disk, and only its log says so."""
    services = compose(POSTGRES_PASSWORD="x")["services"]
    for name in ("worker", "worker-gpu"):
        shared = int(services[name]["shm_size"].removesuffix("gb")) * 10**9
        assert option(services[name]["command"], "object-store-memory") < shared


def test_postgres_takes_as_many_connections_as_a_run_may_want() -> None:
    """On two cards and 64 CPUs: two of each actor, one for each row of the embedder, the driver's."""
    settings = load_settings("cluster", env_file=None)
    card = Gpu("NVIDIA GeForce RTX 5080", 16 * GIB)
    stages = line(settings, plan_pools(settings, Hardware(64, (card, card))))
    wanted = 4 + sum(max(2, stage.threads) * stage.max_actors for stage in stages)
    command = " --".join(compose(POSTGRES_PASSWORD="x")["services"]["postgres"]["command"])
    assert 100 < wanted <= option(command, "max_connections")


def test_prometheus_keeps_its_figures_on_a_volume_within_bounds() -> None:
    parsed = compose(POSTGRES_PASSWORD="x")
    prometheus = parsed["services"]["prometheus"]
    assert "prometheus:/prometheus" in prometheus["volumes"] and "prometheus" in parsed["volumes"]
    assert "tmpfs" not in prometheus and "user" not in prometheus
    assert any(word.startswith("--storage.tsdb.retention.size=") for word in prometheus["command"])


def test_what_compose_mounts_of_this_folder_is_there() -> None:
    """Docker would make an empty directory in the place of a file that is missing."""
    mounts = [
        volume
        for service in compose(POSTGRES_PASSWORD="x")["services"].values()
        for volume in service.get("volumes", ())
    ]
    named = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(named) == 4
    assert [name for name in named if not (CLUSTER / name).exists()] == []


def test_grafana_knows_prometheus_by_the_same_name_in_both_compose_files() -> None:
    """The dashboard asks for it by its uid; only the address differs."""
    provisioned = CLUSTER / "dashboards" / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    (here,), (there,) = documents(CLUSTER / "compose" / "grafana-datasource.yaml"), documents(provisioned)
    without_url = [
        {key: value for key, value in each["datasources"][0].items() if key != "url"}
        for each in (here, there)
    ]
    assert without_url[0] == without_url[1]
