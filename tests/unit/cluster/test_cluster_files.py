"""The files of ``cluster/``, by the schemas and programs of those who read them, and by what we promise of them."""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import pytest
from cluster_files import (
    CLUSTER,
    KUBERAY,
    OBJECTS,
    RAY_UP,
    SETTING,
    compose,
    constraint,
    documents,
    named,
    ours,
    pods,
    project,
    versions,
)

from cluster.figures import CARDS
from configs.load import load_settings
from configs.settings import Settings

BIN = Path(sys.executable).parent
KUBERNETES = "1.32"
RAY_VERSION = versions()["RAY_VERSION"]
IMAGE = rf"(REGISTRY/)?earmark:{re.escape(versions()['EARMARK_VERSION'])}-(cpu|gpu)"

RAY_CLUSTER = {
    "rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "authOptions", "headGroupSpec", "workerGroupSpecs",
}  # fmt: skip
HEAD_GROUP = {"serviceType", "rayStartParams", "template", "labels"}
WORKER_GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "labels", "rayStartParams", "template"}
AUTOSCALER = {"version", "upscalingMode", "idleTimeoutSeconds", "resources", "securityContext"}
RAY_JOB = {
    "clusterSelector", "submissionMode", "entrypoint", "runtimeEnvYAML", "metadata", "submitterPodTemplate", "backoffLimit",
}  # fmt: skip
"""Fields of KubeRay's API (ray.io/v1, KubeRay 1.6) that we use, by its reference; a misspelt one would be pruned in silence."""
OTHERS = {"ray.io/v1", "monitoring.coreos.com/v1"}
"""APIs that Kubernetes's own schemas don't know."""


@pytest.mark.parametrize(
    ("file", "document"), [pair for pair in OBJECTS if pair[1]["apiVersion"] not in OTHERS]
)
def test_kubernetes_own_objects_hold_to_its_schemas(file: str, document: Any) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", ours())
def test_pods_of_kuberay_hold_to_kubernetes_schema_of_a_pod(document: Any) -> None:
    for name, template in pods(document):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name} | template["metadata"],
            "spec": template["spec"],
        }
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_a_schema_refuses_what_is_misspelt() -> None:
    """The test above can fail."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "a", "imagee": "b"}]},
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", ours())
def test_kuberay_objects_use_fields_that_it_has(document: Any) -> None:
    spec = document["spec"]
    if document["kind"] == "RayJob":
        assert set(spec) <= RAY_JOB
        return
    assert document["kind"] == "RayCluster" and set(spec) <= RAY_CLUSTER
    assert set(spec["headGroupSpec"]) <= HEAD_GROUP and set(spec["autoscalerOptions"]) <= AUTOSCALER
    for group in spec["workerGroupSpecs"]:
        assert (
            set(group) <= WORKER_GROUP and group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        )
    assert all(
        isinstance(value, str)
        for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])
        for value in group["rayStartParams"].values()
    )


def test_pods_have_limits_probes_and_no_rights_that_they_do_not_need() -> None:
    """As another user than root, without privileges or a service account's token where nobody needs it."""
    seen = []
    for _, document in OBJECTS:
        for name, template in pods(document):
            seen.append(name)
            spec = template["spec"]
            assert spec["restartPolicy"] == "Never"
            assert spec["securityContext"]["runAsNonRoot"] is True
            # Else EARMARK_HEAD_SVC_SERVICE_HOST of KubeRay's own service would be refused as a setting.
            assert spec["enableServiceLinks"] is False
            assert spec["automountServiceAccountToken"] is (name == "head")
            for container in spec["containers"]:
                limits = container["resources"]["limits"]
                assert {"cpu", "memory"} <= set(limits) and set(limits) == set(
                    container["resources"]["requests"]
                )
                assert container["securityContext"] == {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                }
                if document["kind"] == "RayCluster":
                    assert {"readinessProbe", "livenessProbe"} <= set(container)
                    assert (
                        ("nvidia.com/gpu" in limits) == (name == "gpu") == container["image"].endswith("-gpu")
                    )
    assert sorted(seen) == ["cpu", "earmark-sync", "gpu", "head", "submitter"]


def test_the_network_lets_in_whoever_submits_and_scrapes_and_names_labels_that_pods_carry() -> None:
    """A peer that no pod of ours is would shut somebody out in silence. The operator and Prometheus aren't ours."""
    carried = {
        name: template["metadata"]["labels"] for _, document in OBJECTS for name, template in pods(document)
    }
    for name in ("head", "cpu", "gpu"):  # KubeRay puts it there
        carried[name] = carried[name] | {"ray.io/cluster": named("RayCluster")["metadata"]["name"]}

    def meant(selector: dict[str, Any]) -> set[str]:
        wanted = selector["matchLabels"].items()
        return {name for name, labels in carried.items() if wanted <= labels.items()}

    policy = named("NetworkPolicy")["spec"]
    assert meant(policy["podSelector"]) == {"head", "cpu", "gpu"}
    peers = [peer for rule in policy["ingress"] for peer in rule["from"]]
    outside = [peer["podSelector"]["matchLabels"] for peer in peers if "namespaceSelector" in peer]
    assert outside == [
        {"app.kubernetes.io/component": "kuberay-operator"}, {"app.kubernetes.io/name": "prometheus"},
    ]  # fmt: skip
    inside = [meant(peer["podSelector"]) for peer in peers if "namespaceSelector" not in peer]
    assert inside == [{"head", "cpu", "gpu"}, {"earmark-sync", "submitter"}]


def test_prometheus_asks_every_node_at_the_port_that_it_has_and_the_network_opens() -> None:
    monitor = named("PodMonitor")["spec"]
    assert set(monitor) == {"selector", "podMetricsEndpoints"}
    cluster = named("RayCluster")
    assert monitor["selector"] == {"matchLabels": {"ray.io/cluster": cluster["metadata"]["name"]}}
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert set(endpoint) == {"port", "interval", "scrapeTimeout"}
    opened = named("NetworkPolicy")["spec"]["ingress"][-1]["ports"]
    for _, template in pods(cluster):
        (port,) = (
            each["containerPort"] for container in template["spec"]["containers"] for each in container["ports"]
            if each["name"] == endpoint["port"]
        )  # fmt: skip
        assert [{"port": port, "protocol": "TCP"}] == opened


def test_the_database_is_known_by_a_certificate_that_every_node_has() -> None:
    """Each stage opens the database by the address of the head."""
    secrets = {
        each["metadata"]["name"]: each["stringData"] for _, each in OBJECTS if each["kind"] == "Secret"
    }
    query = parse_qs(urlsplit(secrets["earmark-secrets"]["DATABASE_URL"]).query)
    assert query["sslmode"] == ["verify-full"]
    (place,) = query["sslrootcert"]
    for _, template in pods(named("RayCluster")):
        (volume,) = (each for each in template["spec"]["volumes"] if each["name"] == "database")
        (mount,) = (
            each for container in template["spec"]["containers"] for each in container["volumeMounts"]
            if each["name"] == "database"
        )  # fmt: skip
        held = secrets[volume["secret"]["secretName"]]
        assert place in {f"{mount['mountPath']}/{key}" for key in held}


def test_the_head_is_not_moved_and_gpu_nodes_have_the_card_that_runs_plan_for() -> None:
    by_name = dict(pods(named("RayCluster")))
    assert by_name["head"]["metadata"]["annotations"] == {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true",
    }  # fmt: skip
    card = CARDS[
        dict(SETTING.findall((CLUSTER / "kuberay" / "raycluster.yaml").read_text()))["EARMARK_RAY__CARD"]
    ]
    assert by_name["gpu"]["spec"]["nodeSelector"] == {"nvidia.com/gpu.product": card.name.replace(" ", "-")}


def test_gpu_nodes_come_with_work_and_go_without() -> None:
    (cluster,) = (each for each in ours() if each["kind"] == "RayCluster")
    spec = cluster["spec"]
    (gpu,) = (group for group in spec["workerGroupSpecs"] if group["groupName"] == "gpu")
    assert spec["enableInTreeAutoscaling"] and spec["autoscalerOptions"]["version"] == "v2"
    assert gpu["minReplicas"] == 0 < gpu["maxReplicas"]
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert spec["authOptions"]["mode"] == "token"


def test_only_the_heads_container_gets_the_secrets_of_the_database() -> None:
    (cluster,) = (each for each in ours() if each["kind"] == "RayCluster")
    holders = [
        name for name, template in pods(cluster) for container in template["spec"]["containers"]
        if "earmark-secrets" in json.dumps(container)
    ]  # fmt: skip
    assert holders == ["head"]


def test_versions_agree_everywhere() -> None:
    """Ray, Python and our own: constraints.txt, versions.env, the image, KubeRay, compose, ray up."""
    assert constraint("ray") == RAY_VERSION
    assert project()["version"] == versions()["EARMARK_VERSION"]
    assert versions()["PYTHON_TAG"] == "py" + project()["requires-python"].split(",")[0].removeprefix(
        ">="
    ).replace(".", "")
    assert {each["spec"]["rayVersion"] for each in ours() if "rayVersion" in each["spec"]} == {RAY_VERSION}
    named = [
        *re.findall(r"image: (\S*earmark:\S+)", "\n".join(path.read_text() for path in KUBERAY)),
        *re.findall(r"(\S*/earmark:\S+)", (CLUSTER / "ray-up" / "aws.yaml").read_text()),
        *(service["image"] for name, service in compose(POSTGRES_PASSWORD="x")["services"].items() if name.startswith(("head", "worker"))),
    ]  # fmt: skip
    assert len(named) >= 8
    assert all(re.fullmatch(IMAGE, image) for image in named), named
    (dashboards,) = documents(CLUSTER / "dashboards" / "compose.yml")
    assert {name: service["image"] for name, service in dashboards["services"].items()} == {
        name: versions()[f"{name.upper()}_IMAGE"] for name in ("prometheus", "grafana")
    }


def test_settings_that_the_files_set_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt EARMARK_ variable would end every job of that cluster."""
    text = "\n".join(path.read_text() for path in (CLUSTER / "compose.yaml", *KUBERAY, *RAY_UP))
    found = dict(SETTING.findall(text))
    assert set(found) == {
        "EARMARK_GOVERNOR__EXIT", "EARMARK_RAY__CPU_NODES", "EARMARK_RAY__GPU_NODES", "EARMARK_RAY__CARD",
        "EARMARK_RAY__MAX_CPUS", "EARMARK_RAY__MAX_GPUS",
    }  # fmt: skip
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    settings: Settings = load_settings("cluster")
    assert settings.ray.card in CARDS
    assert (settings.ray.cpu_nodes, settings.ray.gpu_nodes) == ("earmark.io/kind=cpu", "earmark.io/kind=gpu")
    for kind in ("cpu", "gpu"):
        assert f"earmark.io/kind: {kind}" in text and f"earmark.io/kind={kind}" in text


USER_AND_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def test_no_secret_stands_in_a_job_that_the_dashboard_shows() -> None:
    assert USER_AND_PASSWORD.search("postgresql://u:p@host/db")
    assert not USER_AND_PASSWORD.search("https://www.youtube.com/@somechannel http://host:80/@x")
    job = named("RayJob")
    shown = json.dumps(job["spec"])
    assert not re.search(r"(?i)password|token=", shown) and not USER_AND_PASSWORD.search(shown)
    words = job["spec"]["entrypoint"].split()
    assert words[0] == "exec" and words[1] in project()["scripts"] and words[2] == "ingest"
