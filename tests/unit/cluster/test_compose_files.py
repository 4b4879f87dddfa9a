"""``compose.yaml``, by its specification and by what we promise of it."""

import pytest
import yaml
from cluster_files import CLUSTER, compose, documents
from compose_spec import PyCompose


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
