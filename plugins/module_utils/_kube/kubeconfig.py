# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a kubeconfig: adding, renewing and removing our own entries among those of others. Pure.

A context, its cluster and its user have one name, the cluster's: files that are merged later collide on users as easily
as on contexts. An extension on the context marks it as ours.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

try:
    import yaml
except ImportError:  # PyYAML comes with ansible-core; only sanity's import test lacks it
    yaml = None  # type: ignore[assignment]

MARK = "mcistio.gke"
PLUGIN = "gke-gcloud-auth-plugin"
_HINT = (
    "Install gke-gcloud-auth-plugin: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl"
)
_LISTS = ("clusters", "users", "contexts")
Config = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What one cluster needs in a kubeconfig.

    Attributes:
        name: of context, cluster and user.
        server: URL of the API server.
        ca: base64 of PEM; empty for a publicly trusted certificate.
        token: bearer token; empty to log in through Google's plugin.
        environment: variables for the plugin.
    """

    name: str
    server: str
    ca: str
    token: str = field(default="", repr=False)
    environment: tuple[tuple[str, str], ...] = ()


def parse(text: str, path: str) -> Config:
    """A kubeconfig from its text; an empty file is an empty config.

    Raises:
        MeshError: it is no kubeconfig; it is not touched then.
    """
    hint = "Move it away or choose another path."
    try:
        config = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        raise MeshError("read", f"kubeconfig {path}", "it is no YAML", hint) from error
    if not isinstance(config, dict) or config.get("kind", "Config") != "Config":
        raise MeshError("read", f"kubeconfig {path}", "it is no kubeconfig", hint)
    for name in _LISTS:
        entries = config.get(name) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise MeshError("read", f"kubeconfig {path}", f"its {name} are no list of mappings", hint)
    return config


def render(config: Config) -> str:
    """The text of a config."""
    return yaml.safe_dump(config, sort_keys=False, default_flow_style=False)


def with_entries(config: Config, entries: Iterable[Entry], path: str, *, current: str = "") -> Config:
    """A copy with our entries in it; what is not ours stays as it is.

    Args:
        config: the file's content.
        entries: what to add or renew.
        path: of the file, for errors.
        current: the context to make current; empty to leave that alone.

    Raises:
        MeshError: a context of that name belongs to somebody else and leads to another server.
    """
    result: Config = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **copy.deepcopy(config)}
    for name in _LISTS:
        result[name] = list(result.get(name) or [])
    for entry in entries:
        _check_owner(result, entry, path)
        _put(result["clusters"], entry.name, "cluster", _cluster(entry))
        _put(result["users"], entry.name, "user", _user(entry))
        extension = {"name": MARK, "extension": {"cluster": entry.name}}
        context = {"cluster": entry.name, "user": entry.name, "extensions": [extension]}
        namespace = (_find(result["contexts"], entry.name).get("context") or {}).get("namespace")
        _put(result["contexts"], entry.name, "context", context | ({"namespace": namespace} if namespace else {}))
    result.setdefault("current-context", "")
    if current:
        result["current-context"] = current
    return result


def without_entries(config: Config, names: Iterable[str]) -> Config:
    """A copy without our contexts of those names, and without clusters and users that only they used."""
    result = copy.deepcopy(config)
    gone = {name for name in names if _is_ours(_find(result.get("contexts") or [], name))}
    if not gone:
        return result
    result["contexts"] = [one for one in result["contexts"] if one.get("name") not in gone]
    for plural, single in (("clusters", "cluster"), ("users", "user")):
        used = {(one.get("context") or {}).get(single) for one in result["contexts"]}
        result[plural] = [
            one for one in result.get(plural) or [] if one.get("name") not in gone or one.get("name") in used
        ]
    if result.get("current-context") in gone:
        result["current-context"] = ""
    return result


def is_empty(config: Config) -> bool:
    """Whether nothing is left that a file is needed for."""
    return not any(config.get(name) for name in _LISTS)


def without_tokens(config: Config) -> Config:
    """A copy in which our tokens are all alike: a fresh token alone is no change."""
    result = copy.deepcopy(config)
    ours = {one.get("name") for one in result.get("contexts") or [] if _is_ours(one)}
    for user in result.get("users") or []:
        if user.get("name") in ours and "token" in (user.get("user") or {}):
            user["user"]["token"] = "(token)"
    return result


def view(config: Config, names: Iterable[str]) -> dict[str, Any]:
    """Our entries by name, without anything secret: one side of a diff."""
    found = {}
    for name in names:
        context = _find(config.get("contexts") or [], name)
        if context:
            cluster = _find(config.get("clusters") or [], name).get("cluster") or {}
            user = _find(config.get("users") or [], name).get("user") or {}
            ca = str(cluster.get("certificate-authority-data") or "")
            found[name] = {
                "server": cluster.get("server"),
                "auth": "token" if "token" in user else "exec" if "exec" in user else "other",
                "ca_sha256": hashlib.sha256(ca.encode()).hexdigest()[:16] if ca else None,
            }
    return found


def _check_owner(config: Config, entry: Entry, path: str) -> None:
    context = _find(config["contexts"], entry.name)
    server = (_find(config["clusters"], entry.name).get("cluster") or {}).get("server")
    if context and not _is_ours(context) and server != entry.server:
        raise MeshError(
            "write", f"kubeconfig {path}", f"context {entry.name} is there and leads to {server or 'another cluster'}",
            "Remove or rename it, or choose another path.",
        )  # fmt: skip


def _is_ours(context: dict[str, Any]) -> bool:
    extensions = (context.get("context") or {}).get("extensions") or []
    return any(isinstance(one, dict) and one.get("name") == MARK for one in extensions)


def _cluster(entry: Entry) -> dict[str, Any]:
    return {"server": entry.server} | ({"certificate-authority-data": entry.ca} if entry.ca else {})


def _user(entry: Entry) -> dict[str, Any]:
    if entry.token:
        return {"token": entry.token}
    plugin: dict[str, Any] = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": PLUGIN,
        "args": ["--use_application_default_credentials"],
        "installHint": _HINT,
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    if entry.environment:
        plugin["env"] = [{"name": name, "value": value} for name, value in entry.environment]
    return {"exec": plugin}


def _find(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((entry for entry in entries if entry.get("name") == name), {})


def _put(entries: list[dict[str, Any]], name: str, key: str, value: dict[str, Any]) -> None:
    """Replace the entry of that name where it stands, or append it."""
    for index, entry in enumerate(entries):
        if entry.get("name") == name:
            entries[index] = {"name": name, key: value}
            return
    entries.append({"name": name, key: value})
