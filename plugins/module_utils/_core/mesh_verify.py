# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that a mesh works, from the API servers up to requests of users; failures name layer and likely cause."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError, one_line
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.base import Check, Context, Fetch, Result
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.ladder import API, LADDER
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import CLUSTER_REF, CLUSTER_REFS, connect
from ansible_collections.mcistio.gke.plugins.module_utils._kube.waiting import Report

try:
    import urllib3
except ImportError:  # the API servers, which are asked first, cannot be reached without it either, and say so
    urllib3 = None  # type: ignore[assignment]

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "primary": CLUSTER_REF,
    "remotes": CLUSTER_REFS,
    "istio_namespace": {"type": "str", "default": "istio-system"},
    "revision": {"type": "str", "default": ""},
    "workloads": {"type": "dict", "default": {}},
    "namespace": {"type": "str", "default": "default"},
    "gateway": {"type": "str", "default": "istio-ingress/istio-ingress"},
    "url": {"type": "str", "default": ""},
    "wait_timeout": {"type": "int", "default": 30},
}
SPEC_KWARGS: dict[str, Any] = {}

Line = tuple[Check, Result]


def run(
    params: dict[str, Any],
    *,
    check_mode: bool,
    diff: bool,
    report: Report,
    clock: Clock = SYSTEM,
    fetch: Fetch | None = None,
) -> dict[str, Any]:
    """Go up the ladder; see the module's documentation for options and result.

    All checks are made, also after one failed: what else is broken tells where to look. A cluster that does not answer
    is left out of the checks above the first. The result says ``failed`` instead of raising, to carry every check.
    """
    context = _context(params, check_mode, clock, fetch or _fetcher())
    lines = [(API, result) for result in API.run(context)]
    for _check, result in lines:
        if not result.ok and result.cluster in context.clusters:
            context.missing[result.cluster] = result.detail
            del context.clusters[result.cluster]
    if context.primary_name in context.clusters:
        lines += _climb(context, params["wait_timeout"], report)
    return _result(context, lines)


def _context(params: dict[str, Any], check_mode: bool, clock: Clock, fetch: Fetch) -> Context:
    clients: dict[str, KubeClient] = {}
    missing: dict[str, str] = {}
    for ref in [params["primary"], *params["remotes"]]:
        try:
            client = connect(ref, params)
        except MeshError as error:
            missing[ref["name"]] = str(error)
            continue
        if client is None:
            missing[ref["name"]] = "the cluster does not exist, or is still being created"
        else:
            clients[ref["name"]] = client
    namespace, _slash, name = params["gateway"].partition("/")
    return Context(
        primary_name=params["primary"]["name"],
        clusters=clients,
        missing=missing,
        namespace=params["istio_namespace"],
        revision=params["revision"],
        app_namespace=params["namespace"],
        workloads=_workloads(params["workloads"]),
        gateway=(namespace, name),
        url=params["url"].rstrip("/"),
        fetch=fetch,
        check_mode=check_mode,
        clock=clock,
    )


def _workloads(table: dict[str, Any]) -> dict[str, list[str]]:
    """The placement with every value as a list; a workload that is placed nowhere is nothing to prove."""
    lists = {name: [where] if isinstance(where, str) else list(where or []) for name, where in table.items()}
    return {name: where for name, where in lists.items() if where}


def _climb(context: Context, seconds: float, report: Report) -> list[Line]:
    """Every check; while one fails it is made again, as long as the time for all lasts: a mesh settles in seconds."""
    lines: list[Line] = []
    deadline = Deadline(seconds, context.clock)
    for check in LADDER:
        results = _run(check, context)
        told = ""
        while _failures(results) and not deadline.passed:
            text = "; ".join(f"{each.cluster}: {each.detail}" for each in _failures(results))
            if text != told:
                report(f"{check.layer} {check.name} ({deadline.elapsed:.0f} s): {text}")
                told = text
            deadline.pause()
            context.look_again()
            results = _run(check, context)
        lines += [(check, result) for result in results]
    return lines


def _run(check: Check, context: Context) -> list[Result]:
    try:
        return check.run(context)
    except MeshError as error:
        return [Result(context.primary_name, False, str(error))]


def _failures(results: list[Result]) -> list[Result]:
    return [result for result in results if not result.ok]


def _result(context: Context, lines: list[Line]) -> dict[str, Any]:
    failed = [line for line in lines if not line[1].ok]
    skipped = sum(result.skipped for _check, result in lines)
    counts = {"passed": len(lines) - len(failed) - skipped, "failed": len(failed), "skipped": skipped}
    answered = {workload: sorted(set(where)) for workload, where in sorted(context.answered.items())}
    result: dict[str, Any] = {
        "changed": False,
        "checks": [_shown(check, found) for check, found in lines],
        "summary": {"clusters": context.expected, "page": context.page, "answered": answered, "checks": counts},
    }
    if failed:
        told = "\n".join(f"{check.layer} {check.name}, {found.cluster}: {_sentence(found)}" for check, found in failed)
        result.update(failed=True, msg=f"{len(failed)} of {len(lines)} checks of the mesh failed:\n{told}")
    return result


def _shown(check: Check, result: Result) -> dict[str, Any]:
    return {
        "layer": check.layer,
        "name": check.name,
        "cluster": result.cluster,
        "ok": result.ok,
        "skipped": result.skipped,
        "detail": result.detail,
        "hint": result.hint,
    }


def _sentence(result: Result) -> str:
    detail = result.detail if result.detail.endswith(".") else f"{result.detail}."
    return one_line(f"{detail} {result.hint}")


def _fetcher() -> Fetch:
    """GET over kept-alive connections, without a proxy: the gateway's address may be a private one."""
    pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5.0, read=15.0)) if urllib3 else None

    def fetch(url: str) -> tuple[int, str]:
        if pool is None:
            return 0, "the Python library urllib3 is missing"
        try:
            answer = pool.request("GET", url, headers={"Accept": "application/json, text/html"})
        except urllib3.exceptions.HTTPError as error:
            return 0, str(error)
        return answer.status, answer.data.decode("utf-8", "replace")

    return fetch
