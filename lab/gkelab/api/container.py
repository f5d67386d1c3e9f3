# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes Engine API v1 (google.container.v1.ClusterManager) over REST, today's paths and the old zonal ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.routing import Route

from gkelab.api.wire import check_project, json_body, page, route
from gkelab.model import catalog, clusters, networks, versions
from gkelab.model.errors import ApiError, invalid
from gkelab.model.lab import Lab
from gkelab.model.schema import canonical, message, numbered
from gkelab.model.store import JSON

_PLACE = "/v1/projects/{project}/{place}/{location}"
_CLUSTERS = f"{_PLACE}/clusters"
_CLUSTER = f"{_CLUSTERS}/{{cluster}}"
_POOLS = f"{_CLUSTER}/nodePools"
_POOL = f"{_POOLS}/{{pool}}"
_OPERATIONS = f"{_PLACE}/operations"
_LEGACY_NAMES = ("projectId", "zone", "clusterId", "nodePoolId", "operationId", "name", "parent")
_OLD_VERB = {
    "setResourceLabels": "resourceLabels",
    "setAddons": "addons",
    "setLocations": "locations",
    "setLogging": "logging",
    "setMonitoring": "monitoring",
    "updateMaster": "master",
    "setLegacyAbac": "legacyAbac",
}
"""The zonal paths spell some verbs as a last segment."""


@dataclass(frozen=True)
class Call:
    """One request, taken apart."""

    project: str
    location: str
    cluster: str
    pool: str
    operation: str
    body: JSON
    request: Request

    @property
    def target(self) -> tuple[str, str, str]:
        return self.project, self.location, self.cluster


class ContainerApi:
    """The routes, over one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._clusters = lab.clusters

    def routes(self) -> list[Route]:
        """Longer paths first: a cluster's name would swallow a verb after a colon."""
        return [*self._pool_routes(), *self._verb_routes(), *self._cluster_routes(), *self._other_routes()]

    def _cluster_routes(self) -> list[Route]:
        mine = self._clusters
        return [
            self._route("GET", _CLUSTERS, "clusters.list", "ListClustersResponse", self._list),
            self._route("POST", _CLUSTERS, "clusters.create", "Operation", self._create, "CreateClusterRequest"),
            self._route("GET", _CLUSTER, "clusters.get", "Cluster", lambda call: mine.get(*call.target)),
            self._route("PUT", _CLUSTER, "clusters.update", "Operation", self._update, "UpdateClusterRequest"),
            self._route("DELETE", _CLUSTER, "clusters.delete", "Operation", lambda call: mine.delete(*call.target)),
        ]

    def _verb_routes(self) -> list[Route]:
        mine = self._clusters
        verbs: dict[str, tuple[str, Callable[[Call], JSON]]] = {
            "setResourceLabels": ("SetLabelsRequest", lambda call: mine.set_labels(*call.target, call.body)),
            "setMaintenancePolicy": (
                "SetMaintenancePolicyRequest",
                lambda call: mine.set_maintenance_policy(*call.target, call.body),
            ),
            "setAddons": ("SetAddonsConfigRequest", self._as_update("addonsConfig")),
            "setLocations": ("SetLocationsRequest", self._as_update("locations")),
            "setLogging": ("SetLoggingServiceRequest", self._as_update("loggingService")),
            "setMonitoring": ("SetMonitoringServiceRequest", self._as_update("monitoringService")),
            "updateMaster": ("UpdateMasterRequest", self._as_update("masterVersion")),
            "setLegacyAbac": (
                "SetLegacyAbacRequest",
                lambda call: mine.assign(*call.target, "legacyAbac", call.body),
            ),
            "setNetworkPolicy": (
                "SetNetworkPolicyRequest",
                lambda call: mine.assign(*call.target, "networkPolicy", call.body.get("networkPolicy", {})),
            ),
            "setMasterAuth": ("SetMasterAuthRequest", self._without_effect("UPDATE_CLUSTER")),
            "startIpRotation": ("StartIPRotationRequest", self._without_effect("UPGRADE_MASTER")),
            "completeIpRotation": ("CompleteIPRotationRequest", self._without_effect("UPGRADE_MASTER")),
        }
        made = []
        for verb, (reads, handler) in verbs.items():
            paths = [f"{_CLUSTER}:{verb}"] + ([f"{_CLUSTER}/{_OLD_VERB[verb]}"] if verb in _OLD_VERB else [])
            made += [self._route("POST", path, f"clusters.{verb}", "Operation", handler, reads) for path in paths]
        return made

    def _pool_routes(self) -> list[Route]:
        autoscale, manage = self._pool_field("autoscaling"), self._pool_field("management")
        scaling, management, size = (
            "SetNodePoolAutoscalingRequest",
            "SetNodePoolManagementRequest",
            "SetNodePoolSizeRequest",
        )
        update = "UpdateNodePoolRequest"
        return [
            self._route("GET", _POOLS, "nodePools.list", "ListNodePoolsResponse", self._list_pools),
            self._route("POST", _POOLS, "nodePools.create", "Operation", self._create_pool, "CreateNodePoolRequest"),
            self._route("POST", f"{_POOL}:setSize", "nodePools.setSize", "Operation", self._size, size),
            self._route("POST", f"{_POOL}/setSize", "nodePools.setSize", "Operation", self._size, size),
            self._route("POST", f"{_POOL}:setAutoscaling", "nodePools.setAutoscaling", "Operation", autoscale, scaling),
            self._route("POST", f"{_POOL}/autoscaling", "nodePools.setAutoscaling", "Operation", autoscale, scaling),
            self._route("POST", f"{_POOL}:setManagement", "nodePools.setManagement", "Operation", manage, management),
            self._route("POST", f"{_POOL}/setManagement", "nodePools.setManagement", "Operation", manage, management),
            self._route("PUT", _POOL, "nodePools.update", "Operation", self._update_pool, update),
            self._route("POST", f"{_POOL}/update", "nodePools.update", "Operation", self._update_pool, update),
            self._route("GET", _POOL, "nodePools.get", "NodePool", self._get_pool),
            self._route("DELETE", _POOL, "nodePools.delete", "Operation", self._delete_pool),
        ]

    def _other_routes(self) -> list[Route]:
        one = f"{_OPERATIONS}/{{operation}}"
        usable = "/v1/projects/{project}/aggregated/usableSubnetworks"
        return [
            self._route("POST", f"{one}:cancel", "operations.cancel", "", self._cancel, "CancelOperationRequest"),
            self._route("GET", _OPERATIONS, "operations.list", "ListOperationsResponse", self._list_operations),
            self._route("GET", one, "operations.get", "Operation", self._get_operation),
            self._route("GET", f"{_PLACE}/serverConfig", "serverConfig.get", "ServerConfig", self._server_config),
            self._route("GET", f"{_PLACE}/serverconfig", "serverConfig.get", "ServerConfig", self._server_config),
            self._route("GET", usable, "usableSubnetworks.list", "ListUsableSubnetworksResponse", self._usable),
        ]

    def _route(
        self, method: str, path: str, kind: str, answers: str, handler: Callable[[Call], JSON], reads: str = ""
    ) -> Route:
        async def run(request: Request) -> JSON:
            call = await self._call(request, reads, f"container.{kind}")
            answer = handler(call)
            if not answers:
                return answer
            shown = canonical(message(answers), answer)
            encoding = request.query_params.get("$alt") or request.query_params.get("alt") or ""
            return numbered(message(answers), shown) if "enum-encoding=int" in encoding else shown

        return route(method, path, f"container.{kind}", run)

    async def _call(self, request: Request, reads: str, permission: str) -> Call:
        given = request.path_params
        if given.get("place", "zones") not in ("zones", "locations"):
            raise ApiError("NOT_FOUND", "Method not found.")
        check_project(given["project"], permission)
        body = canonical(message(reads), await json_body(request)) if reads else {}
        project = self._lab.cloud.project_id(given["project"])
        return Call(
            project=project,
            location=given.get("location", ""),
            cluster=given.get("cluster", ""),
            pool=given.get("pool", ""),
            operation=given.get("operation", ""),
            body={key: value for key, value in body.items() if key not in _LEGACY_NAMES},
            request=request,
        )

    # clusters

    def _list(self, call: Call) -> JSON:
        return self._clusters.listing(call.project, call.location)

    def _create(self, call: Call) -> JSON:
        return self._clusters.create(call.project, call.location, call.body.get("cluster", {}))

    def _update(self, call: Call) -> JSON:
        return self._clusters.update(*call.target, call.body.get("update", {}))

    def _as_update(self, field: str) -> Callable[[Call], JSON]:
        """An old one-feature call, done as the update that replaced it."""
        desired = f"desired{field[0].upper()}{field[1:]}"

        def handler(call: Call) -> JSON:
            update = {desired: call.body[field]} if field in call.body else {}
            return self._clusters.update(*call.target, update)

        return handler

    def _without_effect(self, operation_type: str) -> Callable[[Call], JSON]:
        return lambda call: self._clusters.nothing(*call.target, operation_type)

    # node pools

    def _list_pools(self, call: Call) -> JSON:
        return {"nodePools": self._clusters.get(*call.target).get("nodePools", [])}

    def _get_pool(self, call: Call) -> JSON:
        record = self._clusters.find(*call.target)
        return clusters.pool_view(record, self._clusters.find_pool(record, call.pool))

    def _create_pool(self, call: Call) -> JSON:
        return self._clusters.create_pool(*call.target, call.body.get("nodePool", {}))

    def _update_pool(self, call: Call) -> JSON:
        return self._clusters.update_pool(*call.target, call.pool, call.body)

    def _delete_pool(self, call: Call) -> JSON:
        return self._clusters.delete_pool(*call.target, call.pool)

    def _size(self, call: Call) -> JSON:
        return self._clusters.set_pool_size(*call.target, call.pool, call.body)

    def _pool_field(self, field: str) -> Callable[[Call], JSON]:
        kind = "SET_NODE_POOL_MANAGEMENT" if field == "management" else "UPDATE_CLUSTER"
        return lambda call: self._clusters.set_pool_field(
            *call.target, call.pool, field, call.body.get(field, {}), kind
        )

    # operations and what is on offer

    def _list_operations(self, call: Call) -> JSON:
        return {"operations": self._lab.operations.listing(call.project, call.location)}

    def _get_operation(self, call: Call) -> JSON:
        return self._lab.operations.get(call.project, call.location, call.operation)

    def _cancel(self, call: Call) -> JSON:
        self._lab.operations.cancel(call.project, call.location, call.operation)
        return {}

    def _server_config(self, call: Call) -> JSON:
        catalog.region_of(call.location)
        return versions.server_config()

    def _usable(self, call: Call) -> JSON:
        cloud = self._lab.cloud
        owner = cloud.project_id(_network_project(call.request.query_params.get("filter", "")) or call.project)
        networks.ensure_default(cloud, owner)
        prefix = f"https://www.googleapis.com/compute/v1/projects/{owner}/"
        subnets = [subnet for subnet in cloud.subnetworks.values() if subnet["selfLink"].startswith(prefix)]
        shown = [
            {
                "subnetwork": subnet["selfLink"].partition("/compute/v1/")[2],
                "network": subnet["network"].partition("/compute/v1/")[2],
                "ipCidrRange": subnet["ipCidrRange"],
                "secondaryIpRanges": [
                    {
                        "rangeName": entry["rangeName"],
                        "ipCidrRange": entry["ipCidrRange"],
                        "status": networks.range_status(cloud, subnet, entry["rangeName"]),
                    }
                    for entry in networks.secondary_ranges(cloud, subnet)
                ],
            }
            for subnet in subnets
        ]
        items, token = page(shown, call.request)
        return {"subnetworks": items} | ({"nextPageToken": token} if token else {})


def _network_project(text: str) -> str:
    """The project that a filter of usable subnetworks names; it knows nothing else."""
    if text and not text.startswith("networkProjectId="):
        raise invalid(f'Invalid filter "{text}": must be networkProjectId=[PROJECTID].')
    return text.removeprefix("networkProjectId=")
