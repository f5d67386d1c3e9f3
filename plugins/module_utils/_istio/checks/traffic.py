# SPDX-License-Identifier: GPL-3.0-or-later
"""The top of the ladder: real requests through the ingress gateway, answered by every placed workload of Bookinfo.

What can be proved differs. Upstream's reviews says which pod and cluster answered; its details and ratings do not, so
for those an answer is proof of service, and the endpoint check of where it is. Images that say more are judged by that.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.base import Context, Result
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.data_plane import between
from ansible_collections.mcistio.gke.plugins.module_utils._kube.progress import addresses

PAGE = "/productpage"
PATHS = {
    "details": "/api/v1/products/0",
    "reviews": "/api/v1/products/0/reviews",
    "ratings": "/api/v1/products/0/ratings",
}
ATTEMPTS = 60
"""Requests to see every one of a Service's workloads answer: with three of them, missing one by chance is 1 in 10¹⁰."""
FAILURES = 3

Place = tuple[str, str]
"""Workload and cluster."""


def traffic(context: Context) -> list[Result]:
    """The page is served, and every workload answers from its clusters."""
    if not context.workloads:
        return []
    base = context.url or _gateway_url(context)
    if not base:
        detail = f"the ingress gateway's Service {'/'.join(context.gateway)} has no address"
        return [Result(context.primary_name, False, detail, "Run the control phase, or name the gateway.")]
    context.page = base + PAGE
    results = [_page(context, base)]
    for service, path in PATHS.items():
        wanted = _places(context, service)
        if wanted:
            results += _service(context, service, base + path, wanted)
    return results


def _gateway_url(context: Context) -> str:
    service = context.primary.get("v1", "Service", context.gateway[1], context.gateway[0])
    found = addresses(service) if service else []
    return f"http://{found[0]}" if found else ""


def _places(context: Context, service: str) -> set[Place]:
    found = {name: where for name, where in context.workloads.items() if name.rsplit("-", 1)[0] == service}
    return {(name, cluster) for name, where in found.items() for cluster in where}


def _page(context: Context, base: str) -> Result:
    status, text = context.fetch(base + PAGE)
    places = _places(context, "productpage")
    if status == 200:
        # with an error in it, too, it was this workload that made the page
        for workload, cluster in places:
            context.answered.setdefault(workload, []).append(cluster)
    if status == 200 and "Error fetching product" not in text:
        return Result(context.primary_name, True, f"{base}{PAGE} is served")
    detail = f"{base}{PAGE} answered {_said(status, text)}"
    if status == 200:
        detail = f"{base}{PAGE} lacks a part: {_error_text(text)}"
    return Result(context.primary_name, False, detail, _cause(context, {cluster for _name, cluster in places}))


def _error_text(page: str) -> str:
    start = page.find("Error fetching product")
    return page[start : page.find("<", start)].strip()[:120]


def _service(context: Context, service: str, url: str, wanted: set[Place]) -> list[Result]:
    """Ask until every place answered, or often enough."""
    seen: set[Place] = set()
    silent, failures, last = 0, 0, ""
    for _attempt in range(ATTEMPTS):
        status, text = context.fetch(url)
        answer = _json(text) if status == 200 else None
        if answer is None or "error" in answer:
            failures, last = failures + 1, _said(status, text)
            if failures == FAILURES:
                break
            continue
        place = _place(answer)
        if place is None:
            silent += 1
            if silent == FAILURES:
                break
        else:
            seen.add(place)
        if seen >= wanted:
            break
    for workload, cluster in sorted(wanted if silent and not failures else seen & wanted):
        context.answered.setdefault(workload, []).append(cluster)
    if failures:
        return [_failed(context, service, url, wanted, failures, last)]
    if silent:
        where = ", ".join(sorted({cluster for _name, cluster in wanted}))
        detail = f"{service} answered; its answer names no pod, so that it is in {where} is known by its endpoints"
        return [Result(min(wanted)[1], True, detail)]
    return _by_place(context, service, wanted, seen)


def _failed(context: Context, service: str, url: str, wanted: set[Place], count: int, last: str) -> Result:
    clusters = {cluster for _name, cluster in wanted}
    detail = f"{count} requests for {service} failed at {url}: {last}"
    return Result(min(clusters), False, detail, _cause(context, clusters))


def _by_place(context: Context, service: str, wanted: set[Place], seen: set[Place]) -> list[Result]:
    results = []
    for workload, cluster in sorted(wanted):
        if (workload, cluster) in seen:
            results.append(Result(cluster, True, f"{workload} answered from {cluster}"))
        else:
            detail = f"{workload} in {cluster} answered none of {ATTEMPTS} requests for {service}"
            results.append(Result(cluster, False, detail, _cause(context, {cluster})))
    hint = "An old pod still answers, or a route sends requests there. Run the bookinfo phase."
    strangers = sorted(seen - wanted)
    return results + [
        Result(cluster, False, f"{name} answered from {cluster or '(unnamed)'}", hint) for name, cluster in strangers
    ]


def _place(answer: dict[str, Any]) -> Place | None:
    """Which workload and cluster an answer names: upstream fills ``podname`` and ``clustername``, null if unset."""
    pod, cluster = str(answer.get("podname") or ""), str(answer.get("clustername") or "")
    if pod in ("", "null") or pod.count("-") < 2:
        return None
    return pod.rsplit("-", 2)[0], "" if cluster == "null" else cluster


def _json(text: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _said(status: int, text: str) -> str:
    start = " ".join(text.split())[:160]
    return f"{status} {start}".strip() if status else f"nothing ({start})"


def _cause(context: Context, clusters: set[str]) -> str:
    """A blocked pair of clusters that explains it, if the network check found one."""
    for source, target in context.blocked:
        if source in clusters or target in clusters or clusters <= {context.primary_name}:
            return between(source, target)
    return "See the checks above; if all of them pass, the logs of the pods and of their istio-proxy."
