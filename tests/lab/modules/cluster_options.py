# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of gke_cluster to draw from: values that all mean something else, and other spellings of the same."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from tests.lab.modules.in_process import PROJECT, ZONE

JSON = dict[str, Any]
REGION = "us-central1"
_WINDOW = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T06:00:00Z"}
_FREEZE = {"name": "freeze", "start_time": "2026-12-20T00:00:00Z", "end_time": "2027-01-03T00:00:00Z"}
_QUARTER = {"name": "quarter", "start_time": "2026-03-28T00:00:00+00:00", "end_time": "2026-04-03T00:00:00+00:00"}

POOL_VALUES: dict[str, list[Any]] = {
    "node_count": [0, 1, 2, 3],
    "autoscaling": [
        {"minimum": 0, "maximum": 3},
        {"minimum": 1, "maximum": 3, "location_policy": "ANY"},
        {"total_minimum": 1, "total_maximum": 5, "location_policy": "BALANCED"},
    ],
    "machine_type": ["e2-medium", "e2-standard-4", "n2-standard-8"],
    "disk_size_gb": [50, 100, 200],
    "disk_type": ["pd-balanced", "pd-ssd", "pd-standard"],
    "image_type": ["COS_CONTAINERD", "UBUNTU_CONTAINERD"],
    "oauth_scopes": [["cloud-platform"], ["logging-write", "monitoring", "trace"]],
    "service_account": ["nodes@my-project.iam.gserviceaccount.com", "other@my-project.iam.gserviceaccount.com"],
    "node_tags": [["mesh1-node"], ["blue", "green"], ["web"]],
    "node_labels": [{}, {"team": "a"}, {"team": "b", "tier": "1"}],
    "node_taints": [
        [],
        [{"key": "dedicated", "value": "mesh", "effect": "NO_SCHEDULE"}],
        [{"key": "a", "effect": "NO_EXECUTE"}, {"key": "b", "value": "1", "effect": "PREFER_NO_SCHEDULE"}],
    ],
    "spot": [False, True],
    "auto_repair": [False, True],
    "auto_upgrade": [False, True],
    "max_surge": [1, 2],
    "max_unavailable": [0, 1],
    "max_pods_per_node": [32, 64],
}
"""Options of a pool, also found at the top level."""

LISTED_POOL_VALUES: dict[str, list[Any]] = {
    **POOL_VALUES,
    "node_locations": [[ZONE], [ZONE, f"{REGION}-b"], [f"{REGION}-b", f"{REGION}-c"]],
    "private_nodes": [False, True],
    "extra": [{"config": {"gvnic": {"enabled": True}}}, {"config": {"resource_labels": {"cost": "mesh"}}}],
}
"""Options of an entry of ``node_pools``."""

VALUES: dict[str, list[Any]] = {
    "description": ["", "a mesh", "another mesh"],
    "release_channel": ["rapid", "regular", "extended", "none"],
    "node_locations": [[ZONE], [ZONE, f"{REGION}-b"], [ZONE, f"{REGION}-c", f"{REGION}-f"]],
    "cluster_ipv4_cidr": ["/17", "/18", "10.32.0.0/14"],
    "services_ipv4_cidr": ["10.120.0.0/20", "10.121.0.0/20"],
    "stack_type": ["IPV4", "IPV4_IPV6"],
    "default_max_pods_per_node": [32, 110],
    "logging": [[], ["SYSTEM_COMPONENTS"], ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER"]],
    "monitoring": [["SYSTEM_COMPONENTS"], ["SYSTEM_COMPONENTS", "POD", "KUBELET"]],
    "managed_prometheus": [False, True],
    "labels": [{}, {"mesh": "mesh1"}, {"mesh": "mesh2", "team": "a"}],
    "workload_identity": [False, True],
    "private_nodes": [False, True],
    "control_plane": [
        {"public_endpoint": False, "global_access": True},
        {"authorized_networks": []},
        {
            "authorized_networks": [
                {"cidr_block": "203.0.113.0/24", "name": "office"},
                {"cidr_block": "2001:db8::/32"},
            ],
            "dns_external_traffic": True,
        },
        {"dns_external_traffic": True, "dns_kubernetes_tokens": True, "ip_endpoints": True},
    ],
    "control_plane_ipv4_cidr": ["172.30.0.0/28", "172.30.1.0/28"],
    "dataplane_v2": [False, True],
    "intra_node_visibility": [False, True],
    "gateway_api": ["standard", "disabled"],
    "autoscaling_profile": ["BALANCED", "OPTIMIZE_UTILIZATION"],
    "node_auto_provisioning": [
        {"enabled": False},
        {
            "limits": [
                {"resource": "cpu", "minimum": 1, "maximum": 40},
                {"resource": "memory", "maximum": 160},
            ]
        },
        {
            "limits": [{"resource": "cpu", "maximum": 8}, {"resource": "memory", "maximum": 64}],
            "service_account": "nodes@my-project.iam.gserviceaccount.com",
        },
    ],
    "vertical_pod_autoscaling": [False, True],
    "binary_authorization": ["DISABLED", "PROJECT_SINGLETON_POLICY_ENFORCE"],
    "shielded_nodes": [False, True],
    "confidential_nodes": [False, True],
    "database_encryption_key": [
        "",
        f"projects/{PROJECT}/locations/us-central1/keyRings/r/cryptoKeys/k",
        f"projects/{PROJECT}/locations/us-central1/keyRings/r/cryptoKeys/other",
    ],
    "maintenance": [
        {"daily_start": "03:00"},
        {**_WINDOW, "recurrence": "FREQ=WEEKLY;BYDAY=SA"},
        {"daily_start": "04:00", "exclusions": [{**_FREEZE, "scope": "NO_UPGRADES"}, _QUARTER]},
    ],
    "extra": [
        {"costManagementConfig": {"enabled": True}},
        {"addonsConfig": {"dnsCacheConfig": {"enabled": True}, "httpLoadBalancing": {"disabled": True}}},
        {"notificationConfig": {"pubsub": {"enabled": True, "topic": f"projects/{PROJECT}/topics/t"}}},
    ],
    **POOL_VALUES,
}
"""Options of a cluster, each with values that no two mean the same."""

FIXED = frozenset({
    "description", "cluster_ipv4_cidr", "services_ipv4_cidr", "default_max_pods_per_node", "control_plane_ipv4_cidr",
    "dataplane_v2", "confidential_nodes", "oauth_scopes", "service_account", "spot", "max_pods_per_node",
})  # fmt: skip
"""Options that no call changes on a cluster or pool that exists."""

FIELD_NAMES = {
    "description": "description",
    "cluster_ipv4_cidr": "clusterIpv4CidrBlock",
    "services_ipv4_cidr": "servicesIpv4CidrBlock",
    "default_max_pods_per_node": "maxPodsPerNode",
    "control_plane_ipv4_cidr": "masterIpv4CidrBlock",
    "dataplane_v2": "datapathProvider",
    "confidential_nodes": "confidentialNodes",
    "oauth_scopes": "oauthScopes",
    "service_account": "serviceAccount",
    "spot": "spot",
    "max_pods_per_node": "maxPodsPerNode",
}
"""What the refusal must name, for each of FIXED."""


def _some(values: dict[str, list[Any]], most: int) -> st.SearchStrategy[JSON]:
    """A few of the options, each with one of its values."""
    names = st.lists(st.sampled_from(sorted(values)), max_size=most, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({one: st.sampled_from(values[one]) for one in chosen}))


def _pools() -> st.SearchStrategy[list[JSON]]:
    names = st.lists(st.sampled_from(["system", "work", "spare"]), min_size=1, max_size=3, unique=True)
    return names.flatmap(lambda chosen: st.tuples(*(_pool(name) for name in chosen)).map(list))


def _pool(name: str) -> st.SearchStrategy[JSON]:
    return _some(LISTED_POOL_VALUES, 4).map(lambda options: {"name": name, **options})


_NETWORKS: st.SearchStrategy[JSON] = st.sampled_from([
    {},
    {"network": "default"},
    {"network": "shared", "subnetwork": "gke", "cluster_secondary_range_name": "pods"},
    {
        "network": "shared", "subnetwork": "gke", "cluster_secondary_range_name": "pods",
        "services_secondary_range_name": "services", "additional_pod_ranges": ["more-pods"],
    },
    {"network": "shared", "subnetwork": "gke", "additional_pod_ranges": ["more-pods", "even-more-pods"]},
])  # fmt: skip
_VERSIONS: st.SearchStrategy[JSON] = st.sampled_from([
    {}, {}, {"cluster_version": "1.35"}, {"cluster_version": "1.36.1-gke.1000000"},
    {"cluster_version": "latest"}, {"cluster_version": 1.35},
])  # fmt: skip


@st.composite
def wishes(draw: st.DrawFn, most: int = 6) -> JSON:
    """Options that describe a cluster that can be had."""
    wish: JSON = {"name": "central", "location": draw(st.sampled_from([ZONE, ZONE, REGION]))}
    wish |= draw(_some(VALUES, most)) | draw(_NETWORKS) | draw(_VERSIONS)
    if "cluster_secondary_range_name" in wish:
        wish.pop("cluster_ipv4_cidr", None)
    if "services_secondary_range_name" in wish:
        wish.pop("services_ipv4_cidr", None)
    if draw(st.booleans()):
        wish["node_pools"] = draw(_pools())
        wish["remove_other_node_pools"] = draw(st.booleans())
    wish["replace_node_pools"] = draw(st.booleans())
    wish["allow_recreate"] = draw(st.integers(0, 3)) == 0
    if draw(st.integers(0, 9)) == 0:
        wish["autopilot"] = True
        for name in {*POOL_VALUES, "node_pools", "node_auto_provisioning"} - {"node_tags"}:
            wish.pop(name, None)
    return wish


def respelled(wish: JSON, chance: random.Random) -> JSON:
    """The same wish in other words: lists turned around or doubled, names in full, words in small letters."""
    other = {name: _reordered(value, chance) for name, value in wish.items()}
    if other.get("network"):
        path = f"projects/{PROJECT}/global/networks/{other['network']}"
        other["network"] = chance.choice([other["network"], path, f"https://www.googleapis.com/compute/v1/{path}"])
    if other.get("subnetwork"):
        other["subnetwork"] = chance.choice(
            [other["subnetwork"], f"projects/{PROJECT}/regions/{REGION}/subnetworks/{other['subnetwork']}"]
        )
    for name in ("logging", "monitoring"):
        if name in other:
            other[name] = [chance.choice([word, word.lower()]) for word in other[name]]
    for pool in [other, *other.get("node_pools", [])]:
        _respell_pool(pool, chance)
    for entry in (other.get("control_plane") or {}).get("authorized_networks") or ():
        entry["cidr_block"] = chance.choice([entry["cidr_block"], entry["cidr_block"].upper()])
    if "labels" in other:
        other["labels"] = dict(reversed(other["labels"].items()))
    return other


def _respell_pool(pool: JSON, chance: random.Random) -> None:
    if "image_type" in pool:
        pool["image_type"] = chance.choice([pool["image_type"], pool["image_type"].lower()])
    if "cloud-platform" in pool.get("oauth_scopes", ()):
        pool["oauth_scopes"] = ["https://www.googleapis.com/auth/cloud-platform"]
    if "tier" in pool.get("node_labels", ()):
        pool["node_labels"] = {"tier": 1, "team": "b"}


def _reordered(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        return {key: _reordered(entry, chance) for key, entry in value.items()}
    if isinstance(value, list):
        entries = [_reordered(entry, chance) for entry in value]
        if entries and isinstance(entries[0], str) and chance.random() < 0.3:
            entries.append(entries[0])
        chance.shuffle(entries)
        return entries
    return value
