# SPDX-License-Identifier: GPL-3.0-or-later
"""A context of an existing kubeconfig as an Endpoint: the way to clusters that the Container API does not know."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint, Token

try:
    import yaml
except ImportError:  # PyYAML comes with ansible-core; only sanity's import test lacks it
    yaml = None  # type: ignore[assignment]

EXEC_SECONDS = 60


def endpoint_from_kubeconfig(name: str, path: str, context: str = "") -> Endpoint:
    """Read one context (the current one when none is named).

    Args:
        name: the cluster's name in the mesh, for messages.
        path: the kubeconfig; ``~`` is expanded.
    """
    file = os.path.expanduser(path)
    config = _load(file)
    wanted = context or str(config.get("current-context") or "")
    entry = _named(config, "contexts", "context", wanted, file)
    cluster = _named(config, "clusters", "cluster", str(entry.get("cluster", "")), file)
    user = _named(config, "users", "user", str(entry["user"]), file) if entry.get("user") else {}
    folder = os.path.dirname(os.path.abspath(file))
    token, certificate, key = _login(user, folder, name)
    return Endpoint(
        name=name,
        server=str(cluster.get("server", "")),
        ca=_data_or_file(cluster, "certificate-authority", folder),
        verify=not cluster.get("insecure-skip-tls-verify", False),
        tls_server_name=str(cluster.get("tls-server-name", "")),
        proxy=str(cluster.get("proxy-url", "")),
        token=token,
        client_certificate=certificate,
        client_key=key,
    )


def _load(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as handle:
            config = yaml.safe_load(handle)
    except OSError as error:
        raise MeshError("read", f"kubeconfig {file}", error.strerror or str(error)) from error
    except yaml.YAMLError as error:
        raise MeshError("read", f"kubeconfig {file}", "it is not YAML") from error
    if not isinstance(config, dict):
        raise MeshError("read", f"kubeconfig {file}", "it is empty or not a mapping")
    return config


def _named(config: dict[str, Any], section: str, field: str, name: str, file: str) -> dict[str, Any]:
    entries = config.get(section) or []
    for entry in entries:
        if entry.get("name") == name:
            return dict(entry.get(field) or {})
    there = ", ".join(sorted(str(entry.get("name")) for entry in entries)) or "none"
    raise MeshError("read", f"kubeconfig {file}", f"no {field} {name!r} in it", f"It has: {there}.")


def _data_or_file(section: dict[str, Any], field: str, folder: str) -> str:
    """Inline base64 data wins over the file, as in client-go; relative files are next to the kubeconfig."""
    if section.get(f"{field}-data"):
        try:
            return base64.b64decode(section[f"{field}-data"], validate=False).decode()
        except (binascii.Error, ValueError) as error:
            raise MeshError("read", f"{field}-data of the kubeconfig", "it is not base64") from error
    return _file_text(os.path.join(folder, section[field])) if section.get(field) else ""


def _file_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except OSError as error:
        raise MeshError("read", path, error.strerror or str(error), "A kubeconfig names this file.") from error


def _login(user: dict[str, Any], folder: str, name: str) -> tuple[Token | None, str, str]:
    """Token source, client certificate and key (PEM)."""
    if user.get("exec"):
        return _exec_login(user["exec"], folder, name)
    certificate, key = (_data_or_file(user, field, folder) for field in ("client-certificate", "client-key"))
    if user.get("token"):
        literal = str(user["token"])
        return (lambda refresh: literal), certificate, key
    if user.get("tokenFile"):
        path = os.path.join(folder, user["tokenFile"])
        return (lambda refresh: _file_text(path).strip()), certificate, key
    return None, certificate, key


def _exec_login(plugin: dict[str, Any], folder: str, name: str) -> tuple[Token | None, str, str]:
    """A credential plugin, run once now and again whenever the API server refuses its token."""
    status = _run_plugin(plugin, folder, name)
    if not status.get("token"):
        return None, str(status.get("clientCertificateData", "")), str(status.get("clientKeyData", ""))
    held = {"token": str(status["token"])}

    def token(refresh: bool) -> str:
        if refresh:
            held["token"] = str(_run_plugin(plugin, folder, name).get("token", ""))
        return held["token"]

    return token, "", ""


def _run_plugin(plugin: dict[str, Any], folder: str, name: str) -> dict[str, Any]:
    command = [str(plugin.get("command", "")), *(str(argument) for argument in plugin.get("args") or [])]
    request = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(request)}
    environment.update({pair["name"]: pair["value"] for pair in plugin.get("env") or []})
    if os.sep in command[0]:
        command[0] = os.path.join(folder, command[0])
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=EXEC_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        return dict(json.loads(done.stdout)["status"])
    except subprocess.CalledProcessError as error:
        answer = (error.stderr or "").strip() or f"it ended with {error.returncode}"
        raise MeshError("log in to", f"cluster {name} with {command[0]}", answer) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        answer = getattr(error, "strerror", None) or "no answer in time"
        raise MeshError(
            "log in to", f"cluster {name} with {command[0]}", answer, str(plugin.get("installHint") or "")
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise MeshError(
            "log in to", f"cluster {name} with {command[0]}", "its output is not an ExecCredential"
        ) from error
