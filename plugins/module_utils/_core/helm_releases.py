# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm releases of one cluster, in order. Helm's own records say what is there; helm runs only where that differs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._kube import helm_storage, waiting
from ansible_collections.mcistio.gke.plugins.module_utils._kube.charts import Chart, chart_of
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import CLUSTER_REF, connect, require
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.fields import plain
from ansible_collections.mcistio.gke.plugins.module_utils._kube.helm_storage import Release
from ansible_collections.mcistio.gke.plugins.module_utils._kube.masking import masked
from ansible_collections.mcistio.gke.plugins.module_utils._kube.waiting import Report, told_by

try:
    import yaml
except ImportError:  # PyYAML comes with ansible-core; only sanity's import test lacks it
    yaml = None  # type: ignore[assignment]

Object = dict[str, Any]
Helm = Callable[[Endpoint, dict[str, Any]], dict[str, Any]]
"""Runs module kubernetes.core.helm with these options against this API server and gives its result."""

RELEASE_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "chart_ref": {"type": "str"},
    "chart_version": {"type": "str"},
    "chart_repo_url": {"type": "str"},
    "values": {"type": "dict", "default": {}},
    "create_namespace": {"type": "bool", "default": False},
    "skip_crds": {"type": "bool", "default": False},
    "take_ownership": {"type": "bool", "default": False},
    "server_side": {"type": "str", "choices": ["true", "false", "auto"]},
    "force_conflicts": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
}
ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "cluster": CLUSTER_REF,
    "releases": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": RELEASE_OPTIONS,
        "required_if": [("state", "present", ["chart_ref"])],
    },
    "helm_binary": {"type": "path"},
    "pending_grace": {"type": "int", "default": 30},
}
SPEC_KWARGS: dict[str, Any] = {}

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
HELM_MISSING = "Failed to find required executable"
INSTALL_HELM = (
    "Install Helm 3.14 or newer (https://helm.sh/docs/intro/install/) and put it on PATH, "
    "or name it in option helm_binary."
)


@dataclass(frozen=True)
class Outcome:
    """What happened, or would happen, to one release."""

    action: str
    """installed, upgraded, unchanged, uninstalled or absent"""
    wanted: dict[str, Any]
    chart: Chart | None
    live: Release | None

    @property
    def changed(self) -> bool:
        """Whether helm had, or would have, something to do."""
        return self.action in ("installed", "upgraded", "uninstalled")


def run(
    params: dict[str, Any],
    *,
    check_mode: bool,
    diff: bool,
    report: Report,
    helm: Helm | None = None,
    clock: Clock = SYSTEM,
) -> dict[str, Any]:
    """Make the releases as declared; see the module's documentation for options and result.

    Args:
        helm: how helm is run; the action plugin gives it. Not needed in check mode.
    """
    report = told_by(params["cluster"]["name"], report)
    charts = [_chart(release) for release in params["releases"]]
    client = connect(params["cluster"], params)
    _check_binary(params.get("helm_binary"))
    absent_only = all(release["state"] == "absent" for release in params["releases"])
    if client is None and (check_mode or absent_only):
        outcomes = [_predicted(release, chart, None) for release, chart in zip(params["releases"], charts, strict=True)]
        return _result(outcomes, diff)
    worker = _Worker(require(client, params["cluster"]), params, report, None if check_mode else helm, clock)
    return _result(
        [worker.settle(release, chart) for release, chart in zip(params["releases"], charts, strict=True)], diff
    )


def _check_binary(binary: str | None) -> None:
    """A path that is no program is told apart from a helm that is not on PATH."""
    if binary and os.sep in binary and not os.access(binary, os.X_OK):
        raise MeshError("run", f"helm as {binary}", "there is no such program", INSTALL_HELM)


def _chart(release: dict[str, Any]) -> Chart | None:
    return chart_of(release["chart_ref"], release.get("chart_version")) if release["state"] == "present" else None


def _predicted(wanted: dict[str, Any], chart: Chart | None, live: Release | None) -> Outcome:
    """What is to be done about a release, from its newest record alone."""
    there = live is not None and live.status != "uninstalled"
    if chart is None:
        return Outcome("uninstalled" if there else "absent", wanted, None, live)
    if not there or live is None:
        return Outcome("installed", wanted, chart, None)
    same = chart.is_installed(live.chart, live.chart_version) and helm_storage.same_values(
        live.values, wanted["values"]
    )
    return Outcome("unchanged" if live.deployed and same else "upgraded", wanted, chart, live)


class _Worker:
    """Brings one release after another to its state. Without ``helm`` it only predicts (check mode)."""

    def __init__(
        self, client: KubeClient, params: dict[str, Any], report: Report, helm: Helm | None, clock: Clock
    ) -> None:
        self._client, self._params, self._report, self._helm, self._clock = client, params, report, helm, clock
        self._records: dict[str, dict[str, Release]] = {}

    def settle(self, wanted: dict[str, Any], chart: Chart | None) -> Outcome:
        """One release; in check mode only what would happen to it."""
        wanted = {**wanted, "values": plain_values(wanted["values"])}
        live = self._record(wanted)
        if live and live.pending and self._helm:
            live = self._when_quiet(wanted, live)
        outcome = _predicted(wanted, chart, live)
        if self._helm is None:
            return outcome
        if outcome.changed:
            self._report(f"helm release {wanted['namespace']}/{wanted['name']}: {_BEGIN[outcome.action]}")
            if live and not live.deployed:
                self._repair(live, wanted["state"])
            self._run_helm(self._helm, wanted, chart)
            self._records.pop(wanted["namespace"], None)
        if wanted["wait"] and wanted["state"] == "present":
            self._wait(wanted)
        return outcome

    def _record(self, wanted: dict[str, Any], *, again: bool = False) -> Release | None:
        """The newest record of a release; one list serves all releases of a namespace."""
        namespace = wanted["namespace"]
        if again or namespace not in self._records:
            fields = f"type={helm_storage.SECRET_TYPE}"
            secrets = self._client.list("v1", "Secret", namespace, labels=helm_storage.CURRENT, fields=fields)
            self._records[namespace] = helm_storage.newest(secrets)
        return self._records[namespace].get(wanted["name"])

    def _when_quiet(self, wanted: dict[str, Any], live: Release) -> Release | None:
        """The record once it no longer moves: a helm that outlived its playbook gets the time to finish."""
        age = max(0.0, self._clock.wall() - live.touched)
        deadline = Deadline(max(0.0, self._params["pending_grace"] - age), self._clock)
        current: Release | None = live
        while current and current.pending and not deadline.passed:
            self._report(
                f"helm release {live.namespace}/{live.name}: {current.status}, waiting whether helm still runs"
            )
            deadline.pause()
            current = self._record(wanted, again=True)
        return current

    def _repair(self, live: Release, state: str) -> None:
        """Get an unfinished record out of helm's way.

        Helm refuses to touch a release with a pending record, and kubernetes.core takes a failed upgrade for done. To
        deploy again, the record goes; the objects it made carry the release's name, so that helm adopts them. To
        uninstall, the record stays as the list of what to remove.
        """
        if state == "present" and live.status != "uninstalled":
            which = f"revision {live.revision}, {live.status}"
            self._report(f"helm release {live.namespace}/{live.name}: dropping its unfinished record ({which})")
            self._client.delete(live.secret)
        elif live.status == "uninstalling":
            # helm's own word for an operation that did not end well; neither it nor kubernetes.core finishes this one
            self._client.apply(helm_storage.with_status(live, "failed"))

    def _run_helm(self, helm: Helm, wanted: dict[str, Any], chart: Chart | None) -> None:
        options = _helm_options(wanted, chart, self._params.get("helm_binary"))
        result = helm(self._client.endpoint, options)
        if result.get("failed"):
            raise _helm_error(wanted, self._client.name, result)

    def _wait(self, wanted: dict[str, Any]) -> None:
        """Wait for the release's workloads here, not in helm: helm killed while it waits leaves a pending record."""
        live = self._record(wanted)
        if live is None:
            raise MeshError("find", f"helm release {wanted['namespace']}/{wanted['name']}", "helm left no record of it")
        found = [self._client.get(api, kind, name, namespace) for api, kind, name, namespace in _workloads(live)]
        objects = [obj for obj in found if obj]
        waiting.wait_ready(self._client, objects, wanted["wait_timeout"], self._report, self._clock)


_BEGIN = {"installed": "installing", "upgraded": "upgrading", "uninstalled": "uninstalling"}


def plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """Chart values in JSON's own types. Unlike in objects, null means something here: it unsets a chart's default."""
    return {str(key): _plain_value(value) for key, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return plain_values(value)
    return [_plain_value(item) for item in value] if isinstance(value, list) else plain(value)


def _workloads(release: Release) -> list[tuple[str, str, str, str]]:
    """apiVersion, kind, name and namespace of what a release runs. Only the documents that can matter are parsed."""
    found = []
    for text in release.manifest.split("\n---"):
        if any(f"\nkind: {kind}" in text for kind in WORKLOADS):
            document = yaml.safe_load(text)
            metadata = document["metadata"]
            namespace = metadata.get("namespace") or release.namespace
            found.append((document["apiVersion"], document["kind"], metadata["name"], namespace))
    return found


def _helm_options(wanted: dict[str, Any], chart: Chart | None, binary: str | None) -> dict[str, Any]:
    """Options of module kubernetes.core.helm; those left unset are left out, since some of them need Helm 4."""
    options: dict[str, Any] = {"release_name": wanted["name"], "release_namespace": wanted["namespace"]}
    options["binary_path"] = None if binary == "helm" else binary
    if chart is None:
        options["release_state"] = "absent"
    else:
        options["chart_ref"] = os.path.expanduser(wanted["chart_ref"]) if chart.local else wanted["chart_ref"]
        options["release_values"] = wanted["values"]
        if not chart.local:
            options.update(chart_version=wanted["chart_version"], chart_repo_url=wanted["chart_repo_url"])
        for name in ("create_namespace", "skip_crds", "take_ownership", "server_side", "force_conflicts"):
            options[name] = wanted[name]
    return {name: value for name, value in options.items() if value not in (None, False)}


def _helm_error(wanted: dict[str, Any], cluster: str, result: dict[str, Any]) -> MeshError:
    doing = "uninstall" if wanted["state"] == "absent" else "deploy"
    message = str(result.get("msg") or "")
    if HELM_MISSING in message:
        return MeshError("run", "helm", "it is not installed on this machine", INSTALL_HELM)
    answer = str(result.get("stderr") or result.get("module_stderr") or message)
    return MeshError(doing, f"helm release {wanted['namespace']}/{wanted['name']} in cluster {cluster}", answer.strip())


def _result(outcomes: list[Outcome], diff: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "releases": [_summary(outcome) for outcome in outcomes],
    }
    if diff:
        result["diff"] = [_difference(outcome) for outcome in outcomes if outcome.changed]
    return result


def _summary(outcome: Outcome) -> dict[str, Any]:
    chart, live, wanted = outcome.chart, outcome.live, outcome.wanted
    return {
        "name": wanted["name"],
        "namespace": wanted["namespace"],
        "action": outcome.action,
        "changed": outcome.changed,
        "chart": chart.name if chart else live.chart if live else "",
        "chart_version": (chart.version if chart else "") or (live.chart_version if live else ""),
        "status_before": live.status if live else "",
    }


def _difference(outcome: Outcome) -> dict[str, Any]:
    wanted, live, chart = outcome.wanted, outcome.live, outcome.chart
    before = _shown(live.chart, live.chart_version, live.status, live.values) if live else {}
    after = _shown(chart.name, chart.version, "deployed", wanted["values"]) if chart else {}
    header = f"helm release {wanted['namespace']}/{wanted['name']}"
    return {"before": before, "after": after, "before_header": header, "after_header": header}


def _shown(chart: str, version: str, status: str, values: Object) -> dict[str, Any]:
    return {"chart": chart, "version": version, "status": status, "values": masked(values)}
