# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with gke_cluster's options whatever the cloud looks like: found before the first call. Pure.

The service would refuse most of it too, but only when earlier changes have been made, and in the words of its fields.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

_BOUNDS = {
    "node_count": (0, 1000),
    "disk_size_gb": (10, 65536),
    "max_surge": (0, 1000),
    "max_unavailable": (0, 1000),
    "max_pods_per_node": (8, 256),
    "default_max_pods_per_node": (8, 256),
    "wait_timeout": (1, None),
    "drain_timeout": (1, None),
}
"""Smallest and largest value of the numbers."""
_TAG = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_POOL = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_NODE_LABEL = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_NODE_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST_LABEL = 63
_EACH_ZONE, _ALL_ZONES = ("minimum", "maximum"), ("total_minimum", "total_maximum")


def check(subject: str, params: Mapping[str, Any]) -> None:
    """Refuse options that cannot be meant.

    Raises:
        MeshError: it names every one of them.
    """
    found = [*_cluster(params), *_pool(params)]
    for entry in params.get("node_pools") or ():
        found += [f"node pool {entry['name']}: {problem}" for problem in _listed_pool(entry)]
    if found:
        raise MeshError("read", f"the options of {subject}", "; ".join(found), "Nothing was changed.")


def is_tag(text: str) -> bool:
    """Whether Compute takes it for a network tag."""
    return bool(_TAG.fullmatch(text))


def _cluster(params: Mapping[str, Any]) -> Iterator[str]:
    yield from _numbers(params, ("default_max_pods_per_node", "wait_timeout", "drain_timeout"))
    for option in ("cluster_ipv4_cidr", "services_ipv4_cidr"):
        yield from _range(option, params.get(option), sized=True)
    yield from _range("control_plane_ipv4_cidr", params.get("control_plane_ipv4_cidr"))
    if params.get("cluster_ipv4_cidr") and params.get("cluster_secondary_range_name"):
        yield "cluster_ipv4_cidr and cluster_secondary_range_name are both set"
    if params.get("services_ipv4_cidr") and params.get("services_secondary_range_name"):
        yield "services_ipv4_cidr and services_secondary_range_name are both set"
    for entry in (params.get("control_plane") or {}).get("authorized_networks") or ():
        yield from _range("authorized_networks", entry.get("cidr_block") or "(empty)", six=True)
    for key, value in (params.get("labels") or {}).items():
        if not (_is_label(str(key)) and key and str(key)[0].isalpha() and _is_label(str(value))):
            yield f"labels: {key}={value} has other than lower-case letters, digits, - and _, or more than 63"
    yield from _maintenance(params.get("maintenance") or {})


def _listed_pool(entry: Mapping[str, Any]) -> Iterator[str]:
    if not _POOL.fullmatch(str(entry["name"])):
        yield "the name is not allowed (at most 40 lower-case letters, digits and hyphens, beginning with a letter)"
    yield from _pool(entry)


def _pool(options: Mapping[str, Any]) -> Iterator[str]:
    yield from _numbers(options, ("node_count", "disk_size_gb", "max_surge", "max_unavailable", "max_pods_per_node"))
    if options.get("max_surge") == 0 and options.get("max_unavailable") == 0:
        yield "max_surge and max_unavailable are both 0, so that no node could ever be upgraded"
    for tag in options.get("node_tags") or ():
        if not is_tag(tag):
            yield f"node_tags: {tag!r} is no network tag (lower-case letters, digits and hyphens)"
    for key, value in (options.get("node_labels") or {}).items():
        if not (_NODE_LABEL.fullmatch(str(key)) and _NODE_LABEL_VALUE.fullmatch(str(value))):
            yield f"node_labels: {key}={value} is no label of Kubernetes"
    for taint in options.get("node_taints") or ():
        if not (_NODE_LABEL.fullmatch(taint["key"]) and _NODE_LABEL_VALUE.fullmatch(taint.get("value") or "")):
            yield f"node_taints: {taint['key']}={taint.get('value') or ''} is no taint of Kubernetes"
    yield from _autoscaling(options.get("autoscaling") or {})


def _autoscaling(value: Mapping[str, Any]) -> Iterator[str]:
    for least, most in (_EACH_ZONE, _ALL_ZONES):
        low, high = value.get(least), value.get(most)
        if any(number is not None and number < 0 for number in (low, high)):
            yield f"autoscaling: {least} and {most} cannot be negative"
        elif low is not None and high is not None and low > high:
            yield f"autoscaling: {least} {low} is more than {most} {high}"
    bounds = [{name for name in names if value.get(name)} for names in (_EACH_ZONE, _ALL_ZONES)]
    if all(bounds):
        yield f"autoscaling: {' and '.join(sorted(set[str]().union(*bounds)))} exclude each other"


def _maintenance(value: Mapping[str, Any]) -> Iterator[str]:
    start = value.get("daily_start")
    if start is not None and not _TIME_OF_DAY.fullmatch(start):
        yield f"maintenance: daily_start {start!r} is no time of day like 03:00"
    yield from _span("maintenance", value)
    for one in value.get("exclusions") or ():
        yield from _span(f"maintenance: exclusion {one['name']}", one)


def _span(what: str, value: Mapping[str, Any]) -> Iterator[str]:
    times = {}
    for option in ("start_time", "end_time"):
        text = value.get(option)
        if text is None:
            continue
        try:
            times[option] = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            times[option] = datetime.min
        if times[option].tzinfo is None:
            yield f"{what}: {option} {text!r} is no time like 2026-12-20T00:00:00Z"
            return
    if len(times) == 2 and times["start_time"] >= times["end_time"]:
        yield f"{what}: end_time is not after start_time"


def _numbers(options: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value, (least, most) = options.get(name), _BOUNDS[name]
        if value is None:
            continue
        if most is not None and not least <= value <= most:
            yield f"{name}: {value} is not in {least}..{most}"
        elif value < least:
            yield f"{name}: {value} is less than {least}"


def _range(option: str, value: str | None, *, sized: bool = False, six: bool = False) -> Iterator[str]:
    """``sized``: a prefix length alone will do; ``six``: IPv6 will too."""
    if not value or (sized and re.fullmatch(r"/(\d|[12]\d|3[0-2])", value)):
        return
    parse: Callable[[str], object] = ipaddress.ip_network if six else ipaddress.IPv4Network
    try:
        parse(value)
    except ValueError as error:
        yield f"{option}: {error}; ranges look like 10.4.0.0/14"


def _is_label(text: str) -> bool:
    """Whether a label's key or value has only what Google's labels may have."""
    good = all(letter.isalnum() or letter in "-_" for letter in text)
    return good and text == text.lower() and len(text) <= _LONGEST_LABEL
