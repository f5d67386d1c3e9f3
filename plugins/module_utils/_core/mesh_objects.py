# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch of Kubernetes objects of one cluster: made as declared by server-side apply, or removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._kube import waiting
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import FIELD_MANAGER, KubeClient, describe
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import CLUSTER_REF, connect, require
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.fields import normal, settled, without_noise
from ansible_collections.mcistio.gke.plugins.module_utils._kube.masking import object_diff
from ansible_collections.mcistio.gke.plugins.module_utils._kube.progress import addresses, has_address
from ansible_collections.mcistio.gke.plugins.module_utils._kube.waiting import Report, told_by

Object = dict[str, Any]

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "cluster": CLUSTER_REF,
    "definitions": {"type": "list", "elements": "dict", "default": []},
    "selectors": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "default": "v1"},
            "kind": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "labels": {"type": "dict", "required": True},
        },
    },
    "namespace": {"type": "str", "default": "default"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force_conflicts": {"type": "bool", "default": True},
    "propagation": {"type": "str", "choices": ["Background", "Foreground", "Orphan"], "default": "Background"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
}
SPEC_KWARGS: dict[str, Any] = {"required_one_of": [("definitions", "selectors")]}


@dataclass(frozen=True)
class Outcome:
    """What happened, or would happen, to one object."""

    action: str
    """created, updated, unchanged, deleted or absent"""
    before: Object | None
    after: Object | None

    @property
    def changed(self) -> bool:
        """Whether the object is not as it was."""
        return self.action in ("created", "updated", "deleted")

    @property
    def shown(self) -> Object:
        """The object that there is, or was."""
        return self.after or self.before or {}


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Report) -> dict[str, Any]:
    """Make the objects as declared, or remove them; see the module's documentation for options and result."""
    report = told_by(params["cluster"]["name"], report)
    client = connect(params["cluster"], params)
    if params["state"] == "absent":
        return _result(_remove(client, params, check_mode, report), diff)
    definitions = [_checked(definition) for definition in params["definitions"]]
    if params["selectors"]:
        raise MeshError("apply", "selectors", "they choose objects to remove", "Use them with state: absent only.")
    if client is None and check_mode:
        return _result([Outcome("created", None, normal(definition)) for definition in definitions], diff)
    live = require(client, params["cluster"])
    outcomes = [_apply(live, definition, params, check_mode, report) for definition in definitions]
    if params["wait"] and not check_mode:
        outcomes = _awaited(live, outcomes, params["wait_timeout"], report)
    return _result(outcomes, diff)


def _checked(definition: Object) -> Object:
    """Refuse what no API server could place, before anything is written."""
    name = (definition.get("metadata") or {}).get("name")
    if not (definition.get("apiVersion") and definition.get("kind") and name):
        found = f"{definition.get('kind') or 'object'} {name or 'without a name'}"
        raise MeshError("apply", found, "apiVersion, kind and metadata.name are needed")
    return definition


def _apply(client: KubeClient, definition: Object, params: dict[str, Any], check_mode: bool, report: Report) -> Outcome:
    """One object: nothing but a read when it is as declared, a dry run to know what would change, then the write."""
    resource = client.resource(definition["apiVersion"], definition["kind"])
    if resource is None and check_mode:
        # the definition of its kind would come with an earlier task
        return Outcome("created", None, normal(definition))
    namespaced = resource.namespaced if resource else False
    desired = normal(definition, params["namespace"] if namespaced else "")
    metadata = desired["metadata"]
    live = client.get(desired["apiVersion"], desired["kind"], metadata["name"], metadata.get("namespace", ""))
    if live is None:
        return _create(client, desired, params["force_conflicts"], check_mode, report)
    if settled(desired, live, FIELD_MANAGER):
        return Outcome("unchanged", live, live)
    after = client.apply(desired, dry_run=True, force=params["force_conflicts"])
    if without_noise(after) == without_noise(live):
        return Outcome("unchanged", live, live)
    if not check_mode:
        after = client.apply(desired, force=params["force_conflicts"])
    return Outcome("updated", live, after)


def _create(client: KubeClient, desired: Object, force: bool, check_mode: bool, report: Report) -> Outcome:
    if check_mode:
        _dry_create(client, desired, force)
        return Outcome("created", None, desired)
    made = client.apply(desired, force=force)
    if desired["kind"] == "CustomResourceDefinition":
        waiting.wait_ready(client, [made], 60, report)
        client.forget_kinds()
    return Outcome("created", None, made)


def _dry_create(client: KubeClient, desired: Object, force: bool) -> None:
    """Let the server judge a creation. It cannot while the namespace is missing: then it is taken as it stands."""
    try:
        client.apply(desired, dry_run=True, force=force)
    except ApiError as error:
        if error.status != 404:
            raise


def _awaited(client: KubeClient, outcomes: list[Outcome], seconds: float, report: Report) -> list[Outcome]:
    live = waiting.wait_ready(client, [outcome.shown for outcome in outcomes], seconds, report)
    return [Outcome(outcome.action, outcome.before, now) for outcome, now in zip(outcomes, live, strict=True)]


def _remove(client: KubeClient | None, params: dict[str, Any], check_mode: bool, report: Report) -> list[Outcome]:
    """Remove in the reverse order of the definitions: what was made last goes first."""
    definitions = [normal(_checked(definition)) for definition in reversed(params["definitions"])]
    if client is None:
        return [Outcome("absent", None, definition) for definition in definitions]
    outcomes = [_delete(client, definition, params, check_mode) for definition in definitions]
    for selector in params["selectors"]:
        outcomes += [_delete_live(client, found, params, check_mode) for found in _selected(client, selector)]
    if params["wait"] and not check_mode:
        gone = [outcome.shown for outcome in outcomes if outcome.changed]
        waiting.wait_gone(client, gone, params["wait_timeout"], report)
    return outcomes


def _selected(client: KubeClient, selector: dict[str, Any]) -> list[Object]:
    if not selector["labels"]:
        raise MeshError("delete", f"every {selector['kind']}", "the selector has no label", "Name at least one.")
    if client.resource(selector["api_version"], selector["kind"]) is None:
        return []
    labels = ",".join(f"{key}={value}" for key, value in selector["labels"].items())
    return client.list(selector["api_version"], selector["kind"], selector.get("namespace") or "", labels=labels)


def _delete(client: KubeClient, definition: Object, params: dict[str, Any], check_mode: bool) -> Outcome:
    resource = client.resource(definition["apiVersion"], definition["kind"])
    if resource is None:
        return Outcome("absent", None, definition)
    if resource.namespaced:
        definition["metadata"].setdefault("namespace", params["namespace"])
    metadata = definition["metadata"]
    live = client.get(definition["apiVersion"], definition["kind"], metadata["name"], metadata.get("namespace", ""))
    if live is None:
        return Outcome("absent", None, definition)
    return _delete_live(client, live, params, check_mode)


def _delete_live(client: KubeClient, live: Object, params: dict[str, Any], check_mode: bool) -> Outcome:
    if not check_mode:
        client.delete(live, propagation=params["propagation"])
    return Outcome("deleted", live, None)


def _result(outcomes: list[Outcome], diff: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "objects": [_summary(outcome) for outcome in outcomes],
        "addresses": _addresses(outcomes),
    }
    if diff:
        changed = [outcome for outcome in outcomes if outcome.changed]
        result["diff"] = [object_diff(describe(outcome.shown), outcome.before, outcome.after) for outcome in changed]
    return result


def _summary(outcome: Outcome) -> dict[str, Any]:
    obj = outcome.shown
    return {
        "api_version": obj["apiVersion"],
        "kind": obj["kind"],
        "namespace": obj["metadata"].get("namespace", ""),
        "name": obj["metadata"]["name"],
        "action": outcome.action,
        "changed": outcome.changed,
    }


def _addresses(outcomes: list[Outcome]) -> dict[str, str]:
    """First address of each Service or Gateway that has one, by ``namespace/name``."""
    objects = [outcome.after for outcome in outcomes if outcome.after is not None and has_address(outcome.after)]
    found = {f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}": addresses(obj) for obj in objects}
    return {name: values[0] for name, values in found.items() if values}
