# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules: Compute's checks and defaults, and the rules that GKE makes for a cluster."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable

from gkelab.model import addresses, catalog, names, networks
from gkelab.model.cloud import Cloud
from gkelab.model.errors import ApiError, invalid_value
from gkelab.model.plans import node_tag
from gkelab.model.store import JSON
from gkelab.model.threads import Threads
from gkelab.world.plan import World

MAX_TARGET_TAGS = 70
MAX_SOURCE_TAGS = 30
MAX_RANGES = 1024
_PROTOCOLS = {"tcp", "udp", "icmp", "esp", "ah", "sctp", "ipip", "all"}
_SETTABLE = {
    "description",
    "network",
    "priority",
    "sourceRanges",
    "destinationRanges",
    "sourceTags",
    "targetTags",
    "sourceServiceAccounts",
    "targetServiceAccounts",
    "allowed",
    "denied",
    "direction",
    "disabled",
    "logConfig",
}
_LISTS = tuple(name for name in sorted(_SETTABLE) if name.endswith(("s", "ed")) and name != "disabled")
_SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")


class FirewallSync:
    """Hands the rules to the world, never two snapshots at once, so that an older one cannot win."""

    def __init__(self, cloud: Cloud, world: World, threads: Threads) -> None:
        self._cloud = cloud
        self._world = world
        self._threads = threads
        self._lock = asyncio.Lock()

    async def apply(self) -> None:
        """Return once the world enforces the rules as they are now."""
        async with self._lock:
            await self._threads.call(self._world.set_firewalls, snapshot(self._cloud))


def snapshot(cloud: Cloud) -> list[JSON]:
    return [dict(rule) for rule in cloud.firewalls.values()]


def get(cloud: Cloud, project: str, name: str) -> JSON:
    rule = cloud.firewalls.get(f"{project}/{name}")
    if rule is None:
        raise networks.not_found(project, f"global/firewalls/{name}")
    return rule


def insert(cloud: Cloud, project: str, body: JSON) -> JSON:
    """A new rule, checked and complete; not stored yet."""
    name = str(body.get("name") or "")
    if not networks.NAME.fullmatch(name):
        raise invalid_value("resource.name", name, f"Must be a match of regex '(?:{networks.NAME.pattern})'")
    if f"{project}/{name}" in cloud.firewalls:
        raise networks.already_exists(project, f"global/firewalls/{name}")
    network = networks.network_record(cloud, project, str(body.get("network") or "global/networks/default"))
    rule = networks.new_firewall(cloud, project, name, network["name"])
    rule["network"] = network["selfLink"]
    return _settled(rule, {key: value for key, value in body.items() if key != "network"})


def changed(cloud: Cloud, project: str, name: str, body: JSON, *, replace: bool) -> JSON:
    """The rule after a PATCH (absent fields stay, empty lists clear) or a PUT (absent fields go)."""
    old = get(cloud, project, name)
    for field in ("network", "direction"):
        wanted = body.get(field)
        if wanted and names.last_segment(str(wanted)) != names.last_segment(old[field]):
            raise invalid_value(f"resource.{field}", wanted, f"The {field} of a firewall rule cannot be changed.")
    if body.get("name", name) != name:
        raise invalid_value("resource.name", body["name"], "The name does not match the name in the request path.")
    base = {key: value for key, value in old.items() if not replace or key not in _SETTABLE - {"network", "direction"}}
    base = {"description": "", "priority": 1000, "disabled": False, "logConfig": {"enable": False}} | base
    return _settled(base, {key: value for key, value in body.items() if key not in ("network", "direction")})


def _settled(rule: JSON, body: JSON) -> JSON:
    rule = rule | {key: value for key, value in body.items() if key in _SETTABLE and value is not None}
    for field in _LISTS:
        if not rule.get(field):
            rule.pop(field, None)
    _check(rule)
    for kind in ("allowed", "denied"):
        if kind in rule:
            rule[kind] = [_entry(entry) for entry in rule[kind]]
    return rule


def _check(rule: JSON) -> None:
    for field in _LISTS:
        kind = dict if field in ("allowed", "denied") else str
        values = rule.get(field, [])
        if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
            raise invalid_value(f"resource.{field}", values, "Must be a list of the right type.")
    priority = rule["priority"]
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 65535:
        raise invalid_value("resource.priority", priority, "Must be between 0 and 65535, inclusive.")
    if ("allowed" in rule) == ("denied" in rule):
        raise ApiError("INVALID_ARGUMENT", "Exactly one of 'allowed' and 'denied' must be specified.", reason="invalid")
    if "targetTags" in rule and "targetServiceAccounts" in rule:
        raise ApiError(
            "INVALID_ARGUMENT", "Target tags and target service accounts cannot be used together.", reason="invalid"
        )
    if rule["direction"] == "INGRESS" and not any(rule.get(field) for field in _SOURCES):
        rule["sourceRanges"] = ["0.0.0.0/0"]
    for field, most in (("sourceRanges", MAX_RANGES), ("targetTags", MAX_TARGET_TAGS), ("sourceTags", MAX_SOURCE_TAGS)):
        _check_list(rule, field, most)
    for cidr in (*rule.get("sourceRanges", ()), *rule.get("destinationRanges", ())):
        try:
            ipaddress.ip_network(cidr)
        except ValueError:
            raise invalid_value("resource.sourceRanges", cidr, "Must be a valid CIDR address range.") from None
    for tag in (*rule.get("targetTags", ()), *rule.get("sourceTags", ())):
        if not networks.NAME.fullmatch(str(tag)):
            raise invalid_value("resource.targetTags", tag, f"Must be a match of regex '(?:{networks.NAME.pattern})'")


def _check_list(rule: JSON, field: str, most: int) -> None:
    values = rule.get(field, [])
    if len(values) > most:
        raise invalid_value(f"resource.{field}", values, f"Number of items exceeds the limit of {most}.")
    if len(set(values)) != len(values):
        raise invalid_value(f"resource.{field}", values, "Items must be unique.")


def _entry(entry: JSON) -> JSON:
    protocol = str(entry.get("IPProtocol") or "").lower()
    if protocol not in _PROTOCOLS and not (protocol.isdigit() and int(protocol) < 256):
        raise invalid_value("resource.allowed[0].IPProtocol", protocol, "Must be a known protocol name or number.")
    ports = [str(port) for port in entry.get("ports") or []]
    if ports and protocol not in ("tcp", "udp", "sctp", "6", "17", "132"):
        raise invalid_value("resource.allowed[0].ports", ports, "Ports may only be specified for TCP, UDP and SCTP.")
    for port in ports:
        low, _, high = port.partition("-")
        if not low.isdigit() or not (high or low).isdigit() or not int(low) <= int(high or low) <= 65535:
            raise invalid_value("resource.allowed[0].ports[0]", port, "Must be a port or a range of ports.")
    return {"IPProtocol": protocol, "ports": ports} if ports else {"IPProtocol": protocol}


def cluster_rules(cloud: Cloud, record: JSON) -> list[tuple[str, JSON]]:
    """The rules that GKE makes in the network's project for a cluster, with their table keys."""
    body, tag, subnet = record["body"], node_tag(record), networks.by_link(cloud, record["subnet"])
    host = networks.owner(subnet["selfLink"], record["project"])
    pods = all_pod_ranges(cloud, record, body)
    auto = subnet["ipCidrRange"] in catalog.AUTO_SUBNETS.values()
    nodes = catalog.AUTO_NETWORK_RANGE if auto else subnet["ipCidrRange"]
    every = [{"IPProtocol": protocol} for protocol in ("ah", "sctp", "tcp", "udp", "icmp", "esp")]
    internal = [
        {"IPProtocol": "icmp"},
        {"IPProtocol": "tcp", "ports": ["1-65535"]},
        {"IPProtocol": "udp", "ports": ["1-65535"]},
    ]
    kubelet = [{"IPProtocol": "tcp", "ports": ["10255"]}]
    rules: dict[str, JSON] = {
        "all": {"sourceRanges": pods, "allowed": every},
        "vms": {"sourceRanges": [nodes], "allowed": internal},
        "inkubelet": {"priority": 999, "sourceRanges": pods, "sourceTags": [tag], "allowed": kubelet},
        "exkubelet": {"sourceRanges": ["0.0.0.0/0"], "denied": kubelet},
    }
    master = body.get("privateClusterConfig", {}).get("masterIpv4CidrBlock")
    if master:
        allowed = [{"IPProtocol": "tcp", "ports": ["443", "10250"]}]
        rules["master"] = {"sourceRanges": [master], "allowed": allowed}
    made = []
    for suffix, part in rules.items():
        name = f"gke-{record['name']}-{record['hash']}-{suffix}"
        rule = networks.new_firewall(cloud, host, name, body["network"]) | part | {"targetTags": [tag]}
        made.append((f"{host}/{name}", rule))
    return made


def all_pod_ranges(cloud: Cloud, record: JSON, body: JSON) -> list[str]:
    """Pod ranges of the cluster, of pools and by name in its subnet."""
    ranges = addresses.body_pod_ranges(body)
    by_name = body["ipAllocationPolicy"].get("additionalPodRangesConfig", {}).get("podRangeNames", [])
    subnet = networks.by_link(cloud, record["subnet"])
    ranges += [networks.range_cidr(cloud, subnet, name, "Pod") for name in by_name]
    return list(dict.fromkeys(ranges))


def rule_keys(cloud: Cloud, record: JSON) -> Iterable[str]:
    """Table keys of the rules that GKE made for a cluster, those that still exist."""
    prefix = f"gke-{record['name']}-{record['hash']}-"
    host = networks.owner(record["subnet"], record["project"])
    return [f"{host}/{rule['name']}" for rule in cloud.firewalls_of(host) if rule["name"].startswith(prefix)]
