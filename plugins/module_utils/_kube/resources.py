# SPDX-License-Identifier: GPL-3.0-or-later
"""From apiVersion and kind to a path: known kinds without asking, others by discovery of one group and version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """How one kind is addressed."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """API path of an object, or of the collection when no name is given (of all namespaces without one)."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


def _known(api_version: str, namespaced: bool, **kinds: str) -> dict[tuple[str, str], Resource]:
    return {(api_version, kind): Resource(api_version, plural, namespaced) for kind, plural in kinds.items()}


KNOWN: dict[tuple[str, str], Resource] = {
    **_known("v1", False, Namespace="namespaces", Node="nodes"),
    **_known(
        "v1",
        True,
        ConfigMap="configmaps",
        Pod="pods",
        Secret="secrets",
        Service="services",
        ServiceAccount="serviceaccounts",
    ),
    **_known("apps/v1", True, DaemonSet="daemonsets", Deployment="deployments", StatefulSet="statefulsets"),
    **_known(
        "rbac.authorization.k8s.io/v1", False, ClusterRole="clusterroles", ClusterRoleBinding="clusterrolebindings"
    ),
    **_known("rbac.authorization.k8s.io/v1", True, Role="roles", RoleBinding="rolebindings"),
    **_known(
        "admissionregistration.k8s.io/v1",
        False,
        MutatingWebhookConfiguration="mutatingwebhookconfigurations",
        ValidatingWebhookConfiguration="validatingwebhookconfigurations",
    ),
    **_known("apiextensions.k8s.io/v1", False, CustomResourceDefinition="customresourcedefinitions"),
    **_known("discovery.k8s.io/v1", True, EndpointSlice="endpointslices"),
}
"""Kinds whose names can never change any more: looking them up would cost a request a group in every run."""


def discovered(api_version: str, listing: dict[str, object]) -> dict[tuple[str, str], Resource]:
    """Resources of an APIResourceList; subresources (``deployments/scale``) are not objects of their own."""
    found: dict[tuple[str, str], Resource] = {}
    entries = listing.get("resources")
    for entry in entries if isinstance(entries, list) else []:
        if "/" not in entry["name"]:
            found[(api_version, entry["kind"])] = Resource(api_version, entry["name"], entry["namespaced"])
    return found
