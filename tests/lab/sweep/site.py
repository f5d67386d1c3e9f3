# SPDX-License-Identifier: GPL-3.0-or-later
"""One project of the emulated cloud: runs modules in it, edits it behind their backs, and tells what is in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import operations, session
from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect, draining
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint

from gkelab.model.catalog import project_number

JSON = dict[str, Any]

PAUSE = 0.02
"""Seconds between two looks at what takes time; the modules' own pauses are meant for minutes."""
TIMEOUT = 30
KUBERNETES = ("/api/", "/apis/", "/readyz")
"""How paths of an API server begin; Google's begin with a version."""
_VOLATILE = frozenset({
    "id", "etag", "createTime", "creationTimestamp", "labelFingerprint", "fingerprint", "resourceVersion",
    "clusterCaCertificate",
})  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One run of a module: its core, and the options that differ from their defaults."""

    core: Any
    options: JSON = field(default_factory=dict)

    def but(self, **options: Any) -> Call:
        """The same with other options."""
        return Call(self.core, self.options | options)


@dataclass(frozen=True)
class Site:
    """The project, and how to reach it."""

    url: str
    key_file: str
    token: str
    project: str
    kube: str
    """Where the API servers of all projects are."""

    def run(self, call: Call) -> JSON:
        """Run a module for real, with its options validated as Ansible would; raises MeshError."""
        options = {
            "project": self.project,
            "service_account_file": self.key_file,
            "container_endpoint": self.url,
            "compute_endpoint": self.url,
            "wait_timeout": TIMEOUT,
        }
        validator = ArgumentSpecValidator(call.core.ARGUMENT_SPEC, **call.core.SPEC_KWARGS)
        checked = validator.validate(options | call.options)
        assert not checked.error_messages, checked.error_messages
        hasten()
        with mock.patch.object(connect, "gke_endpoint", lambda name, *rest: Endpoint(name, self._api_server)):
            result: JSON = call.core.run(
                checked.validated_parameters, check_mode=False, diff=False, report=lambda line: None
            )
        return result

    def ask(self, method: str, path: str, body: object = None) -> JSON:
        """A request of the test's own; the path may hold ``{project}``."""
        url = f"{self.url}/{path.format(project=self.project)}"
        answer = requests.request(
            method, url, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=TIMEOUT
        )
        answer.raise_for_status()
        return dict(answer.json())

    def fault(self, action: JSON, **match: object) -> int:
        """Put a fault in force for this project alone; its number. It matches requests from now on."""
        rule = {"match": {"path": f"/projects/{self.project}/", **match}, "action": action}
        return int(self.ask("POST", "lab/faults", rule)["id"])

    def struck(self, fault: int) -> bool:
        """Whether a fault has met its request."""
        return any(one["id"] == fault and one["applied"] for one in self.ask("GET", "lab/faults")["faults"])

    @property
    def _api_server(self) -> str:
        return f"{self.kube}/{self.project}"

    def populate(self, objects: JSON) -> None:
        """Put Kubernetes objects, by path, where the project's clusters have them."""
        requests.put(self._api_server, json=objects, timeout=TIMEOUT).raise_for_status()

    def lose(self, when: str, method: str, path: str, nth: int) -> Callable[[], bool]:
        """Lose a request, or the answer to it; gives what tells whether that has come."""
        if path.startswith(KUBERNETES):
            loss = f"{self._api_server}/loss"
            match = {"drop": when, "method": method, "path": path, "nth": nth}
            requests.put(loss, json=match, timeout=TIMEOUT).raise_for_status()
            return lambda: bool(requests.get(loss, timeout=TIMEOUT).json()["struck"])
        pattern = f"^{re.escape(path.replace('PROJECT', self.project))}$"
        fault = self.fault({"drop": when}, method=method, path=pattern, nth=nth)
        return lambda: self.struck(fault)

    def state(self) -> JSON:
        """All clusters with their node pools, all firewall rules, and what runs in the clusters."""
        clusters = self._clusters()
        rules = self.ask("GET", "compute/v1/projects/{project}/global/firewalls").get("items") or []
        found = {
            "clusters": sorted(clusters, key=lambda one: (one["location"], one["name"])),
            "firewalls": sorted(rules, key=lambda one: str(one["name"])),
            "kubernetes": requests.get(self._api_server, timeout=TIMEOUT).json(),
        }
        masked: JSON = json.loads(self._masked(json.dumps(_lasting(found)), clusters))
        return masked

    def operations(self) -> Counter[str]:
        """How many operations of each type were ever begun."""
        found = self.ask("GET", "v1/projects/{project}/locations/-/operations").get("operations") or []
        found += self.ask("GET", "compute/v1/projects/{project}/global/operations").get("items") or []
        return Counter(str(one["operationType"]) for one in found)

    def clear(self) -> None:
        """Lose the clusters, so that a long sweep does not fill the cloud."""
        for cluster in self._clusters():
            self.ask("DELETE", f"lab/clusters/{{project}}/{cluster['location']}/{cluster['name']}")

    def plain(self, path: str) -> str:
        """A request's path without what differs from run to run."""
        return _plain(path.replace(self.project, "PROJECT"))

    def _clusters(self) -> list[JSON]:
        return self.ask("GET", "v1/projects/{project}/locations/-/clusters").get("clusters") or []

    def _masked(self, text: str, clusters: Iterable[JSON]) -> str:
        for cluster in clusters:
            text = text.replace(f'"{cluster["clusterIpv4Cidr"]}"', f'"PODS-{cluster["name"]}"')
            if cluster.get("endpoint"):
                text = text.replace(f'"{cluster["endpoint"]}"', f'"ENDPOINT-{cluster["name"]}"')
        return _plain(text.replace(self.project, "PROJECT").replace(project_number(self.project), "NUMBER"))


def hasten() -> None:
    """Make the modules' pauses fit to how long operations take here."""
    operations.SHORTEST_PAUSE = PAUSE
    session.FIRST_DELAY = PAUSE
    draining.Patience.FIRST_PAUSE = PAUSE


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in sorted(value.items()) if name not in _VOLATILE}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    text = re.sub(r"operation-[0-9]+-[0-9a-f-]+", "OPERATION", text)
    return re.sub(r"(?<=-)([0-9a-f]{8}|[0-9a-f]{12})(?![0-9a-z])", "HASH", text)
