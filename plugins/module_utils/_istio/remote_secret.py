# SPDX-License-Identifier: GPL-3.0-or-later
"""The remote secret: the credential by which istiod reads another cluster, in the bytes istioctl writes. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

try:
    import yaml
except ImportError:  # PyYAML comes with ansible-core; only sanity's import test lacks it
    yaml = None  # type: ignore[assignment]

Object = dict[str, Any]

LABEL = "istio/multiCluster"
CLUSTER_ANNOTATION = "networking.istio.io/cluster"
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
TOKEN_TYPE = "kubernetes.io/service-account-token"
MADE_BY_US = {"app.kubernetes.io/managed-by": "mcistio.gke"}

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# What a YAML 1.1 or 1.2 reader would not take for a string among the names that DNS_LABEL allows.
NOT_PLAIN = re.compile(
    r"[0-9]+|0x[0-9a-f]+|0o?[0-7]+|0b[01]+|[0-9]+e-?[0-9]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|y|n|yes|no|on|off|true|false|null"
)


@dataclass(frozen=True)
class Credential:
    """How istiod reaches and enters one remote cluster."""

    cluster: str
    server: str
    token: str = field(repr=False)
    ca: str = ""
    """PEM; empty where the server has a publicly trusted certificate."""
    tls_server_name: str = ""


def check_cluster_name(name: str) -> None:
    """The name becomes a Secret key, part of a path and a part of a label, so it must be a DNS label (RFC 1123)."""
    if not DNS_LABEL.fullmatch(name):
        raise MeshError(
            "make",
            f"a remote secret for cluster {name!r}",
            "the name is not a DNS label",
            "Use lower case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit.",
        )


def secret_name(cluster: str) -> str:
    """Name of the Secret on the primary."""
    return f"istio-remote-secret-{cluster}"


def token_secret_name(account: str) -> str:
    """Name of the token Secret on the remote, where there is none yet."""
    return f"{account}-istio-remote-secret-token"


def token_secret(account: str, namespace: str) -> Object:
    """The Secret that Kubernetes fills with a long-lived token; labelled, so that it can be removed with the rest."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": token_secret_name(account),
            "namespace": namespace,
            "annotations": {ACCOUNT_ANNOTATION: account},
            "labels": dict(MADE_BY_US),
        },
        "type": TOKEN_TYPE,
    }


def is_token_of(secret: Object, account: str) -> bool:
    """Whether a Secret holds tokens of this service account."""
    annotations = secret["metadata"].get("annotations") or {}
    return secret.get("type") == TOKEN_TYPE and annotations.get(ACCOUNT_ANNOTATION) == account


def token_data(secret: Object) -> tuple[str, str] | None:
    """CA (PEM) and token of a token Secret, or None while Kubernetes has not filled it."""
    data = secret.get("data") or {}
    if not (data.get("ca.crt") and data.get("token")):
        return None
    return base64.b64decode(data["ca.crt"]).decode(), base64.b64decode(data["token"]).decode()


def kubeconfig(credential: Credential) -> str:
    """The kubeconfig text: client-go's field order and Go's YAML writer, which quotes only what would be misread."""
    name = f'"{credential.cluster}"' if NOT_PLAIN.fullmatch(credential.cluster) else credential.cluster
    lines = ["apiVersion: v1", "clusters:", "- cluster:"]
    if credential.ca:
        lines.append(f"    certificate-authority-data: {base64.b64encode(credential.ca.encode()).decode()}")
    lines.append(f"    server: {credential.server}")
    if credential.tls_server_name:
        lines.append(f"    tls-server-name: {credential.tls_server_name}")
    lines += [
        f"  name: {name}",
        "contexts:",
        "- context:",
        f"    cluster: {name}",
        f"    user: {name}",
        f"  name: {name}",
    ]
    lines += [f"current-context: {name}", "kind: Config", "users:", f"- name: {name}", "  user:"]
    lines.append(f"    token: {credential.token}")
    return "\n".join(lines) + "\n"


def remote_secret(credential: Credential, namespace: str) -> Object:
    """The Secret for the primary."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(credential.cluster),
            "namespace": namespace,
            "annotations": {CLUSTER_ANNOTATION: credential.cluster},
            "labels": {LABEL: "true"},
        },
        "data": {credential.cluster: base64.b64encode(kubeconfig(credential).encode()).decode()},
    }


def says_the_same(live: Object, desired: Object) -> bool:
    """Whether the live Secret has all that istiod reads from it; other labels and keys are other people's."""
    for section in ("labels", "annotations"):
        there = live["metadata"].get(section) or {}
        if any(there.get(key) != value for key, value in desired["metadata"][section].items()):
            return False
    return all((live.get("data") or {}).get(key) == value for key, value in desired["data"].items())


def other_holder(secrets: list[Object], cluster: str) -> str:
    """Name of another remote secret that holds this cluster already (istiod ignores the second one); empty if none."""
    for secret in secrets:
        if secret["metadata"]["name"] != secret_name(cluster) and cluster in (secret.get("data") or {}):
            return str(secret["metadata"]["name"])
    return ""


def stored_credential(secret: Object, cluster: str) -> Credential | None:
    """The credential inside a remote secret, or None when it is missing or not in istioctl's form."""
    try:
        config = yaml.safe_load(base64.b64decode(secret["data"][cluster]))
        place, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        ca = base64.b64decode(place.get("certificate-authority-data") or "").decode()
        return Credential(cluster, place["server"], user["token"], ca, place.get("tls-server-name") or "")
    except (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError):
        return None


def shown(credential: Credential | None) -> dict[str, str]:
    """What a person may see of a credential: the address, and fingerprints that tell whether the rest changed.

    The token's is cut to 32 bits: enough to see a change, of no use for anything else.
    """
    if credential is None:
        return {}
    return {
        "server": credential.server,
        "ca_sha256": hashlib.sha256(credential.ca.encode()).hexdigest() if credential.ca else "",
        "tls_server_name": credential.tls_server_name,
        "token_sha256_prefix": hashlib.sha256(credential.token.encode()).hexdigest()[:8],
    }
