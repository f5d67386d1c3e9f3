# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig for a program that can only take a file: private, and gone when the program is."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint


def as_kubeconfig(endpoint: Endpoint) -> dict[str, Any]:
    """One cluster, one user, one context, all by the cluster's name; the token is the one of this moment."""
    cluster: dict[str, Any] = {"server": endpoint.server}
    if endpoint.ca:
        cluster["certificate-authority-data"] = _encoded(endpoint.ca)
    if not endpoint.verify:
        cluster["insecure-skip-tls-verify"] = True
    if endpoint.tls_server_name:
        cluster["tls-server-name"] = endpoint.tls_server_name
    if endpoint.proxy:
        cluster["proxy-url"] = endpoint.proxy
    user: dict[str, Any] = {"token": endpoint.token(False)} if endpoint.token else {}
    if endpoint.client_certificate:
        user["client-certificate-data"] = _encoded(endpoint.client_certificate)
        user["client-key-data"] = _encoded(endpoint.client_key)
    name = endpoint.name
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def temporary_kubeconfig(endpoint: Endpoint, folder: str) -> Iterator[str]:
    """Path of the file, in JSON (which is YAML); mkstemp makes it readable by its owner alone.

    Args:
        folder: where to put it, best one that is cleaned up even after this process was killed.
    """
    handle, path = tempfile.mkstemp(prefix="kubeconfig-", suffix=".json", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(as_kubeconfig(endpoint), file)
        yield path
    finally:
        os.unlink(path)
