# SPDX-License-Identifier: GPL-3.0-or-later
"""istiod's view of a mesh, of every replica; waits for a state of it where asked. Never writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._istio import trust, waits
from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import VIEWS, Istiod, Replica
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import (
    CLUSTER_REF,
    CLUSTER_REFS,
    connect,
    require,
)
from ansible_collections.mcistio.gke.plugins.module_utils._kube.progress import addresses
from ansible_collections.mcistio.gke.plugins.module_utils._kube.waiting import Report, told_by

Object = dict[str, Any]

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "cluster": CLUSTER_REF,
    "namespace": {"type": "str", "default": "istio-system"},
    "revision": {"type": "str", "default": ""},
    "views": {"type": "list", "elements": "str", "choices": list(VIEWS)},
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "required": True}},
    },
    "wait_for_synced": {"type": "list", "elements": "str", "default": []},
    "wait_for_ca": CLUSTER_REFS,
    "ca_namespaces": {"type": "list", "elements": "str"},
    "wait_for_endpoints": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "service": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "default"},
            "workload": {"type": "str"},
            "cluster": {"type": "str", "required": True},
        },
    },
    "wait_timeout": {"type": "int", "default": 120},
}
SPEC_KWARGS: dict[str, Any] = {}

Question = Callable[[], list[str]]
"""What is still missing, a line each."""


def run(
    params: dict[str, Any], *, check_mode: bool, diff: bool, report: Report, clock: Clock = SYSTEM
) -> dict[str, Any]:
    """Read, and wait where asked; see the module's documentation for options and result.

    Check mode reads the same and waits for nothing: what would be waited for may only come with the real run.
    """
    report = told_by(params["cluster"]["name"], report)
    client = connect(params["cluster"], params)
    if client is None and check_mode:
        return _result([], {})
    live = require(client, params["cluster"])
    istiod = Istiod(live, params["namespace"], params["revision"])
    if not check_mode:
        _wait(_questions(live, istiod, params), params["wait_timeout"], report, clock)
    return _result(_replicas(istiod, params, check_mode), _addresses(live, params["services"]))


def _replicas(istiod: Istiod, params: dict[str, Any], check_mode: bool) -> list[Replica]:
    views = _views(params)
    try:
        return istiod.replicas(views) if views else []
    except MeshError:
        if check_mode:
            return []  # a control plane that does not run yet is nothing to fail a prediction for
        raise


def _views(params: dict[str, Any]) -> list[str]:
    """The views to return: those asked for; without any wish, all, or what was waited for."""
    if params["views"] is not None:
        return list(params["views"])
    waited = {"clusters": params["wait_for_synced"], "endpoints": params["wait_for_endpoints"]}
    if params["services"] or params["wait_for_ca"] or any(waited.values()):
        return [view for view, wish in waited.items() if wish]
    return list(VIEWS)


def _questions(client: KubeClient, istiod: Istiod, params: dict[str, Any]) -> list[Question]:
    """What to wait for, in the order in which it comes true."""
    found: list[Question] = []
    if params["wait_for_synced"]:
        found.append(lambda: waits.unsynced(istiod.replicas(["clusters"]), params["wait_for_synced"]))
    if params["wait_for_ca"]:
        remotes = [require(connect(ref, params), ref) for ref in params["wait_for_ca"]]
        found.append(lambda: _without_ca(client, remotes, params))
    if params["wait_for_endpoints"]:
        found.append(lambda: waits.without_endpoints(istiod.replicas(["endpoints"]), params["wait_for_endpoints"]))
    return found


def _without_ca(primary: KubeClient, remotes: list[KubeClient], params: dict[str, Any]) -> list[str]:
    root = trust.root_certificate(primary, params["namespace"])
    if not root:
        return [f"istiod has not published its root certificate in cluster {primary.name}"]
    places = params["ca_namespaces"] or [params["namespace"]]
    found = [(remote.name, trust.trouble(remote, root, places, params["revision"])) for remote in remotes]
    return [f"cluster {name}: {text} ({trust.ANNOTATE_FIRST})" for name, texts in found for text in texts]


def _wait(questions: list[Question], seconds: float, report: Report, clock: Clock) -> None:
    """Ask until nothing is missing; a new line of progress only when what is missing changes."""
    deadline = Deadline(seconds, clock)
    for question in questions:
        told: list[str] | None = None
        missing = _asked(question)
        while missing:
            if deadline.passed:
                raise MeshError("wait for", "the mesh", f"after {seconds:g} s {'; '.join(missing)}")
            if missing != told:
                report(f"waiting ({deadline.elapsed:.0f} s): {'; '.join(line.partition(' (')[0] for line in missing)}")
                told = missing
            deadline.pause()
            missing = _asked(question)


def _asked(question: Question) -> list[str]:
    """What is missing; a replica that restarts just now counts as that, and so does an API server that does."""
    try:
        return question()
    except MeshError as error:
        return [str(error)]


def _addresses(client: KubeClient, services: list[dict[str, Any]]) -> dict[str, str]:
    """First address of each Service, empty while it has none, by ``namespace/name``."""
    found: dict[str, str] = {}
    for service in services:
        live = client.get("v1", "Service", service["name"], service["namespace"])
        there = addresses(live) if live else []
        found[f"{service['namespace']}/{service['name']}"] = there[0] if there else ""
    return found


def _result(replicas: list[Replica], found: dict[str, str]) -> dict[str, Any]:
    return {
        "changed": False,
        "replicas": [_replica(replica) for replica in replicas],
        "proxies": _proxies(replicas),
        "endpoints": _endpoints(replicas),
        "addresses": found,
    }


def _replica(replica: Replica) -> dict[str, Any]:
    clusters = [{"name": each.name, "secret": each.secret, "status": each.status} for each in replica.clusters]
    return {"pod": replica.pod, "clusters": clusters}


def _proxies(replicas: list[Replica]) -> dict[str, list[dict[str, Any]]]:
    """Every connected proxy by cluster; each is connected to one replica, so the union is the whole."""
    found: dict[str, list[dict[str, Any]]] = {}
    for replica in replicas:
        for proxy in replica.proxies:
            entry = {"name": proxy.name, "replica": replica.pod, "version": proxy.version}
            trouble = {"stale": list(proxy.stale), "errors": list(proxy.errors)}
            found.setdefault(proxy.cluster, []).append({**entry, **trouble})
    return found


def _endpoints(replicas: list[Replica]) -> dict[str, dict[str, list[str]]]:
    """Service → cluster → ready addresses that every replica knows: what one lacks, its proxies cannot reach."""
    by_replica = [_ready(replica) for replica in replicas]
    if not by_replica:
        return {}
    common = set.intersection(*by_replica)
    found: dict[str, dict[str, list[str]]] = {}
    for host, cluster, address in sorted(common):
        found.setdefault(host, {}).setdefault(cluster, []).append(address)
    return found


def _ready(replica: Replica) -> set[tuple[str, str, str]]:
    return {
        (host, endpoint.cluster, f"{endpoint.address}:{endpoint.port}")
        for host, entries in replica.endpoints.items()
        for endpoint in entries
        if endpoint.healthy
    }
