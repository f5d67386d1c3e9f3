# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower half of the ladder: API servers, names, istiod's clusters, trust."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._istio import trust, waits
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.base import Context, Result, per_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.progress import addresses


def api(context: Context) -> list[Result]:
    """Every cluster is there and its API server says that it is ready."""
    results = [Result(name, False, why, "Run the provision phase.") for name, why in context.missing.items()]
    for name, client in context.clusters.items():
        if client.ready():
            results.append(Result(name, True, f"{client.server} is ready"))
        else:
            results.append(Result(name, False, f"{client.server} does not answer /readyz", "Is the cluster running?"))
    return results


def names(context: Context) -> list[Result]:
    """A remote's pods call themselves by the name that the primary knows, and its namespace names the primary."""
    troubles = {name: _name_troubles(context, name, client) for name, client in context.remotes.items()}
    good = "annotation and injection path agree with its name"
    return per_cluster(list(context.remotes), troubles, good, "Run the remote phase for it.")


def _name_troubles(context: Context, name: str, client: KubeClient) -> list[str]:
    found = []
    namespace = client.get("v1", "Namespace", context.namespace) or {"metadata": {}}
    leaders = (namespace["metadata"].get("annotations") or {}).get(trust.ANNOTATION, "")
    if not {context.primary_name, "*"} & {leader.strip() for leader in leaders.split(",")}:
        found.append(f"namespace {context.namespace} has {trust.ANNOTATION}={leaders or '(nothing)'}")
    for hook in (trust.injection_webhook(client, context.revision) or {}).get("webhooks") or []:
        path = _injection_path(hook)
        if f"/cluster/{name}/" not in f"{path}/":
            found.append(f"webhook {hook['name']} injects by {path or '(no path)'}, which does not name {name}")
    return found


def _injection_path(hook: dict[str, Any]) -> str:
    settings = hook.get("clientConfig") or {}
    return str((settings.get("service") or {}).get("path") or settings.get("url") or "")


def view(context: Context) -> list[Result]:
    """Every istiod replica has exactly the expected clusters, each synced."""
    expected = context.expected
    troubles = {name: waits.unsynced(context.replicas(), [name]) for name in expected}
    results = per_cluster(
        expected, troubles, f"synced on {len(context.replicas())} istiod", "Run the remote phase for it."
    )
    strangers = {each.name for replica in context.replicas() for each in replica.clusters} - set(expected)
    hint = "Remove its remote secret from the primary, or add the cluster to the inventory."
    return results + [
        Result(name, False, "istiod has a cluster that is not expected", hint) for name in sorted(strangers)
    ]


def trusted(context: Context) -> list[Result]:
    """A remote trusts the mesh's CA where its webhook and its pods look for it, and finds istiod where that is."""
    root = trust.root_certificate(context.primary, context.namespace)
    places = list(
        dict.fromkeys([context.namespace, context.app_namespace] if context.workloads else [context.namespace])
    )
    offered = _offered_addresses(context)
    troubles = {}
    for name, client in context.remotes.items():
        troubles[name] = trust.trouble(client, root, places, context.revision) + _address_trouble(
            context, client, offered
        )
    hint = f"Run the remote phase for it; {trust.ANNOTATE_FIRST}."
    results = per_cluster(list(context.remotes), troubles, "the mesh's CA is in its webhook and namespaces", hint)
    if not root:
        results.append(Result(context.primary_name, False, "istiod has not published its root certificate"))
    return results


def _offered_addresses(context: Context) -> set[str]:
    """Load balancer addresses in Istio's namespace of the primary: istiod's own, or an east-west gateway's."""
    services = context.primary.list("v1", "Service", context.namespace)
    return {address for service in services for address in addresses(service)}


def _address_trouble(context: Context, client: KubeClient, offered: set[str]) -> list[str]:
    """Whether the remote's stand-in for istiod points to where istiod was once. Without one it uses a name or a URL."""
    service = "-".join(filter(None, ("istiod", context.revision)))
    slices = client.list(
        "discovery.k8s.io/v1", "EndpointSlice", context.namespace, labels=f"kubernetes.io/service-name={service}"
    )
    used = {address for each in slices for endpoint in each.get("endpoints") or [] for address in endpoint["addresses"]}
    astray = sorted(used - offered) if offered else []
    return (
        [f"it looks for istiod at {', '.join(astray)}, but that is at {', '.join(sorted(offered))}"] if astray else []
    )
