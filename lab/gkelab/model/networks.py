# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC networks and subnetworks: the auto-mode ``default`` of each project, and those that clients make."""

from __future__ import annotations

import ipaddress
import re

from gkelab.model import catalog, names
from gkelab.model.cloud import Cloud
from gkelab.model.errors import ApiError, invalid, invalid_value
from gkelab.model.store import JSON

NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_PROJECT = re.compile(r"projects/([^/]+)/")
_DEFAULT_RULES: tuple[tuple[str, list[str], list[tuple[str, list[str]]]], ...] = (
    (
        "default-allow-internal",
        [catalog.AUTO_NETWORK_RANGE],
        [("tcp", ["0-65535"]), ("udp", ["0-65535"]), ("icmp", [])],
    ),
    ("default-allow-ssh", ["0.0.0.0/0"], [("tcp", ["22"])]),
    ("default-allow-rdp", ["0.0.0.0/0"], [("tcp", ["3389"])]),
    ("default-allow-icmp", ["0.0.0.0/0"], [("icmp", [])]),
)


def ensure_default(cloud: Cloud, project: str) -> None:
    """Give a project that is seen for the first time what Google gives a new one: network, subnets, four rules."""
    record = cloud.projects.get(project) or {"id": project, "number": catalog.project_number(project)}
    if record.get("furnished"):
        return
    with cloud.store.together():
        # First, since what follows looks networks up and would come back here.
        cloud.projects.put(project, {**record, "furnished": True})
        add_network(cloud, project, {"name": "default", "autoCreateSubnetworks": True})
        for name, sources, allowed in _DEFAULT_RULES:
            rule = new_firewall(cloud, project, name, "default")
            rule |= {"priority": 65534, "sourceRanges": sources, "allowed": [_allow(*entry) for entry in allowed]}
            cloud.firewalls.put(f"{project}/{name}", rule)


def _allow(protocol: str, ports: list[str]) -> JSON:
    return {"IPProtocol": protocol, "ports": ports} if ports else {"IPProtocol": protocol}


def new_firewall(cloud: Cloud, project: str, name: str, network: str) -> JSON:
    """An ingress rule with everything that the server fills in, and no match yet."""
    return {
        "kind": "compute#firewall",
        "id": names.numeric_id(),
        "creationTimestamp": names.compute_timestamp(cloud.clock()),
        "name": name,
        "description": "",
        "network": names.compute_link(project, f"global/networks/{network}"),
        "priority": 1000,
        "direction": "INGRESS",
        "disabled": False,
        "logConfig": {"enable": False},
        "selfLink": names.compute_link(project, f"global/firewalls/{name}"),
    }


def add_network(cloud: Cloud, project: str, body: JSON) -> JSON:
    """Make a network, with a subnet in each region if it is in auto mode."""
    name = str(body.get("name", ""))
    if not NAME.fullmatch(name):
        raise invalid_value("resource.name", name, f"Must be a match of regex '{NAME.pattern}'")
    if f"{project}/{name}" in cloud.networks:
        raise already_exists(project, f"global/networks/{name}")
    network: JSON = {
        "kind": "compute#network",
        "id": names.numeric_id(),
        "creationTimestamp": names.compute_timestamp(cloud.clock()),
        "name": name,
        "description": body.get("description") or "",
        "autoCreateSubnetworks": bool(body.get("autoCreateSubnetworks", True)),
        "routingConfig": body.get("routingConfig") or {"routingMode": "REGIONAL"},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
        "selfLink": names.compute_link(project, f"global/networks/{name}"),
    }
    cloud.networks.put(f"{project}/{name}", network)
    if network["autoCreateSubnetworks"]:
        for region, cidr in catalog.AUTO_SUBNETS.items():
            add_subnetwork(cloud, project, region, {"name": name, "network": name, "ipCidrRange": cidr})
    return network


def add_subnetwork(cloud: Cloud, project: str, region: str, body: JSON) -> JSON:
    """Make a subnetwork; its secondary ranges are those of the body."""
    name = str(body.get("name", ""))
    if not NAME.fullmatch(name):
        raise invalid_value("resource.name", name, f"Must be a match of regex '{NAME.pattern}'")
    key = f"{project}/{region}/{name}"
    if key in cloud.subnetworks:
        raise already_exists(project, f"regions/{region}/subnetworks/{name}")
    network = network_record(cloud, project, str(body.get("network", "")))
    cidr = cidr_value("resource.ipCidrRange", body.get("ipCidrRange"))
    subnet: JSON = {
        "kind": "compute#subnetwork",
        "id": names.numeric_id(),
        "creationTimestamp": names.compute_timestamp(cloud.clock()),
        "name": name,
        "network": network["selfLink"],
        "ipCidrRange": str(cidr),
        "gatewayAddress": str(cidr[1]),
        "region": names.compute_link(project, f"regions/{region}"),
        "privateIpGoogleAccess": bool(body.get("privateIpGoogleAccess", False)),
        "secondaryIpRanges": named_ranges(body.get("secondaryIpRanges")),
        "stackType": "IPV4_ONLY",
        "purpose": "PRIVATE",
        "fingerprint": names.fingerprint([name, body.get("secondaryIpRanges")]),
        "selfLink": names.compute_link(project, f"regions/{region}/subnetworks/{name}"),
    }
    cloud.subnetworks.put(key, subnet)
    return subnet


def named_ranges(given: object) -> list[JSON]:
    """A subnet's ``secondaryIpRanges``, checked."""
    entries = given or []
    if not isinstance(entries, list) or not all(isinstance(one, dict) and one.get("rangeName") for one in entries):
        raise invalid_value("resource.secondaryIpRanges", given, "Every range needs a name and a CIDR range.")
    field = "resource.secondaryIpRanges[0].ipCidrRange"
    return [
        {"rangeName": str(one["rangeName"]), "ipCidrRange": str(cidr_value(field, one.get("ipCidrRange")))}
        for one in entries
    ]


def cidr_value(field: str, value: object) -> ipaddress.IPv4Network:
    """The value as a network; raises Compute's 400 for what is none."""
    try:
        return ipaddress.IPv4Network(str(value))
    except ValueError:
        raise invalid_value(field, value, "Must be a valid CIDR range.") from None


def already_exists(project: str, path: str) -> ApiError:
    return ApiError("ALREADY_EXISTS", f"The resource 'projects/{project}/{path}' already exists")


def not_found(project: str, path: str) -> ApiError:
    return ApiError("NOT_FOUND", f"The resource 'projects/{project}/{path}' was not found")


def owner(reference: str, project: str) -> str:
    """Project that a network or subnetwork reference names, else the given one."""
    found = _PROJECT.search(reference)
    return found.group(1) if found else project


def network_record(cloud: Cloud, project: str, reference: str) -> JSON:
    """The network meant by a name, path or URL; raises Compute's 404."""
    host = cloud.project_id(owner(reference, project))
    ensure_default(cloud, host)
    name = names.last_segment(reference)
    network = cloud.networks.get(f"{host}/{name}")
    if network is None:
        raise not_found(host, f"global/networks/{name}")
    return network


def cluster_network(cloud: Cloud, project: str, reference: str) -> JSON:
    """As ``network_record``, but refuses in the container API's words."""
    host = cloud.project_id(owner(reference, project))
    ensure_default(cloud, host)
    name = names.last_segment(reference)
    network = cloud.networks.get(f"{host}/{name}")
    if network is None:
        raise invalid(f'Project "{host}" has no network named "{name}".')
    return network


def cluster_subnetwork(cloud: Cloud, network: JSON, region: str, reference: str) -> JSON:
    """The subnetwork of a cluster: the one asked for, or an auto-mode network's in that region."""
    host = owner(network["selfLink"], "")
    if not reference and not network["autoCreateSubnetworks"]:
        raise invalid(f'Network "{network["name"]}" requires specifying a subnetwork.')
    name = names.last_segment(reference) if reference else network["name"]
    subnet = cloud.subnetworks.get(f"{host}/{region}/{name}")
    if subnet is None or subnet["network"] != network["selfLink"]:
        raise invalid(f'Subnetwork "projects/{host}/regions/{region}/subnetworks/{name}" does not exist.')
    return subnet


def by_link(cloud: Cloud, link: str) -> JSON:
    """The subnetwork that a cluster was made in, which cannot be deleted before the cluster."""
    return next(subnet for subnet in cloud.subnetworks.values() if subnet["selfLink"] == link)


def secondary_ranges(cloud: Cloud, subnet: JSON) -> list[JSON]:
    """A subnet's secondary ranges: its own, and those that GKE made in it for clusters and node pools."""
    found = {entry["rangeName"]: entry["ipCidrRange"] for entry in subnet["secondaryIpRanges"]}
    for record in cloud.clusters.values():
        if record["subnet"] == subnet["selfLink"]:
            policy = record["body"]["ipAllocationPolicy"]
            found.setdefault(policy["clusterSecondaryRangeName"], policy["clusterIpv4CidrBlock"])
            for pool in record["body"]["nodePools"]:
                found.setdefault(pool["networkConfig"]["podRange"], pool["networkConfig"]["podIpv4CidrBlock"])
    return [{"rangeName": name, "ipCidrRange": cidr} for name, cidr in found.items()]


def range_status(cloud: Cloud, subnet: JSON, name: str) -> str:
    """Who uses a secondary range of a subnet: nobody, clusters that can share it, or the one that GKE made it for."""
    if name.startswith("gke-"):
        return "IN_USE_MANAGED_POD"
    for record in cloud.clusters.values():
        if record["subnet"] == subnet["selfLink"]:
            policy = record["body"]["ipAllocationPolicy"]
            pods = {pool["networkConfig"]["podRange"] for pool in record["body"]["nodePools"]}
            pods |= {policy["clusterSecondaryRangeName"]}
            pods |= set(policy.get("additionalPodRangesConfig", {}).get("podRangeNames", ()))
            if name in pods:
                return "IN_USE_SHAREABLE_POD"
            if name == policy.get("servicesSecondaryRangeName"):
                return "IN_USE_SERVICE"
    return "UNUSED"


def range_cidr(cloud: Cloud, subnet: JSON, name: str, what: str) -> str:
    """Range of a named secondary range; ``what`` is Pod or Services, for the refusal."""
    for entry in secondary_ranges(cloud, subnet):
        if entry["rangeName"] == name:
            return str(entry["ipCidrRange"])
    network = names.last_segment(subnet["network"])
    raise invalid(f'{what} secondary range "{name}" not found in network "{network}", subnetwork "{subnet["name"]}".')
