# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute Engine API v1, the part that a mesh of clusters needs: firewalls, networks, and how nodes are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from gkelab.api.wire import Handler, check_project, json_body, listing, page, route
from gkelab.model import catalog, filters, firewalls, instances, names, networks
from gkelab.model.compute import in_use
from gkelab.model.lab import Lab
from gkelab.model.store import JSON

_ROOT = "/compute/v1/projects/{project}"
_FIREWALLS = f"{_ROOT}/global/firewalls"
_NETWORKS = f"{_ROOT}/global/networks"
_SUBNETS = f"{_ROOT}/regions/{{region}}/subnetworks"
_TEMPLATES = f"{_ROOT}/global/instanceTemplates"


class ComputeApi:
    """The routes, over one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._cloud = lab.cloud
        self._operations = lab.compute

    def routes(self) -> list[Route]:
        return [*self._firewall_routes(), *self._operation_routes(), *self._network_routes(), *self._place_routes()]

    def _route(self, method: str, path: str, kind: str, handler: Handler) -> Route:
        async def run(request: Request) -> JSON:
            project = request.path_params["project"]
            check_project(project, f"compute.{kind}", compute=True)
            request.path_params["project"] = project = self._cloud.project_id(project)
            networks.ensure_default(self._cloud, project)
            return await handler(request)

        return route(method, path, f"compute.{kind}", run, compute=True)

    # firewalls

    def _firewall_routes(self) -> list[Route]:
        one = f"{_FIREWALLS}/{{name}}"
        return [
            self._route("GET", _FIREWALLS, "firewalls.list", self._list_firewalls),
            self._route("POST", _FIREWALLS, "firewalls.insert", self._insert_firewall),
            self._route("GET", one, "firewalls.get", self._get_firewall),
            self._route("PATCH", one, "firewalls.patch", self._patch_firewall),
            self._route("PUT", one, "firewalls.update", self._put_firewall),
            self._route("DELETE", one, "firewalls.delete", self._delete_firewall),
        ]

    async def _list_firewalls(self, request: Request) -> JSON:
        rules = self._cloud.firewalls_of(_project(request))
        return _listed(request, "compute#firewallList", "global/firewalls", rules)

    async def _get_firewall(self, request: Request) -> JSON:
        return firewalls.get(self._cloud, _project(request), request.path_params["name"])

    async def _insert_firewall(self, request: Request) -> JSON:
        project, body = _project(request), await json_body(request)
        repeated = self._operations.repeated(project, _request_id(request))
        if repeated is not None:
            return repeated
        rule = firewalls.insert(self._cloud, project, body)
        return self._put_rule("insert", request, rule)

    async def _patch_firewall(self, request: Request) -> JSON:
        return await self._change_firewall(request, "patch", replace=False)

    async def _put_firewall(self, request: Request) -> JSON:
        return await self._change_firewall(request, "update", replace=True)

    async def _change_firewall(self, request: Request, kind: str, *, replace: bool) -> JSON:
        project, body = _project(request), await json_body(request)
        repeated = self._operations.repeated(project, _request_id(request))
        if repeated is not None:
            return repeated
        rule = firewalls.changed(self._cloud, project, request.path_params["name"], body, replace=replace)
        return self._put_rule(kind, request, rule)

    def _put_rule(self, kind: str, request: Request, rule: JSON) -> JSON:
        key = f"{_project(request)}/{rule['name']}"
        return self._begin(kind, request, rule, lambda: self._cloud.firewalls.put(key, rule))

    async def _delete_firewall(self, request: Request) -> JSON:
        project, name = _project(request), request.path_params["name"]
        repeated = self._operations.repeated(project, _request_id(request))
        if repeated is not None:
            return repeated
        rule = firewalls.get(self._cloud, project, name)
        return self._begin("delete", request, rule, lambda: self._cloud.firewalls.drop(f"{project}/{name}"))

    def _begin(self, kind: str, request: Request, target: JSON, change: Callable[[], None], scope: str = "") -> JSON:
        return self._operations.start(
            kind, _project(request), target, change, request_id=_request_id(request), scope=scope
        )

    # operations

    def _operation_routes(self) -> list[Route]:
        routes = []
        for scope in ("global", "regions/{region}"):
            base = f"{_ROOT}/{scope}/operations"
            kind = "globalOperations" if scope == "global" else "regionOperations"
            routes += [
                self._route("GET", base, f"{kind}.list", self._list_operations),
                self._route("GET", f"{base}/{{operation}}", f"{kind}.get", self._get_operation),
                self._route("POST", f"{base}/{{operation}}/wait", f"{kind}.wait", self._wait),
            ]
        return routes

    async def _list_operations(self, request: Request) -> JSON:
        region = request.path_params.get("region")
        shown = [
            one
            for one in self._operations.listing(_project(request))
            if names.last_segment(one.get("region", "")) == (region or "")
        ]
        path = f"regions/{region}/operations" if region else "global/operations"
        return _listed(request, "compute#operationList", path, shown)

    async def _get_operation(self, request: Request) -> JSON:
        return self._operations.get(_project(request), request.path_params["operation"])

    async def _wait(self, request: Request) -> JSON:
        return await self._operations.wait(_project(request), request.path_params["operation"])

    # networks

    def _network_routes(self) -> list[Route]:
        return [
            self._route("GET", _NETWORKS, "networks.list", self._list_networks),
            self._route("POST", _NETWORKS, "networks.insert", self._insert_network),
            self._route("GET", f"{_NETWORKS}/{{name}}", "networks.get", self._get_network),
            self._route("DELETE", f"{_NETWORKS}/{{name}}", "networks.delete", self._delete_network),
            self._route("GET", f"{_ROOT}/aggregated/subnetworks", "subnetworks.aggregatedList", self._all_subnets),
            self._route("GET", _SUBNETS, "subnetworks.list", self._list_subnets),
            self._route("POST", _SUBNETS, "subnetworks.insert", self._insert_subnet),
            self._route("GET", f"{_SUBNETS}/{{name}}", "subnetworks.get", self._get_subnet),
            self._route("PATCH", f"{_SUBNETS}/{{name}}", "subnetworks.patch", self._patch_subnet),
            self._route("DELETE", f"{_SUBNETS}/{{name}}", "subnetworks.delete", self._delete_subnet),
        ]

    async def _list_networks(self, request: Request) -> JSON:
        shown = [self._network_view(network) for network in self._networks(_project(request))]
        return _listed(request, "compute#networkList", "global/networks", shown)

    async def _get_network(self, request: Request) -> JSON:
        name = request.path_params["name"]
        return self._network_view(networks.network_record(self._cloud, _project(request), name))

    async def _insert_network(self, request: Request) -> JSON:
        project, body = _project(request), await json_body(request)
        made = networks.add_network(self._cloud, project, body)
        return self._begin("insert", request, made, lambda: None)

    async def _delete_network(self, request: Request) -> JSON:
        project, name = _project(request), request.path_params["name"]
        network = networks.network_record(self._cloud, project, name)
        rules = [rule for rule in self._cloud.firewalls.values() if rule["network"] == network["selfLink"]]
        users = [_path(rule["selfLink"]) for rule in rules]
        subnets = [net for net in self._cloud.subnetworks.values() if net["network"] == network["selfLink"]]
        if not network["autoCreateSubnetworks"]:
            users += [_path(net["selfLink"]) for net in subnets]
        users += [user for net in subnets for user in self._users(net)]
        if users:
            raise in_use(_path(network["selfLink"]), users[0])

        def change() -> None:
            for subnet in subnets:
                self._cloud.subnetworks.drop(_subnet_key(subnet))
            self._cloud.networks.drop(f"{project}/{name}")

        return self._begin("delete", request, network, change)

    def _networks(self, project: str) -> list[JSON]:
        prefix = names.compute_link(project, "")
        return [network for network in self._cloud.networks.values() if network["selfLink"].startswith(prefix)]

    def _network_view(self, network: JSON) -> JSON:
        subnets = [net["selfLink"] for net in self._cloud.subnetworks.values() if net["network"] == network["selfLink"]]
        return network | ({"subnetworks": subnets} if subnets else {})

    async def _all_subnets(self, request: Request) -> JSON:
        project = _project(request)
        scopes: dict[str, Any] = {}
        for region in catalog.ZONES:
            found = self._subnets(project, region)
            if found:
                scopes[f"regions/{region}"] = {"subnetworks": found}
        link = names.compute_link(project, "aggregated/subnetworks")
        kind = "compute#subnetworkAggregatedList"
        return {"kind": kind, "id": f"projects/{project}/aggregated/subnetworks", "items": scopes, "selfLink": link}

    async def _list_subnets(self, request: Request) -> JSON:
        project, region = _project(request), _region(request)
        return _listed(
            request, "compute#subnetworkList", f"regions/{region}/subnetworks", self._subnets(project, region)
        )

    async def _get_subnet(self, request: Request) -> JSON:
        return self._subnet_view(self._subnet(request))

    async def _insert_subnet(self, request: Request) -> JSON:
        project, region, body = _project(request), _region(request), await json_body(request)
        made = networks.add_subnetwork(self._cloud, project, region, body)
        return self._begin("insert", request, made, lambda: None, f"regions/{region}")

    async def _patch_subnet(self, request: Request) -> JSON:
        subnet, body = self._subnet(request), await json_body(request)
        ranges = networks.named_ranges(body.get("secondaryIpRanges", subnet["secondaryIpRanges"]))
        own = [entry for entry in ranges if not entry["rangeName"].startswith("gke-")]
        changed = subnet | {"secondaryIpRanges": own, "fingerprint": names.fingerprint([subnet["name"], own])}
        key = _subnet_key(subnet)
        scope = f"regions/{_region(request)}"
        return self._begin("patch", request, subnet, lambda: self._cloud.subnetworks.put(key, changed), scope)

    async def _delete_subnet(self, request: Request) -> JSON:
        subnet = self._subnet(request)
        users = self._users(subnet)
        if users:
            raise in_use(_path(subnet["selfLink"]), users[0])
        key, scope = _subnet_key(subnet), f"regions/{_region(request)}"
        return self._begin("delete", request, subnet, lambda: self._cloud.subnetworks.drop(key), scope)

    def _subnet(self, request: Request) -> JSON:
        project, region, name = _project(request), _region(request), request.path_params["name"]
        subnet = self._cloud.subnetworks.get(f"{project}/{region}/{name}")
        if subnet is None:
            raise networks.not_found(project, f"regions/{region}/subnetworks/{name}")
        return subnet

    def _subnets(self, project: str, region: str) -> list[JSON]:
        prefix = names.compute_link(project, f"regions/{region}/")
        return [
            self._subnet_view(net) for net in self._cloud.subnetworks.values() if net["selfLink"].startswith(prefix)
        ]

    def _subnet_view(self, subnet: JSON) -> JSON:
        ranges = networks.secondary_ranges(self._cloud, subnet)
        shown = {key: value for key, value in subnet.items() if key != "secondaryIpRanges"}
        return shown | ({"secondaryIpRanges": ranges} if ranges else {})

    def _users(self, subnet: JSON) -> list[str]:
        """What keeps a subnet: machines with an address in it, and clusters without machines."""
        users = []
        for record in self._cloud.clusters.values():
            if record["subnet"] == subnet["selfLink"]:
                parent = names.container_parent(record["project"], record["location"])
                zones = f"projects/{record['project']}/zones"
                users += [f"{zones}/{node['zone']}/instances/{node['name']}" for node in record["nodes"]]
                users.append(f"{parent}/clusters/{record['name']}")
        return users

    # places, machines and their groups

    def _place_routes(self) -> list[Route]:
        zonal = f"{_ROOT}/zones/{{zone}}"
        managers, machines = f"{zonal}/instanceGroupManagers", f"{zonal}/instances"
        return [
            self._route("GET", _ROOT, "projects.get", self._get_project),
            self._route("GET", f"{_ROOT}/zones", "zones.list", self._list_zones),
            self._route("GET", zonal, "zones.get", self._get_zone),
            self._route("GET", f"{_ROOT}/regions", "regions.list", self._list_regions),
            self._route("GET", f"{_ROOT}/regions/{{region}}", "regions.get", self._get_region),
            self._route("GET", managers, "instanceGroupManagers.list", self._list_managers),
            self._route("GET", f"{managers}/{{name}}", "instanceGroupManagers.get", self._get_manager),
            self._route("GET", _TEMPLATES, "instanceTemplates.list", self._list_templates),
            self._route("GET", f"{_TEMPLATES}/{{name}}", "instanceTemplates.get", self._get_template),
            self._route("GET", f"{_ROOT}/aggregated/instances", "instances.aggregatedList", self._all_instances),
            self._route("GET", machines, "instances.list", self._list_instances),
            self._route("GET", f"{machines}/{{name}}", "instances.get", self._get_instance),
        ]

    async def _get_project(self, request: Request) -> JSON:
        project = _project(request)
        number = catalog.project_number(project)
        return {
            "kind": "compute#project",
            "id": number,
            "name": project,
            "defaultServiceAccount": f"{number}-compute@developer.gserviceaccount.com",
            "selfLink": names.compute_link(project, "").rstrip("/"),
        }

    async def _list_zones(self, request: Request) -> JSON:
        zones = [_zone(_project(request), zone) for region in catalog.ZONES for zone in catalog.zones_of(region)]
        return _listed(request, "compute#zoneList", "zones", zones)

    async def _get_zone(self, request: Request) -> JSON:
        return _zone(_project(request), _known_zone(request))

    async def _list_regions(self, request: Request) -> JSON:
        regions = [_region_view(_project(request), region) for region in catalog.ZONES]
        return _listed(request, "compute#regionList", "regions", regions)

    async def _get_region(self, request: Request) -> JSON:
        return _region_view(_project(request), _region(request))

    async def _list_managers(self, request: Request) -> JSON:
        zone = _known_zone(request)
        found = instances.managers(self._cloud, _project(request), zone)
        return _listed(request, "compute#instanceGroupManagerList", f"zones/{zone}/instanceGroupManagers", found)

    async def _get_manager(self, request: Request) -> JSON:
        zone = _known_zone(request)
        return _one(
            request, instances.managers(self._cloud, _project(request), zone), f"zones/{zone}/instanceGroupManagers"
        )

    async def _list_templates(self, request: Request) -> JSON:
        found = instances.templates(self._cloud, _project(request))
        return _listed(request, "compute#instanceTemplateList", "global/instanceTemplates", found)

    async def _get_template(self, request: Request) -> JSON:
        return _one(request, instances.templates(self._cloud, _project(request)), "global/instanceTemplates")

    async def _all_instances(self, request: Request) -> JSON:
        project = _project(request)
        keep = filters.matcher(request.query_params.get("filter", ""))
        scopes: dict[str, Any] = {}
        for machine in instances.instances(self._cloud, project, "-"):
            if keep(machine):
                zone = names.last_segment(machine["zone"])
                scopes.setdefault(f"zones/{zone}", {"instances": []})["instances"].append(machine)
        link = names.compute_link(project, "aggregated/instances")
        kind = "compute#instanceAggregatedList"
        return {"kind": kind, "id": f"projects/{project}/aggregated/instances", "items": scopes, "selfLink": link}

    async def _list_instances(self, request: Request) -> JSON:
        zone = _known_zone(request)
        found = instances.instances(self._cloud, _project(request), zone)
        return _listed(request, "compute#instanceList", f"zones/{zone}/instances", found)

    async def _get_instance(self, request: Request) -> JSON:
        zone = _known_zone(request)
        return _one(request, instances.instances(self._cloud, _project(request), zone), f"zones/{zone}/instances")


def _project(request: Request) -> str:
    return str(request.path_params["project"])


def _request_id(request: Request) -> str:
    return request.query_params.get("requestId", "")


def _region(request: Request) -> str:
    region = str(request.path_params["region"])
    if not catalog.is_region(region):
        raise networks.not_found(_project(request), f"regions/{region}")
    return region


def _known_zone(request: Request) -> str:
    zone = str(request.path_params["zone"])
    if not catalog.is_zone(zone):
        raise networks.not_found(_project(request), f"zones/{zone}")
    return zone


def _listed(request: Request, kind: str, path: str, items: list[JSON]) -> JSON:
    """One page of what the request's filter lets through."""
    keep = filters.matcher(request.query_params.get("filter", ""))
    shown, token = page([item for item in items if keep(item)], request)
    project = _project(request)
    answer = listing(kind, project, path, shown, names.compute_link(project, path))
    return answer | ({"nextPageToken": token} if token else {})


def _one(request: Request, items: list[JSON], path: str) -> JSON:
    name = request.path_params["name"]
    for item in items:
        if item["name"] == name:
            return item
    raise networks.not_found(_project(request), f"{path}/{name}")


def _path(link: str) -> str:
    return link.partition("/compute/v1/")[2]


def _subnet_key(subnet: JSON) -> str:
    host = networks.owner(subnet["selfLink"], "")
    return f"{host}/{names.last_segment(subnet['region'])}/{subnet['name']}"


def _zone(project: str, zone: str) -> JSON:
    return {
        "kind": "compute#zone",
        "id": catalog.project_number(zone),
        "name": zone,
        "status": "UP",
        "region": names.compute_link(project, f"regions/{catalog.region_of(zone)}"),
        "selfLink": names.compute_link(project, f"zones/{zone}"),
    }


def _region_view(project: str, region: str) -> JSON:
    return {
        "kind": "compute#region",
        "id": catalog.project_number(region),
        "name": region,
        "status": "UP",
        "zones": [names.compute_link(project, f"zones/{zone}") for zone in catalog.zones_of(region)],
        "selfLink": names.compute_link(project, f"regions/{region}"),
    }
