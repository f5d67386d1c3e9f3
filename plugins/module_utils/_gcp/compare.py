# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a wished-for JSON differs from what an API reports. Pure.

Only what was asked for is compared, and as the API means it: false, zero, empty and absent are one; lists have no
order; 64-bit numbers may be strings; a network may be a short name or a full path; a range may be given by its size.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One field that is not as asked: its path, what it is and what it should be."""

    path: Path
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {_text(self.before)} -> {_text(self.after)}"


RESOURCES = frozenset(
    {"network", "subnetwork", "privateEndpointSubnetwork", "keyName", "project", "topic", "bootDiskKmsKey"}
)
"""Keys whose values name resources, in short or in full."""
_LABELS = frozenset({"resourceLabels", "labels"})
_WHOLE = _LABELS | {"maintenanceExclusions"}
"""Keys of maps that are managed as a whole: an entry that was not asked for is a difference."""
_SIZES = frozenset({"clusterIpv4CidrBlock", "servicesIpv4CidrBlock", "masterIpv4CidrBlock", "podIpv4CidrBlock"})


_SILENT_WORDS = {
    "channel": frozenset({"UNSPECIFIED", "CHANNEL_DISABLED"}),
    "evaluationMode": frozenset({"DISABLED"}),
    "datapathProvider": frozenset({"LEGACY_DATAPATH"}),
    "stackType": frozenset({"IPV4"}),
    "state": frozenset({"DECRYPTED"}),
    "autoscalingProfile": frozenset({"BALANCED"}),
    "mode": frozenset({"MODE_UNSPECIFIED"}),
    "scope": frozenset({"NO_UPGRADES"}),
}
"""By key, the words that say what leaving the field out says."""


def differences(desired: Mapping[str, Any], actual: Mapping[str, Any], path: Path = ()) -> list[Difference]:
    """Every leaf of ``desired`` that ``actual`` does not satisfy, in the order of ``desired``."""
    found: list[Difference] = []
    for key, wanted in desired.items():
        have = actual.get(key)
        here = (*path, key)
        if isinstance(wanted, Mapping) and wanted and key not in _WHOLE:
            found += differences(wanted, have if isinstance(have, Mapping) else {}, here)
        elif not same(key, wanted, have):
            found.append(Difference(here, have, wanted))
    return found


def picked(desired: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, Any]:
    """Those parts of ``actual`` that ``desired`` speaks of; what satisfies a wish is spelled as the wish."""
    found: dict[str, Any] = {}
    for key, wanted in desired.items():
        have = actual.get(key)
        if isinstance(wanted, Mapping) and wanted and key not in _WHOLE:
            inner = picked(wanted, have if isinstance(have, Mapping) else {})
            if inner:
                found[key] = inner
        elif same(key, wanted, have):
            found[key] = wanted
        elif have is not None:
            found[key] = have
    return found


def same(key: str, wanted: Any, have: Any) -> bool:
    """Whether two values of a field mean the same to the API."""
    if key in RESOURCES and isinstance(wanted, str) and isinstance(have, str):
        return same_resource(wanted, have)
    if key in _LABELS:
        return dict(wanted or {}) == {name: text for name, text in (have or {}).items() if _is_ours(name, wanted or {})}
    if key in _SIZES and isinstance(wanted, str) and wanted.startswith("/"):
        return str(have or "").endswith(wanted)
    return bool(_said(key, wanted) == _said(key, have))


def _is_ours(label: str, wanted: Mapping[str, Any]) -> bool:
    """Google adds labels of its own to resources; they are no difference."""
    return label in wanted or not label.startswith("goog-")


def _said(key: str, value: Any) -> Any:
    silent = isinstance(value, str) and (value.endswith("_UNSPECIFIED") or value in _SILENT_WORDS.get(key, ()))
    return None if silent else canonical(value)


def canonical(value: Any) -> Any:
    """One spelling for all values that mean the same; None for every way of saying nothing."""
    if isinstance(value, Mapping):
        kept = {key: _said(str(key), entry) for key, entry in value.items()}
        return tuple(sorted((key, entry) for key, entry in kept.items() if entry is not None)) or None
    if isinstance(value, (list, tuple)):
        entries = [canonical(entry) for entry in value]
        return tuple(sorted({entry for entry in entries if entry is not None}, key=repr)) or None
    if value is None or value is False or value == "" or value == 0:
        return None
    if value is True:
        return True
    return _scalar(str(value))


def same_resource(one: str, other: str) -> bool:
    """Whether two names mean one resource: the last parts are equal, and so is each part that both give."""
    parts, others = _resource(one), _resource(other)
    return all(parts[kind] == others[kind] for kind in parts.keys() & others.keys())


def resource_name(value: str) -> str:
    """The last part of a resource's path or URL."""
    return value.rstrip("/").rsplit("/", 1)[-1]


def resource_project(value: str) -> str:
    """The project in a resource's path; empty for a short name."""
    return _resource(value).get("projects", "")


def _resource(value: str) -> dict[str, str]:
    """``projects/p/regions/r/subnetworks/s`` → kinds and names; a short name has only its own."""
    pieces = value.strip("/").split("/")
    found = {"": pieces[-1]}
    for kind, name in itertools.pairwise(pieces):
        if kind in ("projects", "regions"):
            found[kind] = name
    return found


def _scalar(text: str) -> str:
    """Addresses in one spelling; times without the ways of writing UTC; everything else as it is."""
    if "/" in text and text[0] in "0123456789abcdefABCDEF:":
        try:
            return str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            return text
    return text.replace("+00:00", "Z").replace(".000Z", "Z") if text.endswith(("Z", "+00:00")) else text


def _text(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return "(none)"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_text(entry) for entry in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
