# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a remote cluster has been given the mesh's CA: in its injection webhook, and as a ConfigMap for its pods."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient

Object = dict[str, Any]

ROOT_CONFIG_MAP = "istio-ca-root-cert"
ROOT_KEY = "root-cert.pem"
ANNOTATION = "topology.istio.io/controlPlaneClusters"
ANNOTATE_FIRST = (
    f"istiod reads the namespace annotation {ANNOTATION} once, when it meets the cluster: "
    "if it came after the remote secret, restart istiod or rewrite the secret"
)


def root_certificate(client: KubeClient, namespace: str) -> str:
    """The mesh's root in a namespace of a cluster, PEM; empty while istiod has not written it."""
    found = client.get("v1", "ConfigMap", ROOT_CONFIG_MAP, namespace)
    return str(((found or {}).get("data") or {}).get(ROOT_KEY, "")).strip()


def webhook_name(revision: str = "") -> str:
    """Name of the injection webhook that the chart makes."""
    return "-".join(filter(None, ("istio-sidecar-injector", revision)))


def injection_webhook(client: KubeClient, revision: str = "") -> Object | None:
    """The cluster's injection webhook."""
    return client.get("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", webhook_name(revision))


def webhook_trouble(webhook: Object | None, root: str) -> str:
    """Why the API server would not trust istiod when it asks for a sidecar; empty when it would."""
    if webhook is None:
        return "there is no injection webhook"
    for hook in webhook.get("webhooks") or []:
        bundle = (hook.get("clientConfig") or {}).get("caBundle") or ""
        if not bundle:
            return f"webhook {hook['name']} has no caBundle yet"
        if root and not _holds(bundle, root):
            return f"the caBundle of webhook {hook['name']} is not the mesh's root"
    return ""


def _holds(bundle: str, root: str) -> bool:
    """Whether a base64 bundle contains the root; during a change of CA it holds both."""
    try:
        return root in base64.b64decode(bundle).decode()
    except (binascii.Error, ValueError):
        return False


def trouble(client: KubeClient, root: str, namespaces: list[str], revision: str = "") -> list[str]:
    """What keeps a cluster from trusting the mesh, in words; empty when all is in place.

    Args:
        root: the mesh's root certificate as the primary has it; empty when not known yet.
        namespaces: where the root must be.
    """
    found = [webhook_trouble(injection_webhook(client, revision), root)]
    for namespace in namespaces:
        there = root_certificate(client, namespace)
        if not there:
            found.append(f"ConfigMap {namespace}/{ROOT_CONFIG_MAP} is missing")
        elif root and there != root:
            found.append(f"ConfigMap {namespace}/{ROOT_CONFIG_MAP} holds another root than the primary's")
    return [text for text in found if text]
