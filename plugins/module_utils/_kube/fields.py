# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply seen from the client: does an object already say what is wanted, and do we own more than we want?

Pure rules on plain data. They are cautious: *yes* means that an apply would change nothing, *no* means that the server
has to be asked (a dry run), never that there is a change.
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

Object = dict[str, Any]

SERVER_SIDE = (
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
)


def settled(desired: Object, live: Object, manager: str) -> bool:
    """Whether applying ``desired`` as ``manager`` would change nothing about ``live``."""
    return is_within(desired, live) and all(owned_within(fields, desired) for fields in _owned(live, manager, desired))


def is_within(desired: Any, live: Any) -> bool:
    """Whether every value of ``desired`` is in ``live``; maps may have more keys there, lists must match one to one."""
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            key in live and is_within(value, live[key]) for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(live, list)
            and len(desired) == len(live)
            and all(is_within(a, b) for a, b in zip(desired, live, strict=True))
        )
    return type(desired) is type(live) and bool(desired == live)


def _owned(live: Object, manager: str, desired: Object) -> list[Object]:
    """The field sets a manager holds by apply; one under another API version is not comparable and counts as all."""
    entries = live.get("metadata", {}).get("managedFields") or []
    ours = [entry for entry in entries if entry.get("manager") == manager and entry.get("operation") == "Apply"]
    ours = [entry for entry in ours if not entry.get("subresource")]
    same = all(entry.get("apiVersion") == desired["apiVersion"] for entry in ours)
    return [entry.get("fieldsV1") or {} for entry in ours] if same else [{"f:unknown": {}}]


def owned_within(fields: Object, desired: Any) -> bool:
    """Whether a field set (FieldsV1) names nothing that ``desired`` lacks.

    ``f:name`` is a key, ``k:{…}`` a list item by its key fields, ``v:…`` a member of a set, ``.`` the thing itself.
    """
    for step, below in fields.items():
        if step == ".":
            continue
        kind, _colon, text = step.partition(":")
        if kind == "f":
            candidates = [desired[text]] if isinstance(desired, dict) and text in desired else []
        else:
            candidates = _members(kind, text, desired)
        if not any(owned_within(below, candidate) for candidate in candidates):
            return False
    return True


def _members(kind: str, text: str, desired: Any) -> list[Any]:
    """Items of a desired list that a ``k:`` or ``v:`` step may mean.

    Key fields that the desired item leaves out (``protocol`` of a port) were filled in by the server.
    """
    items = desired if isinstance(desired, list) else []
    wanted = json.loads(text)
    if kind == "v":
        return [item for item in items if item == wanted]
    maps = [item for item in items if isinstance(item, dict)]
    return [item for item in maps if all(item.get(key, value) == value for key, value in wanted.items())]


def without_noise(obj: Object) -> Object:
    """A copy without what only the server writes, for comparing and for showing."""
    shown = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    shown["metadata"] = {key: value for key, value in shown.get("metadata", {}).items() if key not in SERVER_SIDE}
    return shown


def normal(definition: Object, namespace: str = "") -> Object:
    """A definition as it is sent: no nulls, ``stringData`` as ``data`` (what comes back), a namespace if given."""
    obj: Object = plain(definition)
    obj["metadata"] = dict(obj.get("metadata") or {})
    if namespace:
        obj["metadata"].setdefault("namespace", namespace)
    if obj.get("apiVersion") == "v1" and obj.get("kind") == "Secret" and "stringData" in obj:
        texts = obj.pop("stringData")
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in texts.items()}
        obj["data"] = {**obj.get("data", {}), **encoded}
    return obj


def plain(value: Any) -> Any:
    """A copy in JSON's own types (Ansible's strings carry tags); null in a map means *not set*, lists keep theirs."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    kind = next((kind for kind in (int, float) if isinstance(value, kind)), str)
    return kind(value)
