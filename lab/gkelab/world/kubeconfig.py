# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs of a cluster's own components. JSON is YAML too."""

from __future__ import annotations

import base64
import ipaddress
import json

from gkelab.world.network import HOST_ADDRESS
from gkelab.world.pki import KeyPair
from gkelab.world.plan import ClusterPlan

TOKEN_REVIEW_PATH = "/lab/tokenreview"


def render(plan: ClusterPlan, ca: str, user: str, pair: KeyPair) -> str:
    """A component's kubeconfig, certificates inside."""
    cluster = {"server": f"https://{plan.endpoint}", "certificate-authority-data": _base64(ca)}
    credentials = {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}
    return _config(plan.name, cluster, user, credentials)


def token_review(port: int) -> str:
    """Where the API server asks about bearer tokens: the daemon, at the host's end of the lab's network."""
    return _config("gkelab", {"server": f"http://{HOST_ADDRESS}:{port}{TOKEN_REVIEW_PATH}"}, "kube-apiserver", {})


def first_address(cidr: str) -> str:
    """The first usable address of a range; of the service range, the ClusterIP of `kubernetes`."""
    return str(ipaddress.ip_network(cidr)[1])


def _config(name: str, cluster: dict[str, str], user: str, credentials: dict[str, str]) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
        }
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
