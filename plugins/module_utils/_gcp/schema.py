# SPDX-License-Identifier: GPL-3.0-or-later
"""The Container API's own model of its messages, read from google-cloud-container.

Used to check and spell every body before it is sent: a mistake in a pass-through option is found here, by its path, and
not by a refused create. What the library does not know is sent as it stands: an API is always newer than its library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

try:
    from google.cloud.container_v1.types import cluster_service
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

    MISSING = ""
except ImportError as _error:
    MISSING = str(_error)


@dataclass
class Checked:
    """A body in the API's spelling, what is wrong with it, and which of its paths the library does not know."""

    body: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def check(message: str, body: dict[str, Any]) -> Checked:
    """Spell a body as the API does: camelCase keys, enum names in capitals; collect wrong types and unknown fields.

    Args:
        message: name of a message of ``google.container.v1``, for example ``Cluster``.
        body: JSON as a person wrote it.
    """
    checked = Checked({})
    checked.body = _message(_descriptor(message), body, "", checked)
    return checked


def update_field(cluster_field: str) -> str:
    """Name of the ClusterUpdate field that changes a top-level Cluster field; empty when the API has none.

    A field that the library does not know is taken to follow the API's rule (``fooConfig`` by ``desiredFooConfig``).
    """
    name = f"desired{cluster_field[:1].upper()}{cluster_field[1:]}"
    update = _by_json_name(_descriptor("ClusterUpdate")).get(name)
    known = _by_json_name(_descriptor("Cluster")).get(cluster_field)
    if known is None:
        return name
    return name if update is not None and _same_type(update, known) else ""


def _descriptor(message: str) -> Descriptor:
    if MISSING:
        raise MeshError(
            "load",
            "google-cloud-container",
            MISSING,
            "Install it into the Python that runs this task: google-cloud-container.",
        )
    return getattr(cluster_service, message).pb().DESCRIPTOR


def _by_json_name(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {one.json_name: one for one in descriptor.fields}


def _same_type(one: FieldDescriptor, other: FieldDescriptor) -> bool:
    return bool(one.type == other.type and one.message_type == other.message_type)


def _message(descriptor: Descriptor, body: dict[str, Any], path: str, checked: Checked) -> dict[str, Any]:
    by_json, by_name = _by_json_name(descriptor), {one.name: one for one in descriptor.fields}
    spelled: dict[str, Any] = {}
    for key, value in body.items():
        where = f"{path}.{key}" if path else str(key)
        known = by_json.get(key) or by_name.get(key)
        if known is None:
            checked.unknown.append(where)
            spelled[key] = value
        elif value is not None:
            spelled[known.json_name] = _field(known, value, where, checked)
    return spelled


def _field(known: FieldDescriptor, value: Any, where: str, checked: Checked) -> Any:
    if known.message_type is not None and known.message_type.GetOptions().map_entry:
        return _map(known, value, where, checked)
    if not known.is_repeated:
        return _single(known, value, where, checked)
    if not isinstance(value, list):
        checked.problems.append(f"{where} must be a list")
        return value
    return [_single(known, entry, f"{where}[{index}]", checked) for index, entry in enumerate(value)]


def _map(known: FieldDescriptor, value: Any, where: str, checked: Checked) -> Any:
    if not isinstance(value, dict):
        checked.problems.append(f"{where} must be a mapping")
        return value
    kind = known.message_type.fields_by_name["value"]
    return {key: _single(kind, entry, f"{where}.{key}", checked) for key, entry in value.items()}


def _single(known: FieldDescriptor, value: Any, where: str, checked: Checked) -> Any:
    if known.message_type is not None and known.message_type.file.package == "google.container.v1":
        if not isinstance(value, dict):
            checked.problems.append(f"{where} must be a mapping")
            return value
        return _message(known.message_type, value, where, checked)
    if known.enum_type is not None:
        return _enum(known, value, where, checked)
    return _scalar(known, value, where, checked)


def _enum(known: FieldDescriptor, value: Any, where: str, checked: Checked) -> Any:
    names = known.enum_type.values_by_name
    if isinstance(value, str) and value.upper() in names:
        return value.upper()
    if isinstance(value, str):
        checked.unknown.append(f"{where}={value}")
    else:
        checked.problems.append(f"{where} must be one of {', '.join(sorted(names))}")
    return value


def _scalar(known: FieldDescriptor, value: Any, where: str, checked: Checked) -> Any:
    kind = _KINDS.get(known.type, "other")
    if kind == "bool" and not isinstance(value, bool):
        checked.problems.append(f"{where} must be true or false")
    elif kind == "number":
        return _number(value, where, checked)
    elif kind == "string" and not isinstance(value, str):
        if isinstance(value, (dict, list, bool)):
            checked.problems.append(f"{where} must be a string")
        else:
            return str(value)  # YAML reads 1.31 as a number
    return value


def _number(value: Any, where: str, checked: Checked) -> Any:
    text = str(value)
    if isinstance(value, (bool, dict, list)) or not text.lstrip("-").isdigit():
        checked.problems.append(f"{where} must be a whole number")
        return value
    return int(text)


def _kinds() -> dict[int, str]:
    if MISSING:
        return {}
    one = FieldDescriptor
    numbers = (one.TYPE_INT32, one.TYPE_INT64, one.TYPE_UINT32, one.TYPE_UINT64)
    return {one.TYPE_BOOL: "bool", one.TYPE_STRING: "string", **dict.fromkeys(numbers, "number")}


_KINDS = _kinds()
