# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of the Container API as plain data: read from google-cloud-container once, then from a cache.

Importing the library takes an eighth of a second and 20 MiB, most of it for clients that are not used here; its model
as data takes 2 ms. So the model is written down beside the user's other caches, one file for each installed version,
as Python does with what it compiles. A cache that cannot be written or read is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "google.container.v1"
_FORM = 1
"""Raised when the data's form changes, so that nobody reads what an older release of this file wrote."""
_ROOTS = ("Cluster", "ClusterUpdate", "NodePool")


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        name: in proto's spelling.
        json_name: in JSON's.
        kind: ``bool``, ``number``, ``string``, ``enum``, ``message``, ``map`` or ``other`` (left as it is).
        of: the message or enum; for a map what its values are, as kind and type with a space between.
        repeated: whether it is a list.
    """

    name: str
    json_name: str
    kind: str
    of: str = ""
    repeated: bool = False


class Model:
    """Messages with their fields, and enums with their words."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._messages: dict[str, dict[str, Field]] = {}

    def message(self, name: str) -> dict[str, Field]:
        """Fields of a message by their JSON names."""
        if name not in self._messages:
            fields = (Field(*entry) for entry in self._data["messages"][name])
            self._messages[name] = {field.json_name: field for field in fields}
        return self._messages[name]

    def enum(self, name: str) -> list[str]:
        """Words of an enum."""
        words: list[str] = self._data["enums"][name]
        return words


def load() -> Model:
    """The model that the installed google-cloud-container has.

    Raises:
        ImportError: it is not installed.
    """
    source = _source()
    cache = _cache_file(source)
    with contextlib.suppress(OSError, ValueError):
        return Model(json.loads(cache.read_bytes()))
    data = _from_library()
    with contextlib.suppress(OSError):
        _write(cache, data)
    return Model(data)


def _source() -> Path:
    """The file of the library that holds its messages; found without importing it."""
    package = importlib.util.find_spec("google.cloud.container_v1")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'google.cloud.container_v1'")
    return Path(package.origin).parent / "types" / "cluster_service.py"


def _cache_file(source: Path) -> Path:
    """Named after everything that the model depends on."""
    about = source.stat()
    key = hashlib.sha256(f"{_FORM} {source} {about.st_size} {about.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(folder) / "mcistio.gke" / f"container-v1-{key}.json"


def _write(cache: Path, data: dict[str, Any]) -> None:
    """Put the file there as a whole: other runs may read it at the same time."""
    cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, unfinished = tempfile.mkstemp(dir=cache.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, separators=(",", ":"))
        os.replace(unfinished, cache)
    except BaseException:
        os.unlink(unfinished)
        raise


def _from_library() -> dict[str, Any]:
    """Every message and enum that a Cluster, an update of one or a NodePool can hold."""
    from google.cloud.container_v1.types import cluster_service

    messages: dict[str, Any] = {}
    enums: dict[str, list[str]] = {}
    waiting = [getattr(cluster_service, root).pb().DESCRIPTOR for root in _ROOTS]
    while waiting:
        descriptor = waiting.pop()
        name = _short(descriptor.full_name)
        if name in messages:
            continue
        messages[name] = [_field(one) for one in descriptor.fields]
        for one in descriptor.fields:
            value = one.message_type.fields_by_name["value"] if _is_map(one) else one
            if value.enum_type is not None:
                enums[_short(value.enum_type.full_name)] = list(value.enum_type.values_by_name)
            if _is_own(value):
                waiting.append(value.message_type)
    return {"messages": messages, "enums": enums}


def _field(one: Any) -> list[Any]:
    if _is_map(one):
        return [one.name, one.json_name, "map", " ".join(_kind(one.message_type.fields_by_name["value"])), False]
    return [one.name, one.json_name, *_kind(one), bool(one.is_repeated)]


def _kind(one: Any) -> tuple[str, str]:
    if _is_own(one):
        return "message", _short(one.message_type.full_name)
    if one.enum_type is not None:
        return "enum", _short(one.enum_type.full_name)
    if one.message_type is not None:
        return "other", one.message_type.full_name
    if one.type == one.TYPE_BOOL:
        return "bool", ""
    if one.type == one.TYPE_STRING:
        return "string", ""
    if one.type in (one.TYPE_INT32, one.TYPE_INT64, one.TYPE_UINT32, one.TYPE_UINT64):
        return "number", ""
    return "other", str(one.type)


def _is_map(one: Any) -> bool:
    return one.message_type is not None and bool(one.message_type.GetOptions().map_entry)


def _is_own(one: Any) -> bool:
    return one.message_type is not None and one.message_type.file.package == PACKAGE


def _short(full_name: str) -> str:
    return full_name.removeprefix(f"{PACKAGE}.")
