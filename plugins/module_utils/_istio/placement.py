# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workload runs in which cluster: a table turned into the objects of one cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._kube.fields import plain

Object = dict[str, Any]
Placement = Mapping[str, Any]
"""Workload (a Deployment's name) to its cluster (text) or clusters (list); an empty list means nowhere."""

DRAIN_SECONDS = 8
"""How long a container serves on after its pod left the endpoints: long enough for every sidecar to hear of it."""
LABELS = {"app.kubernetes.io/managed-by": "mcistio.gke"}
CLUSTER_VARIABLE = "CLUSTER_NAME"


def placed(
    documents: Iterable[Object | None],
    cluster: str,
    placement: Placement,
    namespace: str = "",
    drain_seconds: int = DRAIN_SECONDS,
    clusters: Iterable[str] | None = None,
) -> list[Object]:
    """The objects that belong in a cluster: Deployments where the table puts them, everything else everywhere.

    A Service must exist in the client's cluster for its name to resolve, in the server's for its endpoints to be found.

    Args:
        documents: the parsed documents of a manifest; empty ones are skipped.
        cluster: the cluster to make the objects for.
        placement: the table; it must name every Deployment of the manifest and nothing else.
        namespace: put into every object that has none; empty leaves them as they are.
        drain_seconds: pause before an application stops, so that no request is lost when it moves; 0 adds none.
        clusters: the clusters there are; when given, the table may name no other.

    Raises:
        ValueError: the table does not fit the manifest or the clusters.
    """
    found = _checked(documents, placement, clusters)
    here = [
        doc
        for doc in found
        if doc["kind"] != "Deployment" or cluster in clusters_of(placement, doc["metadata"]["name"])
    ]
    return [_dressed(doc, cluster, namespace, drain_seconds) for doc in here]


def unplaced(
    documents: Iterable[Object | None],
    cluster: str,
    placement: Placement,
    namespace: str = "",
    clusters: Iterable[str] | None = None,
) -> list[Object]:
    """The Deployments that must not run in a cluster: just enough of each to delete it."""
    found = _checked(documents, placement, clusters)
    gone = [
        doc
        for doc in found
        if doc["kind"] == "Deployment" and cluster not in clusters_of(placement, doc["metadata"]["name"])
    ]
    return [{"apiVersion": doc["apiVersion"], "kind": doc["kind"], "metadata": _place(doc, namespace)} for doc in gone]


def endpoints(
    documents: Iterable[Object | None], placement: Placement, namespace: str = "default"
) -> list[dict[str, str]]:
    """What istiod must know when the table is fulfilled: one entry per workload and cluster, with its Service."""
    found = _checked(documents, placement, None)
    services = [doc for doc in found if doc["kind"] == "Service"]
    entries = []
    for deployment in (doc for doc in found if doc["kind"] == "Deployment"):
        name, service = deployment["metadata"]["name"], _service_of(deployment, services)
        place = deployment["metadata"].get("namespace") or namespace
        for cluster in clusters_of(placement, name):
            entries.append({"workload": name, "service": service, "namespace": place, "cluster": cluster})
    return entries


def clusters_of(placement: Placement, workload: str) -> list[str]:
    """The clusters of a workload."""
    value = placement.get(workload, [])
    return [value] if isinstance(value, str) else list(value)


def _checked(documents: Iterable[Object | None], placement: Placement, clusters: Iterable[str] | None) -> list[Object]:
    """The documents, if table, manifest and clusters fit: a slip of the pen must not remove a workload."""
    # templates hand over lazy containers, which are dictionaries in name only
    found: list[Object] = [plain(doc) for doc in documents if doc]
    names = {doc["metadata"]["name"] for doc in found if doc["kind"] == "Deployment"}
    unknown, missing = sorted(set(placement) - names), sorted(names - set(placement))
    if unknown:
        raise ValueError(
            f"the placement names {', '.join(unknown)}, but the manifest has only {', '.join(sorted(names))}"
        )
    if missing:
        raise ValueError(f"the placement does not say where {', '.join(missing)} should run; use [] for nowhere")
    if clusters is not None:
        there = list(clusters)
        strangers = sorted({name for workload in placement for name in clusters_of(placement, workload)} - set(there))
        if strangers:
            raise ValueError(f"the placement names cluster {', '.join(strangers)}, but the mesh has {', '.join(there)}")
    return found


def _place(doc: Object, namespace: str) -> Object:
    own = doc["metadata"].get("namespace") or namespace
    return {"name": doc["metadata"]["name"], **({"namespace": own} if own else {})}


def _dressed(doc: Object, cluster: str, namespace: str, drain_seconds: int) -> Object:
    dressed: Object = plain(doc)
    metadata = dressed["metadata"]
    metadata.update(_place(doc, namespace))
    metadata["labels"] = {**(metadata.get("labels") or {}), **LABELS}
    if dressed["kind"] == "Deployment":
        for container in dressed["spec"]["template"]["spec"]["containers"]:
            _name_cluster(container, cluster)
            if drain_seconds:
                container.setdefault("lifecycle", {}).setdefault("preStop", {"sleep": {"seconds": drain_seconds}})
    return dressed


def _name_cluster(container: Object, cluster: str) -> None:
    """Bookinfo's reviews answers with this variable, which is how a caller sees where the answer came from."""
    others = [variable for variable in container.get("env") or [] if variable["name"] != CLUSTER_VARIABLE]
    container["env"] = [*others, {"name": CLUSTER_VARIABLE, "value": cluster}]


def _service_of(deployment: Object, services: list[Object]) -> str:
    """The first Service whose selector fits the pods; one that selects nothing in particular does not count."""
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    for service in services:
        selector = service["spec"].get("selector") or {}
        if selector and selector.items() <= labels.items():
            return str(service["metadata"]["name"])
    return ""
