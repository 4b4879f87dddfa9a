"""Nodes that Ray's autoscaler makes of processes of this machine; its monitor imports this module."""

from typing import Any

from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider


class Nodes(FakeMultiNodeProvider):
    """Ray's own fake nodes, which may have memory.

    Ray Data asks for more nodes like those that are up, their memory included, so a kind of node without memory would
    never be brought twice. Its parent would hand the memory on to where Ray refuses it.
    """

    def create_node_with_resources_and_labels(
        self, node_config: Any, tags: Any, count: int, resources: dict[str, float], labels: Any
    ) -> None:
        found_by_itself = {name: amount for name, amount in resources.items() if name != "memory"}
        super().create_node_with_resources_and_labels(node_config, tags, count, found_by_itself, labels)
