# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cluster keeps its files: home/world/<slot>/."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gkelab.world.plan import ClusterPlan, NodePlan


@dataclass(frozen=True)
class ClusterFolder:
    """The folder of the cluster in one slot."""

    home: Path
    slot: int

    @property
    def root(self) -> Path:
        return self.home / "world" / str(self.slot)

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def processes(self) -> Path:
        return self.root / "processes"

    def node(self, index: int) -> Path:
        """The disk of one node."""
        return self.root / "nodes" / str(index)

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of one component."""
        return self.root / f"{user}.kubeconfig"

    def log(self, component: str) -> Path:
        """The log of one process of this cluster."""
        return self.home / "logs" / f"{self.slot}-{component}.log"

    def owner(self) -> str | None:
        """The key of the cluster whose files these are."""
        try:
            return str(json.loads((self.root / "plan.json").read_text())["key"])
        except (OSError, ValueError, KeyError):
            return None

    def claim(self, plan: ClusterPlan) -> None:
        """Make the folder this cluster's; what an earlier cluster left in the slot goes."""
        if self.owner() not in (None, plan.key):
            self.remove()
        write_json(self.root / "plan.json", {"key": plan.key})

    def remember_node(self, index: int, node: NodePlan) -> None:
        """Note which machine the node with this index is."""
        write_json(self.root / "nodes" / f"{index}.json", dataclasses.asdict(node))

    def forget_node(self, index: int) -> None:
        """Remove a node's disk and its note."""
        shutil.rmtree(self.node(index), ignore_errors=True)
        (self.root / "nodes" / f"{index}.json").unlink(missing_ok=True)

    def nodes(self) -> dict[int, NodePlan]:
        """The machines that were made, by index."""
        found = {}
        for path in (self.root / "nodes").glob("*.json"):
            fields: dict[str, Any] = json.loads(path.read_text())
            fields |= {name: tuple(fields[name]) for name in ("tags", "taints")}
            found[int(path.stem)] = NodePlan(**fields)
        return dict(sorted(found.items()))

    def remove(self) -> None:
        """Remove every file of the cluster but its logs."""
        shutil.rmtree(self.root, ignore_errors=True)


def write_json(path: Path, value: object) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(json.dumps(value, indent=1))
    draft.replace(path)
