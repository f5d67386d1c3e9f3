# SPDX-License-Identifier: GPL-3.0-or-later
"""What module gke_kubeconfig does: a kubeconfig whose contexts are named as the clusters."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.endpoints import address
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.members import Member, read_members
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession
from ansible_collections.mcistio.gke.plugins.module_utils._kube import kubeconfig, kubeconfig_file
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig import Config, Entry

DEFAULT_PATH = "~/.kube/mcistio.gke.yaml"

ARGUMENT_SPEC: dict[str, Any] = {
    **auth.AUTH_SPEC,
    "path": {"type": "path", "default": DEFAULT_PATH},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "clusters": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "location": {"type": "str"},
            "project": {"type": "str"},
            "kubeconfig": {"type": "path"},
            "context": {"type": "str"},
            "endpoint": {"type": "str", "choices": ["public", "private", "dns"], "default": "public"},
        },
    },
    "auth": {"type": "str", "choices": ["exec", "token"], "default": "exec"},
    "set_current_context": {"type": "bool", "default": False},
}
SPEC_KWARGS: dict[str, Any] = {}


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """Add, renew or remove contexts.

    Args:
        params: validated options.
        check_mode: predict only; the file is not touched.
        diff: whether to return our entries before and after, without anything secret.
        report: not used; there is no waiting.

    Returns:
        ``changed`` (a fresh token alone is none), ``path``, ``contexts``, ``changes``, ``warnings``, perhaps ``diff``.

    Raises:
        MeshError: a cluster is missing or has no such endpoint, the file cannot be read or written, a name is taken.
    """
    del report
    path, names = os.path.expanduser(str(params["path"])), _names(params)
    entries, unborn, warnings = _entries(params, check_mode) if params["state"] == "present" else ([], [], [])
    if check_mode or (params["state"] == "absent" and not os.path.exists(path)):
        before, after, loose = _plan(params, path, names, entries)
    else:
        with kubeconfig_file.locked(path):
            before, after, loose = _plan(params, path, names, entries)
            _write(path, before, after, loose)
    old, new = kubeconfig.without_tokens(before), kubeconfig.without_tokens(after)
    changes = _changes(old, new, names, unborn)
    if loose:
        changes.append(f"{path}: readable by its owner alone")
    seen = kubeconfig.view(after, names)
    if changes and any(one["auth"] == "exec" for one in seen.values()) and not shutil.which(kubeconfig.PLUGIN):
        warnings.append(f"{kubeconfig.PLUGIN} is not on this machine's PATH; kubectl needs it with auth: exec.")
    result: dict[str, Any] = {
        "changed": bool(changes),
        "path": path,
        "contexts": [{"name": name, "server": one["server"], "auth": one["auth"]} for name, one in seen.items()],
        "changes": changes,
        "warnings": warnings,
    }
    if diff:
        result["diff"] = {"before": kubeconfig.view(before, names), "after": seen | dict.fromkeys(unborn, "(new)")}
    return result


def _names(params: dict[str, Any]) -> list[str]:
    names = [str(ref["name"]) for ref in params["clusters"] if not ref.get("kubeconfig")]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise MeshError(
            "write",
            f"kubeconfig {params['path']}",
            f"{', '.join(twice)} is listed twice",
            "Contexts need names of their own.",
        )
    return names


def _entries(params: dict[str, Any], check_mode: bool) -> tuple[list[Entry], list[str], list[str]]:
    """Entries of clusters that are there, names of those that are not yet (check mode only), sentences for the user."""
    refs = [ref for ref in params["clusters"] if not ref.get("kubeconfig")]
    for ref in refs:
        if not ref.get("location"):
            raise MeshError("find", f"cluster {ref['name']}", "no location was given", "Set its location.")
    members = read_members(GoogleSession(params), refs, params) if refs else []
    entries, unborn, warnings = [], [], []
    token = "" if params["auth"] == "exec" or check_mode else auth.token(params)
    for member in members:
        if check_mode and not (member.cluster or {}).get("endpoint"):
            unborn.append(member.name)
            continue
        where = address(_existing(member), member.endpoint)
        warnings += [where.notice] if where.notice else []
        secret = "" if params["auth"] == "exec" else token or "(token)"
        entries.append(Entry(member.name, where.server, where.ca, secret, _plugin_environment(params)))
    return entries, unborn, warnings


def _existing(member: Member) -> dict[str, Any]:
    if member.cluster is None:
        raise MeshError("find", f"cluster {member.label}", "it does not exist", member.hint)
    return member.cluster


def _plugin_environment(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The plugin logs in as the module does, where a key file says as whom."""
    if params["auth"] == "exec" and auth.auth_kind(params) == "serviceaccount" and params.get("service_account_file"):
        return (("GOOGLE_APPLICATION_CREDENTIALS", str(params["service_account_file"])),)
    return ()


def _plan(params: dict[str, Any], path: str, names: list[str], entries: list[Entry]) -> tuple[Config, Config, bool]:
    """The file as it is, as it must be, and whether others can read it."""
    text, loose = kubeconfig_file.read(path)
    before = kubeconfig.parse(text, path)
    if params["state"] == "absent":
        return before, kubeconfig.without_entries(before, names), False
    if not entries:
        return before, before, False
    current = entries[0].name if params["set_current_context"] else ""
    return before, kubeconfig.with_entries(before, entries, path, current=current), loose


def _write(path: str, before: Config, after: Config, loose: bool) -> None:
    if before == after and not loose:
        return
    if kubeconfig.is_empty(after):
        kubeconfig_file.remove(path)
    else:
        kubeconfig_file.write(path, kubeconfig.render(after))


def _changes(old: Config, new: Config, names: list[str], unborn: list[str]) -> list[str]:
    """A line a context, then one for the current context."""
    lines = [f"context {name}: add, once the cluster is there" for name in unborn]
    was, will = _parts(old), _parts(new)
    for name in names:
        if name in unborn or was.get(name) == will.get(name):
            continue
        verb = "add" if name not in was else "remove" if name not in will else "renew"
        lines.append(f"context {name}: {verb}")
    if new and (old.get("current-context") or "") != (new.get("current-context") or ""):
        lines.append(f"current context: {new.get('current-context') or '(none)'}")
    return lines


def _parts(config: Config) -> dict[str, list[Any]]:
    """Everything of a context by its name: itself, its cluster, its user."""
    found: dict[str, list[Any]] = {}
    for plural in ("contexts", "clusters", "users"):
        for entry in config.get(plural) or []:
            found.setdefault(str(entry.get("name")), []).append(entry)
    return found
