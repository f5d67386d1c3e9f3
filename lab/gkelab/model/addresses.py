# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets which slot, endpoint, pod range and node address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from gkelab.model.cloud import Cloud
from gkelab.model.errors import ApiError, invalid
from gkelab.model.store import JSON

Network = ipaddress.IPv4Network

_POD_SPACE = (Network("10.0.0.0/9"), Network("100.64.0.0/10"), Network("172.16.0.0/12"))
DEFAULT_POD_PREFIX = 17
NODE_PREFIX = 24
SERVICES = "34.118.224.0/20"
"""The range that GKE itself manages; the same in every cluster, since it is virtual."""
REAL_SLOTS = 128
"""So many clusters can have something behind them: a slot is one octet of an endpoint."""


class IpSpaceExhausted(Exception):
    """A range has no room for a node; becomes the operation's error, as with Google."""


def free_slot(cloud: Cloud) -> int:
    used = {record["slot"] for record in cloud.clusters.values()}
    return next(slot for slot in range(len(used) + 1) if slot not in used)


def endpoint(slot: int) -> str:
    """Second address of the slot's /30; slots past the real ones (no cluster behind them) use the /30s above."""
    row, octet = divmod(slot, REAL_SLOTS)
    return f"198.18.{octet}.{2 + 4 * row}"


def pod_ranges(record: JSON) -> Iterator[str]:
    """Every pod range that a cluster has or will have once its operation is done."""
    for state in (record, record.get("pending") or {}):
        body = state.get("body")
        if body:
            yield from body_pod_ranges(body)


def body_pod_ranges(body: JSON) -> list[str]:
    """Primary range first, then those of pools with their own."""
    ranges = [body["clusterIpv4Cidr"]]
    for pool in body["nodePools"]:
        own = pool.get("networkConfig", {}).get("podIpv4CidrBlock")
        if own and own not in ranges:
            ranges.append(own)
    return ranges


def pod_block(cloud: Cloud, requested: str, network: str, name: str) -> str:
    """The pod range for ``10.4.0.0/14`` (as asked: Google does not compare clusters), ``/14`` or nothing."""
    if requested and not requested.startswith("/"):
        try:
            block = Network(requested)
        except ValueError:
            raise invalid(f'Invalid CIDR block "{requested}" for field "cluster.ip_allocation_policy".') from None
        if block.prefixlen > 28:
            raise invalid(f"CIDR block {requested} is too small: the largest prefix for pods is /28.")
        return str(block)
    prefix = _prefix(requested)
    used = [Network(text) for record in cloud.clusters.values() for text in pod_ranges(record)]
    for block in _blocks(prefix):
        if not any(block.overlaps(other) for other in used):
            return str(block)
    raise invalid(
        f'The network "{network}" does not have available private IP space in 10.0.0.0/8 to reserve a /{prefix} '
        f"block for containers for cluster {{{name}}}."
    )


def _prefix(requested: str) -> int:
    text = requested.removeprefix("/")
    if not text:
        return DEFAULT_POD_PREFIX
    if not text.isdigit() or not 9 <= int(text) <= 28:
        raise invalid(f'Invalid CIDR block "{requested}" for field "cluster.ip_allocation_policy".')
    return int(text)


def _blocks(prefix: int) -> Iterator[Network]:
    for space in _POD_SPACE:
        if prefix >= space.prefixlen:
            yield from space.subnets(new_prefix=prefix)


def used_node_addresses(cloud: Cloud) -> set[str]:
    """Addresses of all nodes, of operations in flight too."""
    return {node["address"] for record in cloud.clusters.values() for node in _nodes(record)}


def used_pod_ranges(cloud: Cloud, subnet: str) -> set[str]:
    """Pod ranges of all nodes in a subnet, whose clusters may share a secondary range; of operations in flight too."""
    records = [record for record in cloud.clusters.values() if record["subnet"] == subnet]
    return {node["podCidr"] for record in records for node in _nodes(record)}


def _nodes(record: JSON) -> Iterator[JSON]:
    """Every node that a cluster has or will have."""
    for state in (record, record.get("pending") or {}):
        yield from state.get("nodes", [])


def node_addresses(subnet: str, used: set[str]) -> Iterator[str]:
    """Free addresses of the subnet's lower half; the upper half is for internal load balancers."""
    network = Network(subnet)
    for offset in range(2, max(network.num_addresses // 2, 4)):
        address = str(network[offset])
        if address not in used:
            used.add(address)
            yield address


def node_pod_ranges(block: str, used: Iterable[str]) -> Iterator[str]:
    """Free /24s (smaller ones if the range itself is smaller) of a pod range."""
    network, taken = Network(block), set(used)
    for part in network.subnets(new_prefix=max(NODE_PREFIX, network.prefixlen)):
        if str(part) not in taken:
            yield str(part)


def too_many_real_clusters() -> ApiError:
    return ApiError("RESOURCE_EXHAUSTED", f"Quota 'CLUSTERS' exceeded.  Limit: {REAL_SLOTS}.0 in this lab.")
