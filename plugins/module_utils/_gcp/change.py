# SPDX-License-Identifier: GPL-3.0-or-later
"""One change of a cluster: one call, and the differences that it settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import Difference


@dataclass(frozen=True)
class Retirement:
    """What must happen to a node pool before the call that deletes it.

    Attributes:
        pool: its name; its nodes are emptied.
        successor: the pool that takes its place, which must run before.
        closed: pools that take in no pods meanwhile, this one among them.
        at_once: how many of its nodes are emptied at a time.
    """

    pool: str
    successor: str
    closed: tuple[str, ...]
    at_once: int = 1


@dataclass(frozen=True)
class Change:
    """A call that changes something.

    Attributes:
        text: what it does, for people.
        method: HTTP method.
        path: what follows the cluster's own path.
        body: JSON to send; empty for a call without a body.
        settles: the differences that are gone afterwards.
        retires: what goes before the call, for the deletion of a pool that is replaced.
        replaces: whether it makes a pool in the place of another, which is to be drained then.
    """

    text: str
    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    settles: tuple[Difference, ...] = ()
    retires: Retirement | None = None
    replaces: bool = False

    @property
    def asks_for_a_version(self) -> bool:
        """Whether it moves the control plane to another version, which the service must offer."""
        return "desiredMasterVersion" in (self.body.get("update") or {})


def described(differences: list[Difference]) -> str:
    """The differences in one line."""
    return "; ".join(str(one) for one in differences)
