# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as Google's front end reads and writes it, walked along the API's own message descriptors.

What comes in may carry nulls, snake_case names, enum numbers and int64 as numbers; what is kept is canonical: lower
camel case, enum names, int64 as strings, no false or empty value unless its field has presence. Fields that the
descriptors do not know are kept as they are, since real clients are newer than any library.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from google.cloud.container_v1.types import cluster_service
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gkelab.model.errors import ApiError, invalid

JSON = dict[str, Any]

_INT64 = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64}
_INT32 = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32}
_FLOAT = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}
_TYPE_NAME = {
    FieldDescriptor.TYPE_INT64: "TYPE_INT64",
    FieldDescriptor.TYPE_UINT64: "TYPE_UINT64",
    FieldDescriptor.TYPE_INT32: "TYPE_INT32",
    FieldDescriptor.TYPE_UINT32: "TYPE_UINT32",
    FieldDescriptor.TYPE_BOOL: "TYPE_BOOL",
    FieldDescriptor.TYPE_STRING: "TYPE_STRING",
    FieldDescriptor.TYPE_FLOAT: "TYPE_FLOAT",
    FieldDescriptor.TYPE_DOUBLE: "TYPE_DOUBLE",
}


@cache
def message(name: str) -> Descriptor:
    """Descriptor of a message of google.container.v1, e.g. ``Cluster``."""
    wrapper = getattr(cluster_service, name)
    return cast(Descriptor, wrapper.pb(wrapper()).DESCRIPTOR)


@cache
def fields(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    """A message's fields by both of their JSON spellings."""
    return {name: field for field in descriptor.fields for name in (field.json_name, field.name)}


def canonical(descriptor: Descriptor, body: Mapping[str, Any], path: str = "") -> JSON:
    """The canonical form of a request's message; raises ApiError in Google's words for a value of the wrong type."""
    if not isinstance(body, Mapping):
        raise _bad_value(path, descriptor.full_name, body)
    known = fields(descriptor)
    result: JSON = {}
    for key, value in body.items():
        if value is None:
            continue
        field = known.get(key)
        if field is None:
            result[key] = value
            continue
        value = _read(field, value, f"{path}.{field.name}" if path else field.name)
        if field.has_presence or not _is_default(field, value):
            _refuse_second_choice(field, result, path)
            result[field.json_name] = value
    return result


def _refuse_second_choice(field: FieldDescriptor, present: JSON, path: str) -> None:
    """Of the fields of a oneof only one may be set."""
    others = field.containing_oneof.fields if field.containing_oneof else ()
    if any(other.json_name in present for other in others):
        name = field.containing_oneof.name
        raise invalid(
            f"Invalid value at '{path}' (oneof), oneof field '{name}' is already set. Cannot set '{field.name}'"
        )


def numbered(descriptor: Descriptor, body: Mapping[str, Any]) -> JSON:
    """The message with its enums as numbers, as ``$alt=json;enum-encoding=int`` asks for."""
    known = fields(descriptor)
    return {key: _numbered_field(known[key], value) if key in known else value for key, value in body.items()}


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def _is_default(field: FieldDescriptor, value: object) -> bool:
    """Whether a field without presence holds what JSON leaves out: empty, zero, false, the first enum value."""
    if field.enum_type and not field.is_repeated:
        return value in (0, field.enum_type.values_by_number[0].name)
    return value in (False, 0, "", "0", [], {})


def _read(field: FieldDescriptor, value: Any, path: str) -> Any:
    if _is_map(field):
        if not isinstance(value, Mapping):
            raise _bad_value(path, "Map", value)
        entry = field.message_type.fields_by_name["value"]
        return {str(key): _read_one(entry, item, f"{path}[{key}]") for key, item in value.items()}
    if field.is_repeated:
        if not isinstance(value, list):
            raise _bad_value(path, _type_name(field), value)
        return [_read_one(field, item, f"{path}[{index}]") for index, item in enumerate(value)]
    return _read_one(field, value, path)


def _read_one(field: FieldDescriptor, value: Any, path: str) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name.startswith("google.protobuf."):
            return _read_well_known(field.message_type, value, path)
        return canonical(field.message_type, value, path)
    if field.enum_type is not None:
        return _read_enum(field, value, path)
    if field.type in _INT32 or field.type in _INT64:
        number = _read_number(field, value, path)
        return str(number) if field.type in _INT64 else number
    if field.type == FieldDescriptor.TYPE_BOOL:
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise _bad_value(path, "TYPE_BOOL", value)
        return value
    if field.type in _FLOAT:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad_value(path, _type_name(field), value)
        return value
    if not isinstance(value, str):
        raise _bad_value(path, _type_name(field), value)
    return value


def _read_well_known(descriptor: Descriptor, value: Any, path: str) -> Any:
    """Timestamps, durations and their like keep their own JSON form, if they have it."""
    try:
        json_format.ParseDict(value, message_factory.GetMessageClass(descriptor)())
    except (json_format.ParseError, AttributeError, TypeError, ValueError):
        raise _bad_value(path, f"type.googleapis.com/{descriptor.full_name}", value) from None
    return value


def _read_number(field: FieldDescriptor, value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _bad_value(path, _type_name(field), value)
    try:
        number = int(value)
    except ValueError:
        raise _bad_value(path, _type_name(field), value) from None
    limit = 2**63 if field.type in _INT64 else 2**31
    if (number != value and not isinstance(value, str)) or not -limit <= number < limit:
        raise _bad_value(path, _type_name(field), value)
    return number


def _read_enum(field: FieldDescriptor, value: Any, path: str) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    if not isinstance(value, str) or value not in field.enum_type.values_by_name:
        raise _bad_value(path, f"type.googleapis.com/{field.enum_type.full_name}", value)
    return value


def _numbered_field(field: FieldDescriptor, value: Any) -> Any:
    if _is_map(field):
        entry = field.message_type.fields_by_name["value"]
        return {key: _numbered_one(entry, item) for key, item in value.items()}
    if field.is_repeated and isinstance(value, list):
        return [_numbered_one(field, item) for item in value]
    return _numbered_one(field, value)


def _numbered_one(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_name.get(value)
        return known.number if known else value
    if field.message_type is not None and isinstance(value, Mapping):
        return numbered(field.message_type, value)
    return value


def _type_name(field: FieldDescriptor) -> str:
    return _TYPE_NAME.get(field.type, "TYPE_STRING")


def _bad_value(path: str, kind: str, value: object) -> ApiError:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    text = f"Invalid value at '{path}' ({kind}), {shown}"
    violation = {"field": path, "description": text}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return ApiError("INVALID_ARGUMENT", text, details=[detail])
