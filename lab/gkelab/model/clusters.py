# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and their node pools: what each call checks, begins and changes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from copy import deepcopy

from gkelab.model import (
    addresses,
    catalog,
    defaults,
    firewalls,
    injected,
    names,
    networks,
    nodepools,
    updates,
    versions,
)
from gkelab.model.cloud import Cloud, cluster_key
from gkelab.model.errors import ApiError, invalid
from gkelab.model.operations import Operations
from gkelab.model.store import JSON

Change = Callable[[JSON, JSON], None]
"""Edits a cluster's body and its sizes (nodes a zone by pool)."""


class Clusters:
    """The container API's verbs on clusters and node pools; all give back an operation unless they read.

    ``slots`` bounds the clusters alive at once (something real stands behind each), 0 for no bound.
    """

    def __init__(self, cloud: Cloud, operations: Operations, slots: int) -> None:
        self._cloud = cloud
        self._operations = operations
        self._slots = slots

    # reading

    def find(self, project: str, location: str, name: str) -> JSON:
        catalog.region_of(location)
        record = self._cloud.clusters.get(cluster_key(project, location, name))
        if record is None:
            raise ApiError("NOT_FOUND", f"Not found: {names.container_parent(project, location)}/clusters/{name}.")
        return record

    def get(self, project: str, location: str, name: str) -> JSON:
        return view(self.find(project, location, name))

    def listing(self, project: str, location: str) -> JSON:
        """ListClusters' answer; zones named by the fault ``missing_zones`` are left out and said to be missing."""
        if location != "-":
            catalog.region_of(location)
        missing = list(injected.actions.get().get("missing_zones", []))
        shown = [
            view(record)
            for record in self._cloud.clusters_of(project)
            if location in ("-", record["location"]) and record["location"] not in missing
        ]
        answer: JSON = {"clusters": shown} if shown else {}
        return answer | {"missingZones": missing} if missing else answer

    def find_pool(self, record: JSON, pool: str) -> JSON:
        """A pool that stands or is being made; raises ApiError."""
        for entry in _shown_pools(record):
            if entry["name"] == pool:
                return dict(entry)
        where = f"{names.container_parent(record['project'], record['location'])}/clusters/{record['name']}"
        raise ApiError("NOT_FOUND", f"Not found: {where}/nodePools/{pool}.")

    # creating and deleting

    def create(self, project: str, location: str, request: JSON) -> JSON:
        catalog.region_of(location)
        name = request.get("name", "")
        defaults.check_name(name)
        key = cluster_key(project, location, name)
        if key in self._cloud.clusters:
            raise ApiError(
                "ALREADY_EXISTS", f"Already exists: {names.container_parent(project, location)}/clusters/{name}."
            )
        body, subnet, cluster_hash = defaults.complete(self._cloud, project, location, request)
        slot = addresses.free_slot(self._cloud)
        if self._slots and slot >= self._slots:
            raise addresses.too_many_real_clusters()
        sizes = {pool["name"]: _first_size(pool) for pool in body["nodePools"]}
        record: JSON = {
            "project": project,
            "location": location,
            "name": name,
            "id": hashlib.sha256(f"{key} {cluster_hash}".encode()).hexdigest(),
            "slot": slot,
            "hash": cluster_hash,
            "created": self._cloud.clock(),
            "status": "PROVISIONING",
            "body": body,
            "sizes": sizes,
            "groups": nodepools.new_groups({}, body),
            "nodes": [],
            "subnet": subnet["selfLink"],
            "subnetCidr": subnet["ipCidrRange"],
            "ca": "",
            "revision": 1,
        }
        failure = self._place(record, record)
        with self._cloud.store.together():
            self._cloud.clusters.put(key, record)
            return self._operations.start("create", "CREATE_CLUSTER", record, args=failure)

    def delete(self, project: str, location: str, name: str) -> JSON:
        record = self.find(project, location, name)
        key = cluster_key(project, location, name)
        self._operations.refuse_if_busy(key)
        with self._cloud.store.together():
            self._cloud.clusters.put(key, record | {"status": "STOPPING"})
            return self._operations.start("delete", "DELETE_CLUSTER", record)

    # changing

    def update(self, project: str, location: str, name: str, update: JSON) -> JSON:
        record = self.find(project, location, name)
        updates.check(update, etag(record))
        changed = updates.apply(record["body"], location, update)
        # Refuses names of ranges that the subnet does not have.
        firewalls.all_pod_ranges(self._cloud, record, changed)
        pool = update.get("desiredNodePoolId", "")

        def change(body: JSON, sizes: JSON) -> None:
            body.clear()
            body.update(changed)

        return self._change(record, updates.operation_type(update), change, pool=pool)

    def set_labels(self, project: str, location: str, name: str, request: JSON) -> JSON:
        record = self.find(project, location, name)
        if request.get("labelFingerprint", "") != label_fingerprint(record):
            raise ApiError(
                "FAILED_PRECONDITION",
                "Labels could not be set due to fingerprint mismatch: label fingerprint does not match.",
            )
        return self._assign(record, "UPDATE_CLUSTER", "resourceLabels", request.get("resourceLabels", {}))

    def set_maintenance_policy(self, project: str, location: str, name: str, request: JSON) -> JSON:
        record = self.find(project, location, name)
        policy = dict(request.get("maintenancePolicy", {}))
        current = record["body"].get("maintenancePolicy", {}).get("resourceVersion", "")
        if policy.get("resourceVersion", current) != current:
            raise ApiError("FAILED_PRECONDITION", "Maintenance policy resource version does not match.")
        if policy:
            policy["resourceVersion"] = names.fingerprint([policy, record["revision"]])
        return self._assign(record, "UPDATE_CLUSTER", "maintenancePolicy", policy)

    def assign(self, project: str, location: str, name: str, field: str, value: object) -> JSON:
        """The old one-feature calls: set one field of the cluster."""
        return self._assign(self.find(project, location, name), "UPDATE_CLUSTER", field, value)

    def nothing(self, project: str, location: str, name: str, operation_type: str) -> JSON:
        """An operation without effect on the resource, as IP rotation is here."""
        return self._change(self.find(project, location, name), operation_type, lambda body, sizes: None)

    def _assign(self, record: JSON, operation_type: str, field: str, value: object) -> JSON:
        def change(body: JSON, sizes: JSON) -> None:
            body[field] = value

        return self._change(record, operation_type, change)

    # node pools

    def create_pool(self, project: str, location: str, name: str, request: JSON) -> JSON:
        record = self.find(project, location, name)
        subnet = networks.by_link(self._cloud, record["subnet"])
        request = nodepools.settle_pod_range(self._cloud, subnet, request, name)
        pool = nodepools.complete(request, record["body"])
        if any(other["name"] == pool["name"] for other in record["body"]["nodePools"]):
            where = f"{names.container_parent(project, location)}/clusters/{name}"
            raise ApiError("ALREADY_EXISTS", f"Already exists: {where}/nodePools/{pool['name']}.")

        def change(body: JSON, sizes: JSON) -> None:
            body["nodePools"].append(pool)
            sizes[pool["name"]] = _first_size(pool)

        return self._change(record, "CREATE_NODE_POOL", change, pool=pool["name"])

    def delete_pool(self, project: str, location: str, name: str, pool: str) -> JSON:
        record = self.find(project, location, name)
        self.find_pool(record, pool)

        def change(body: JSON, sizes: JSON) -> None:
            body["nodePools"] = [other for other in body["nodePools"] if other["name"] != pool]
            del sizes[pool]

        return self._change(record, "DELETE_NODE_POOL", change, pool=pool)

    def update_pool(self, project: str, location: str, name: str, pool: str, request: JSON) -> JSON:
        record = self.find(project, location, name)
        current = self.find_pool(record, pool)
        if "etag" in request and request["etag"] != pool_etag(record, current):
            raise ApiError("ABORTED", "The etag of the node pool does not match: concurrent modification.")
        changed = _updated_pool(current, request, record["body"])
        upgrade = "nodeVersion" in request or "imageType" in request
        return self._replace_pool(record, changed, "UPGRADE_NODES" if upgrade else "UPDATE_CLUSTER")

    def set_pool_size(self, project: str, location: str, name: str, pool: str, request: JSON) -> JSON:
        record = self.find(project, location, name)
        self.find_pool(record, pool)
        count = request.get("nodeCount", 0)
        if not 0 <= count <= 1000:
            raise invalid(f"Node pool size must be between 0 and 1000, got {count}.")

        def change(body: JSON, sizes: JSON) -> None:
            sizes[pool] = count

        return self._change(record, "SET_NODE_POOL_SIZE", change, pool=pool)

    def set_pool_field(
        self, project: str, location: str, name: str, pool: str, field: str, value: object, operation_type: str
    ) -> JSON:
        """setAutoscaling and setManagement."""
        record = self.find(project, location, name)
        changed = {**self.find_pool(record, pool), field: value}
        nodepools.check_autoscaling(changed.get("autoscaling", {}))
        return self._replace_pool(record, changed, operation_type)

    def _replace_pool(self, record: JSON, changed: JSON, operation_type: str) -> JSON:
        def change(body: JSON, sizes: JSON) -> None:
            body["nodePools"] = [changed if old["name"] == changed["name"] else old for old in body["nodePools"]]

        return self._change(record, operation_type, change, pool=changed["name"])

    # the common end of every change

    def _change(self, record: JSON, operation_type: str, change: Change, *, pool: str = "") -> JSON:
        key = cluster_key(record["project"], record["location"], record["name"])
        self._operations.refuse_if_busy(key)
        if record["status"] == "ERROR":
            raise ApiError("FAILED_PRECONDITION", f"Cluster {record['name']} is in ERROR state and cannot be changed.")
        pending: JSON = {"body": deepcopy(record["body"]), "sizes": dict(record["sizes"])}
        change(pending["body"], pending["sizes"])
        pending["groups"] = nodepools.new_groups(record["groups"], pending["body"])
        failure = self._place(record, pending)
        started = record | {"pending": pending, "status": "RECONCILING", "busyPool": pool}
        with self._cloud.store.together():
            self._cloud.clusters.put(key, started)
            return self._operations.start("change", operation_type, started, pool=pool, args=failure)

    def _place(self, record: JSON, state: JSON) -> JSON:
        """Give the state its nodes; a full range becomes the operation's failure, not the request's."""
        try:
            state["nodes"] = nodepools.place_nodes(self._cloud, record, state["body"], state["sizes"], state["groups"])
        except addresses.IpSpaceExhausted as error:
            state["nodes"] = record["nodes"]
            return {"failure": f"Google Compute Engine: {error}"}
        return {}


def _first_size(pool: JSON) -> int:
    """Nodes a zone when a pool is made: its initial count within its autoscaling bounds."""
    count = int(pool.get("initialNodeCount", 0))
    scaling = pool.get("autoscaling", {})
    return max(count, int(scaling.get("minNodeCount", 0))) if scaling.get("enabled") else count


def _updated_pool(pool: JSON, request: JSON, body: JSON) -> JSON:
    """The pool after UpdateNodePool."""
    result = deepcopy(pool)
    fields = set(request) - {"projectId", "zone", "clusterId", "nodePoolId", "name", "etag"}
    if not fields:
        raise invalid("Must specify a field to update.")
    for field in fields:
        value = request[field]
        if field == "nodeVersion":
            result["version"] = versions.resolve_node(value, body["currentMasterVersion"])
        elif field == "locations":
            result["locations"] = value
        elif field == "upgradeSettings":
            # The two numbers have no presence: one that is missing is zero.
            kept = {name: part for name, part in result[field].items() if name not in ("maxSurge", "maxUnavailable")}
            result[field] = kept | value
        elif field == "nodeNetworkConfig":
            result["networkConfig"] |= nodepools.without_pod_range(value)
        elif field in ("queuedProvisioning", "nodeDrainConfig", "maintenancePolicy"):
            result[field] = value
        else:
            _set_config(result["config"], field, value)
    return result


def _set_config(config: JSON, field: str, value: object) -> None:
    wrapped = {"tags": "tags", "taints": "taints", "labels": "labels", "resourceLabels": "labels"}
    if field == "image":
        config.setdefault("nodeImageConfig", {})["image"] = value
    elif field == "imageProject":
        config.setdefault("nodeImageConfig", {})["imageProject"] = value
    elif field in wrapped and isinstance(value, dict):
        config[field] = value.get(wrapped[field], [] if field in ("tags", "taints") else {})
        if not config[field]:
            del config[field]
    elif field == "imageType":
        config[field] = str(value).upper()
    elif field == "diskSizeGb":
        config[field] = nodepools.disk_size(value)
    else:
        config[field] = value


def etag(record: JSON) -> str:
    return names.fingerprint([record["id"], record["revision"]])


def pool_etag(record: JSON, pool: JSON) -> str:
    return names.fingerprint([record["id"], record["revision"], pool["name"]])


def label_fingerprint(record: JSON) -> str:
    return names.fingerprint([record["body"].get("resourceLabels", {}), record.get("labelRevision", 0)])[:8]


def dns_endpoint(record: JSON) -> str:
    number = catalog.project_number(record["project"])
    return f"gke-{record['id'][:12]}-{number}.{record['location']}.gke.goog"


def view(record: JSON) -> JSON:
    """The cluster as the API shows it, canonical."""
    project, location, body = record["project"], record["location"], record["body"]
    parent = names.container_parent(project, location)
    shown = deepcopy(body)
    shown |= {
        "id": record["id"],
        "zone": location,
        "location": location,
        "selfLink": f"{names.CONTAINER}/{parent}/clusters/{record['name']}",
        "createTime": names.timestamp(record["created"]),
        "status": record["status"],
        "etag": etag(record),
        "labelFingerprint": label_fingerprint(record),
        "currentNodeCount": len(record["nodes"]),
        "nodePools": [pool_view(record, pool) for pool in _shown_pools(record)],
    }
    if record.get("statusMessage"):
        shown["statusMessage"] = record["statusMessage"]
    if body["nodePools"]:
        shown["nodeConfig"] = deepcopy(body["nodePools"][0]["config"])
        shown["currentNodeVersion"] = min((pool["version"] for pool in body["nodePools"]), key=versions.order)
        shown["instanceGroupUrls"] = [url for pool in shown["nodePools"] for url in pool["instanceGroupUrls"]]
    _show_endpoints(record, shown)
    shown |= record.get("edits", {})
    return {key: value for key, value in shown.items() if value not in ("", 0, [])}


def _shown_pools(record: JSON) -> list[JSON]:
    """The pools, one that is being made too."""
    pools: list[JSON] = list(record["body"]["nodePools"])
    known = {pool["name"] for pool in pools}
    coming = (record.get("pending") or {}).get("body", {}).get("nodePools", [])
    return pools + [pool for pool in coming if pool["name"] not in known]


def pool_view(record: JSON, pool: JSON) -> JSON:
    """A node pool as the API shows it."""
    project, location = record["project"], record["location"]
    parent = names.container_parent(project, location)
    groups = (record.get("pending") or record)["groups"].get(pool["name"], {})
    urls = [
        names.compute_link(
            project,
            f"zones/{zone}/instanceGroupManagers/{nodepools.group_base(record['name'], pool['name'], group)}-grp",
        )
        for zone, group in groups.items()
    ]
    shown = deepcopy(pool) | {
        "selfLink": f"{names.CONTAINER}/{parent}/clusters/{record['name']}/nodePools/{pool['name']}",
        "instanceGroupUrls": urls,
        "status": _pool_status(record, pool["name"]),
        "etag": pool_etag(record, pool),
    }
    if record["status"] == "ERROR":
        shown["statusMessage"] = record.get("statusMessage", "")
    return {key: value for key, value in shown.items() if value not in ("", 0, [])} | {"instanceGroupUrls": urls}


def _pool_status(record: JSON, pool: str) -> str:
    if record["status"] in ("PROVISIONING", "STOPPING", "ERROR"):
        return str(record["status"])
    if record.get("busyPool") != pool:
        return "RUNNING"
    now = {entry["name"] for entry in record["body"]["nodePools"]}
    then = {entry["name"] for entry in (record.get("pending") or record)["body"]["nodePools"]}
    return "PROVISIONING" if pool not in now else "STOPPING" if pool not in then else "RECONCILING"


def _show_endpoints(record: JSON, shown: JSON) -> None:
    endpoints = shown["controlPlaneEndpointsConfig"]
    endpoints["dnsEndpointConfig"]["endpoint"] = dns_endpoint(record)
    if not record["ca"]:
        return
    by_ip = endpoints["ipEndpointsConfig"]
    address = addresses.endpoint(record["slot"])
    legacy = shown.setdefault("privateClusterConfig", {})
    if by_ip["enabled"]:
        legacy["privateEndpoint"] = by_ip["privateEndpoint"] = address
        if by_ip["enablePublicEndpoint"]:
            legacy["publicEndpoint"] = by_ip["publicEndpoint"] = address
    legacy["enablePrivateNodes"] = bool(shown["networkConfig"].get("defaultEnablePrivateNodes"))
    if not by_ip["enablePublicEndpoint"]:
        legacy["enablePrivateEndpoint"] = True
    shown["endpoint"] = address if by_ip["enabled"] else dns_endpoint(record)
    encoded = base64.b64encode(record["ca"].encode()).decode()
    shown["masterAuth"] = {**shown.get("masterAuth", {}), "clusterCaCertificate": encoded}
