# SPDX-License-Identifier: GPL-3.0-or-later
"""google-cloud-container, unmodified and over REST, through the life of a cluster."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.cloud import container_v1
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.types import Cluster, ClusterUpdate, NodePool, Operation

from tests.lab.emulator.emulator import Emulator, until

LOCATION = "us-central1-a"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


class Life:
    """One client, one project, one location."""

    def __init__(self, emulator: Emulator, project: str) -> None:
        self.held = emulator.held
        self.client: ClusterManagerClient = emulator.clusters()
        self.parent = f"projects/{project}/locations/{LOCATION}"
        self.name = f"{self.parent}/clusters/central"
        self.pool = f"{self.name}/nodePools/extra"

    def done(self, operation: Operation) -> Operation:
        name = f"{self.parent}/operations/{operation.name}"

        def finished() -> Operation | None:
            current = self.client.get_operation(name=name)
            return current if current.status == Operation.Status.DONE else None

        result = until(finished)
        assert not result.error.message
        assert not result.status_message
        return result

    def create(self) -> Operation:
        pool = NodePool(name="default-pool", initial_node_count=2, config={"oauth_scopes": SCOPES, "tags": ["mesh"]})
        cluster = Cluster(name="central", node_pools=[pool], release_channel={"channel": "REGULAR"})
        return self.client.create_cluster(parent=self.parent, cluster=cluster)

    def get(self) -> Cluster:
        return self.client.get_cluster(name=self.name)


@pytest.fixture
def life(emulator: Emulator, project: str) -> Life:
    return Life(emulator, project)


@pytest.fixture
def central(life: Life) -> Cluster:
    life.done(life.create())
    return life.get()


def test_a_cluster_is_provisioning_before_it_runs(life: Life) -> None:
    with life.held("POST", "/clusters$"):
        operation = life.create()
        assert operation.operation_type == Operation.Type.CREATE_CLUSTER
        assert operation.status == Operation.Status.RUNNING
        young = life.get()
        assert young.status == Cluster.Status.PROVISIONING
        assert not young.endpoint
    finished = life.done(operation)
    assert finished.end_time
    metrics = {metric.name: metric.int_value for metric in finished.progress.metrics}
    assert metrics["CLUSTER_DEPLOYING"] == metrics["CLUSTER_DEPLOYING_TOTAL"] == 12
    cluster = life.get()
    assert cluster.status == Cluster.Status.RUNNING
    assert cluster.endpoint and cluster.master_auth.cluster_ca_certificate
    assert cluster.current_node_count == 2
    assert cluster.node_pools[0].status == NodePool.Status.RUNNING
    assert list(cluster.node_pools[0].config.tags) == ["mesh"]


def test_what_the_server_adds(central: Cluster) -> None:
    assert central.network == "default"
    assert central.network_config.network.endswith("/global/networks/default")
    assert central.ip_allocation_policy.use_ip_aliases
    assert central.cluster_ipv4_cidr == central.ip_allocation_policy.cluster_ipv4_cidr_block
    assert central.services_ipv4_cidr == "34.118.224.0/20"
    assert central.default_max_pods_constraint.max_pods_per_node == 110
    assert central.autoscaling.autoscaling_profile.name == "BALANCED"
    assert central.shielded_nodes.enabled
    config = central.node_pools[0].config
    assert config.image_type == "COS_CONTAINERD"
    assert config.disk_type == "pd-balanced"
    assert config.metadata["disable-legacy-endpoints"] == "true"
    assert central.node_pools[0].management.auto_repair


def test_a_second_create_is_refused(life: Life, central: Cluster) -> None:
    with pytest.raises(exceptions.Conflict) as refusal:
        life.create()
    project = life.parent.split("/")[1]
    assert f"Already exists: projects/{project}/zones/{LOCATION}/clusters/central." in refusal.value.message


def test_lists_of_a_location_and_of_all(life: Life, central: Cluster) -> None:
    anywhere = life.parent.rpartition("/")[0] + "/-"
    assert [cluster.name for cluster in life.client.list_clusters(parent=life.parent).clusters] == ["central"]
    assert [cluster.name for cluster in life.client.list_clusters(parent=anywhere).clusters] == ["central"]
    operations = life.client.list_operations(parent=anywhere).operations
    assert [operation.operation_type.name for operation in operations] == ["CREATE_CLUSTER"]


def test_updates_one_field_at_a_time(life: Life, central: Cluster) -> None:
    logging = {"component_config": {"enable_components": ["SYSTEM_COMPONENTS"]}}
    with life.held("PUT", "/central$"):
        operation = life.client.update_cluster(name=life.name, update=ClusterUpdate(desired_logging_config=logging))
        assert life.get().status == Cluster.Status.RECONCILING
    life.done(operation)
    changed = life.get()
    assert changed.status == Cluster.Status.RUNNING
    assert [item.name for item in changed.logging_config.component_config.enable_components] == ["SYSTEM_COMPONENTS"]
    assert changed.etag != central.etag


def test_labels_need_the_fingerprint(life: Life, central: Cluster) -> None:
    request = {"name": life.name, "resource_labels": {"team": "mesh"}, "label_fingerprint": central.label_fingerprint}
    life.done(life.client.set_labels(request=request))
    assert life.get().resource_labels == {"team": "mesh"}
    with pytest.raises(exceptions.BadRequest, match="label fingerprint does not match"):
        life.client.set_labels(request=request)


def test_a_node_pool_comes_grows_and_goes(life: Life, central: Cluster) -> None:
    pool = NodePool(name="extra", initial_node_count=1)
    with life.held("POST", "/nodePools$"):
        operation = life.client.create_node_pool(parent=life.name, node_pool=pool)
        assert life.client.get_node_pool(name=life.pool).status == NodePool.Status.PROVISIONING
    life.done(operation)
    life.done(life.client.set_node_pool_size(request={"name": life.pool, "node_count": 3}))
    grown = life.get()
    assert grown.current_node_count == 5
    assert life.client.get_node_pool(name=life.pool).initial_node_count == 1
    tags = container_v1.types.NetworkTags(tags=["a", "b"])
    life.done(life.client.update_node_pool(request={"name": life.pool, "tags": tags}))
    assert list(life.client.get_node_pool(name=life.pool).config.tags) == ["a", "b"]
    life.done(life.client.delete_node_pool(name=life.pool))
    assert [pool.name for pool in life.client.list_node_pools(parent=life.name).node_pools] == ["default-pool"]
    assert life.get().current_node_count == 2


def test_one_operation_a_cluster(life: Life, central: Cluster) -> None:
    with life.held("POST", "/nodePools$"):
        first = life.client.create_node_pool(parent=life.name, node_pool=NodePool(name="extra", initial_node_count=1))
        with pytest.raises(exceptions.BadRequest) as refusal:
            life.client.delete_cluster(name=life.name)
        assert refusal.value.reason == "CLUSTER_ALREADY_HAS_OPERATION"
        assert refusal.value.domain == "container.googleapis.com"
        assert f"Cluster is running incompatible operation {first.name}" in refusal.value.message
    life.done(first)


def test_delete_then_not_found(life: Life, central: Cluster) -> None:
    with life.held("DELETE", "/central$"):
        operation = life.client.delete_cluster(name=life.name)
        assert life.get().status == Cluster.Status.STOPPING
    life.done(operation)
    with pytest.raises(exceptions.NotFound) as refusal:
        life.get()
    project = life.parent.split("/")[1]
    assert f"Not found: projects/{project}/zones/{LOCATION}/clusters/central." in refusal.value.message
    assert not life.client.list_clusters(parent=life.parent).clusters


def test_versions_on_offer(life: Life) -> None:
    offer = life.client.get_server_config(name=life.parent)
    assert offer.default_cluster_version in offer.valid_master_versions
    channels = {channel.channel.name: channel for channel in offer.channels}
    assert channels["REGULAR"].default_version in channels["REGULAR"].valid_versions


def test_usable_subnetworks_are_paged(life: Life) -> None:
    parent = life.parent.partition("/locations")[0]
    request = {"parent": parent, "page_size": 5}
    found = [subnet.subnetwork for subnet in life.client.list_usable_subnetworks(request=request)]
    assert len(found) > 5
    assert f"{parent}/regions/us-central1/subnetworks/default" in found


def test_usable_subnetworks_of_a_host_project(life: Life) -> None:
    parent = life.parent.partition("/locations")[0]
    request = {"parent": parent, "filter": "networkProjectId=usable-host"}
    found = [subnet.subnetwork for subnet in life.client.list_usable_subnetworks(request=request)]
    assert found and all(name.startswith("projects/usable-host/regions/") for name in found)
    with pytest.raises(exceptions.BadRequest, match="networkProjectId"):
        life.client.list_usable_subnetworks(request={"parent": parent, "filter": "region=x"})


def test_old_per_feature_calls(life: Life, central: Cluster) -> None:
    life.done(life.client.update_master(request={"name": life.name, "master_version": "-"}))
    life.done(life.client.set_logging_service(request={"name": life.name, "logging_service": "none"}))
    assert life.get().logging_service == "none"
    policy = {"window": {"daily_maintenance_window": {"start_time": "03:00"}}}
    life.done(life.client.set_maintenance_policy(request={"name": life.name, "maintenance_policy": policy}))
    assert life.get().maintenance_policy.window.daily_maintenance_window.start_time == "03:00"
