"""Reads the files of ``cluster/``."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CLUSTER = ROOT / "cluster"
KUBERAY = sorted((CLUSTER / "kuberay").glob("*.yaml"))
RAY_UP = sorted((CLUSTER / "ray-up").glob("*.yaml"))
SCRIPTS = sorted((CLUSTER / "boxes").glob("*.sh"))
SOURCED = sorted((CLUSTER / "boxes").glob("*.bash"))
SETTING = re.compile(r'(EARMARK_\w+__\w+)(?:: |=|, value: )"?([\w./=-]+)')


def versions() -> dict[str, str]:
    lines = (CLUSTER / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def constraint(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert found
    return found[1]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def documents(path: Path) -> list[Any]:
    """Of a YAML file, a key given twice an error."""
    return [each for each in yaml.load_all(path.read_text(), _Strict) if each]


def compose(**variables: str) -> Any:
    """``compose.yaml`` with its variables filled in, as ``docker compose`` does."""
    text = (CLUSTER / "compose.yaml").read_text()
    known = versions() | variables
    text = re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", lambda match: known[match[1]], text)
    return yaml.load(text, _Strict)


def pods(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod that an object makes: what it is and the pod's template."""
    spec = document.get("spec", {})
    match document["kind"]:
        case "RayCluster":
            yield "head", spec["headGroupSpec"]["template"]
            yield from ((group["groupName"], group["template"]) for group in spec["workerGroupSpecs"])
        case "CronJob":
            yield document["metadata"]["name"], spec["jobTemplate"]["spec"]["template"]
        case "RayJob":
            yield "submitter", spec["submitterPodTemplate"]


def option(command: str, name: str) -> int:
    """The number that a command gives to ``--name``."""
    found = re.search(rf"--{name}=(\d+)", command)
    assert found, command
    return int(found[1])


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether Docker leaves ``path`` out by the lines of a ``.dockerignore``: the last one that fits it, or a directory
    above it, decides."""
    steps = path.split("/")
    names = ["/".join(steps[:n]) for n in range(1, len(steps) + 1)]
    out = False
    for pattern in patterns:
        wanted = re.compile(_regex(pattern.removeprefix("!")))
        if any(wanted.fullmatch(name) for name in names):
            out = not pattern.startswith("!")
    return out


def _regex(pattern: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(known.get(part) or re.escape(part) for part in parts)


class _Strict(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), f"a key is given twice at {node.start_mark}"
        return super().construct_mapping(node, deep)


OBJECTS = [(path.name, each) for path in KUBERAY for each in documents(path)]


def ours() -> list[Any]:
    return [each for _, each in OBJECTS if each["apiVersion"] == "ray.io/v1"]


def named(kind: str) -> Any:
    (found,) = (each for _, each in OBJECTS if each["kind"] == kind)
    return found
