# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether istiod can still read each remote: a canary put there must come up in every replica's view.

``synced`` proves nothing: it stays when the token is revoked or the API server is gone.
"""

from __future__ import annotations

import secrets
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._istio import remote_secret
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.base import Context, Result
from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import of_service
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient

Object = dict[str, Any]

LABEL = "mcistio.gke/canary"
NOWHERE = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): an address that leads nowhere, behind a Service that hardly anyone is shown."""
SECONDS = 10.0


def credential(context: Context) -> list[Result]:
    """Every remote's stored credential is there, and lives."""
    results, stored = [], []
    for name in context.remotes:
        server = _stored_server(context, name)
        if server:
            stored.append(name)
        else:
            detail = f"Secret {context.namespace}/{remote_secret.secret_name(name)} on the primary holds no key to it"
            results.append(Result(name, False, detail, "Run the remote phase for it."))
    if context.check_mode:
        return results + [Result(name, True, "no canary in check mode", skipped=True) for name in stored]
    return results + _canaries(context, stored)


def _stored_server(context: Context, name: str) -> str:
    secret = context.primary.get("v1", "Secret", remote_secret.secret_name(name), context.namespace)
    found = remote_secret.stored_credential(secret, name) if secret else None
    return found.server if found else ""


def canary(name: str, namespace: str) -> list[Object]:
    """A Service without pods and one endpoint for it.

    ``exportTo: .`` keeps it to proxies of Istio's own namespace; with ``~``, for nobody, istiod would not take it in.
    """
    metadata = {"name": name, "namespace": namespace, "labels": {LABEL: "true"}}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata, "annotations": {"networking.istio.io/exportTo": "."}},
        "spec": {"ports": [{"name": "tcp", "port": 65000, "protocol": "TCP"}]},
    }
    labels = {
        LABEL: "true",
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": "mcistio.gke",
    }
    endpoint = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "tcp", "port": 65000, "protocol": "TCP"}],
        "endpoints": [{"addresses": [NOWHERE], "conditions": {"ready": True}}],
    }
    return [service, endpoint]


def _canaries(context: Context, names: list[str]) -> list[Result]:
    """All remotes at once, so that the wait is the longest one and not the sum."""
    service = f"mesh-canary-{secrets.token_hex(4)}"
    try:
        for name in names:
            for obj in canary(service, context.namespace):
                context.remotes[name].apply(obj)
        unseen = _wait(context, service, names)
    finally:
        for name in names:
            _sweep(context.remotes[name], context.namespace)
    return [_judged(name, unseen.get(name, [])) for name in names]


def _wait(context: Context, service: str, names: list[str]) -> dict[str, list[str]]:
    """Cluster → replicas that never saw its canary."""
    deadline = Deadline(SECONDS, context.clock)
    while True:
        unseen: dict[str, list[str]] = {}
        for replica in context.istiod.replicas(["endpoints"]):
            seen = {endpoint.cluster for endpoint in of_service(replica.endpoints, service, context.namespace)}
            for name in set(names) - seen:
                unseen.setdefault(name, []).append(replica.pod)
        if not unseen or deadline.passed:
            return unseen
        deadline.pause()


def _sweep(client: KubeClient, namespace: str) -> None:
    """Remove the canary, and those of runs that were killed."""
    for api_version, kind in (("v1", "Service"), ("discovery.k8s.io/v1", "EndpointSlice")):
        for found in client.list(api_version, kind, namespace, labels=f"{LABEL}=true"):
            client.delete(found)


def _judged(name: str, unseen: list[str]) -> Result:
    if not unseen:
        return Result(name, True, "a canary object made there was seen by every istiod")
    detail = f"a canary object made there was not seen within {SECONDS:g} s by {', '.join(sorted(unseen))}"
    hint = (
        "istiod's credential for it was revoked, or istiod no longer reaches its API server, whatever clusterz says. "
        "Run the remote phase for it."
    )
    return Result(name, False, detail, hint)
