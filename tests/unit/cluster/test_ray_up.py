"""The files for ``ray up``: by Ray's schema, and by what its two autoscalers make of them."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import jsonschema
import pytest
import ray.autoscaler
from cluster_files import CLUSTER, RAY_UP, documents, versions
from ray.autoscaler._private.autoscaler import StandardAutoscaler
from ray.autoscaler._private.load_metrics import LoadMetrics
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig

AWS, ON_PREMISES = CLUSTER / "ray-up" / "aws.yaml", CLUSTER / "ray-up" / "on-premises.yaml"


def prepared(path: Path) -> dict[str, Any]:
    """With a provider's defaults filled in, as ``ray up`` does."""
    (config,) = documents(path)
    found: dict[str, Any] = prepare_config(config)
    return found


@pytest.mark.parametrize("path", RAY_UP, ids=lambda path: path.name)
def test_files_hold_to_rays_own_schema_and_are_complete(path: Path) -> None:
    """Ray's validator itself."""
    (config,) = documents(path)
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    jsonschema.validate(config, schema)
    validate_config(prepared(path))


@pytest.mark.parametrize("path", RAY_UP, ids=lambda path: path.name)
def test_heads_keep_the_dashboard_to_loopback_and_scale(path: Path) -> None:
    (config,) = documents(path)
    start = " ".join(config["head_start_ray_commands"])
    assert (
        "--dashboard-host=127.0.0.1" in start and "--autoscaling-config=~/ray_bootstrap_config.yaml" in start
    )


def test_machines_on_aws_are_told_which_image_and_which_doors_they_have() -> None:
    """Ray's defaults: an image with a driver too old for torch, and port 22 open to the world."""
    (config,) = documents(AWS)
    for name, node_type in config["available_node_types"].items():
        machine = node_type["node_config"]
        assert machine["ImageId"] and machine["SecurityGroupIds"], name


def test_no_stage_of_the_cpu_nodes_has_room_beside_a_card_on_aws() -> None:
    """The profile ``cluster`` keeps them apart by labels; so does the booking, for an autoscaler that knows none."""
    (config,) = documents(AWS)
    assert config["available_node_types"]["gpu"]["resources"] == {"CPU": 0, "GPU": 1}


def test_the_autoscaler_on_aws_finds_an_image_for_every_node_that_it_starts() -> None:
    """It asks for one after the machine was bought: a node without would be bought again and again."""
    config = AutoscalingConfig(prepared(AWS), skip_content_hash=True)
    found = {name: config.get_docker_config(name)["image"] for name in ("head", "cpu", "gpu")}
    version = versions()["EARMARK_VERSION"]
    image = f"REGISTRY/earmark:{version}"
    assert found == {"head": f"{image}-cpu", "cpu": f"{image}-cpu", "gpu": f"{image}-gpu"}


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # Ray's provider leaves closing its file to the collector
def test_all_machines_of_ones_own_are_taken_by_the_autoscaler_that_the_file_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's first one over its own provider; only ssh is left out. The second one takes the head for a worker."""
    assert "RAY_UP_enable_autoscaler_v2=0 .venv/bin/ray up" in ON_PREMISES.read_text()
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))  # where the provider keeps which machines are up
    config = prepared(ON_PREMISES)
    config["provider"] |= {"disable_node_updaters": True, "foreground_node_launch": True}
    config["file_mounts"] = {}
    key = tmp_path / "key"
    key.touch()
    config["auth"]["ssh_private_key"] = str(key)
    autoscaler = StandardAutoscaler(
        lambda: config, LoadMetrics(), MagicMock(), update_interval_s=0, prom_metrics=MagicMock()
    )
    autoscaler.update()
    assert autoscaler.num_failures == 0
    assert set(autoscaler.provider.non_terminated_nodes({})) == {"192.0.2.10", "192.0.2.11", "192.0.2.12"}
