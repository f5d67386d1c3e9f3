# SPDX-License-Identifier: GPL-3.0-or-later
"""The upper half of the ladder: proxies, endpoints, and the network between the pods of two clusters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.base import (
    Context,
    Result,
    has_sidecar,
    per_cluster,
    workload_of_pod,
)
from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import Replica

PROBE_SECONDS = 4
HEALTH_PORT = 15021
THREADS = 8


def proxies(context: Context) -> list[Result]:
    """Every placed pod runs, has a sidecar, and the sidecar is connected to an istiod and took what it was sent."""
    connected = {(each.cluster, each.name): each for replica in context.replicas() for each in replica.proxies}
    troubles: dict[str, list[str]] = {}
    counts = dict.fromkeys(context.clusters, 0)
    for cluster in context.clusters:
        found = troubles.setdefault(cluster, [])
        placed = {name for name, where in context.workloads.items() if cluster in where}
        pods = [pod for pod in context.pods(cluster) if workload_of_pod(pod) in placed]
        missing = placed - {workload_of_pod(pod) for pod in pods}
        found += [f"no pod of {workload} is running" for workload in sorted(missing)]
        for pod in pods:
            name = f"{pod['metadata']['name']}.{context.app_namespace}"
            proxy = connected.get((cluster, name))
            counts[cluster] += 1
            if not has_sidecar(pod):
                found.append(f"pod {name} has no sidecar")
            elif proxy is None:
                found.append(f"the sidecar of {name} is not connected to istiod")
            else:
                found += [f"the sidecar of {name} refused its configuration: {error}" for error in proxy.errors]
                found += [f"the sidecar of {name} has not acknowledged {', '.join(proxy.stale)}"] if proxy.stale else []
    hint = "See the pod's istio-proxy log; without a sidecar, label the namespace for injection and restart the pod."
    return [
        Result(
            each.cluster, each.ok, f"{counts[each.cluster]} sidecars connected" if each.ok else each.detail, each.hint
        )
        for each in per_cluster(list(context.clusters), troubles, "", hint)
    ]


def endpoints(context: Context) -> list[Result]:
    """Every istiod replica knows ready endpoints of each workload in its clusters, and in no other."""
    troubles: dict[str, list[str]] = {}
    for replica in context.replicas():
        actual = _placed(replica, context.app_namespace)
        for workload, wanted in context.workloads.items():
            there = actual.get(workload, set())
            for cluster in sorted(set(wanted) - there):
                troubles.setdefault(cluster, []).append(f"{replica.pod} knows no ready endpoint of {workload} there")
            for cluster in sorted(there - set(wanted)):
                troubles.setdefault(cluster, []).append(f"{replica.pod} knows {workload} there, where it is not placed")
    hint = "Run the bookinfo phase; if its pods are ready, istiod does not see that cluster (check credential)."
    clusters = sorted({*context.clusters, *troubles})
    return per_cluster(clusters, troubles, "its workloads are known, and no others", hint)


def _placed(replica: Replica, namespace: str) -> dict[str, set[str]]:
    """Workload → clusters with a ready endpoint, of the Services in one namespace."""
    found: dict[str, set[str]] = {}
    for host, there in replica.endpoints.items():
        if host.split(".")[1:2] == [namespace]:
            for endpoint in there:
                if endpoint.healthy and endpoint.workload:
                    found.setdefault(endpoint.workload, set()).add(endpoint.cluster)
    return found


def network(context: Context) -> list[Result]:
    """Pods of each cluster get an answer from pods of each other one, straight from pod to pod.

    ``pilot-agent wait`` in a sidecar calls the health port of another one: the program is in every proxy image, needs
    no shell, and the sidecar's own user is not redirected through Envoy, so that nothing but the network is tried.
    """
    ends = {name: _sidecar_pod(context, name) for name in context.clusters}
    there = {name: pod for name, pod in ends.items() if pod is not None}
    pairs = [(a, b) for a in there for b in there if a != b]
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        answers = list(pool.map(lambda pair: _probe(context, pair, there), pairs))
    context.blocked = [pair for pair, trouble in zip(pairs, answers, strict=True) if trouble]
    results = [_judged(pair, trouble) for pair, trouble in zip(pairs, answers, strict=True)]
    bare = [name for name, pod in ends.items() if pod is None]
    return results + [Result(name, True, "no sidecar there to try it with", skipped=True) for name in bare]


def _sidecar_pod(context: Context, cluster: str) -> dict[str, Any] | None:
    """A pod with a sidecar: one that is ready if there is one."""
    pods = [pod for pod in context.pods(cluster) if has_sidecar(pod) and pod["status"].get("podIP")]
    return min(pods, key=lambda pod: (not _ready(pod), pod["metadata"]["name"]), default=None)


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def _probe(context: Context, pair: tuple[str, str], ends: dict[str, dict[str, Any]]) -> str:
    """Why a pod of the first cluster got no answer from one of the second; empty when it did."""
    source, target = ends[pair[0]], ends[pair[1]]
    url = f"http://{_bracketed(target['status']['podIP'])}:{HEALTH_PORT}/healthz/ready"
    limits = ["--timeoutSeconds", str(PROBE_SECONDS), "--requestTimeoutMillis", "3000", "--periodMillis", "100"]
    command = ["pilot-agent", "wait", "--url", url, *limits]
    place = source["metadata"]
    try:
        result = context.clusters[pair[0]].exec(
            place["namespace"], place["name"], "istio-proxy", command, PROBE_SECONDS + 10
        )
    except MeshError as error:
        return str(error)
    return "" if result.code == 0 else f"pod {place['name']} got no answer from {target['metadata']['name']} at {url}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _judged(pair: tuple[str, str], trouble: str) -> Result:
    source, target = pair
    if not trouble:
        return Result(source, True, f"its pods reach those of {target}")
    return Result(source, False, trouble, between(source, target))


def between(source: str, target: str) -> str:
    """The likely cause of silence between the pods of two clusters."""
    return (
        f"A firewall between {source} and {target}: the mesh's rule is missing, or does not cover the pod range of "
        f"{source} or the nodes of {target}. Run the firewall phase."
    )
