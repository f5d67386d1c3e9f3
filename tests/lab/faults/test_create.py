# SPDX-License-Identifier: GPL-3.0-or-later
"""Creations that Google refuses at once, and those that it accepts and then fails."""

from __future__ import annotations

import pytest

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CREATE, FIREWALLS, OPERATIONS, Cloud, Run, failure, refusal

QUOTA = (
    "Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '24.0' and is short '16.0'. "
    "project has a quota of '8.0' with '8.0' available."
)
STOCKOUT = (
    "Google Compute Engine: Not all instances running in IGM after 35m4.03s. Expected 5, running 2, transitioning 3. "
    "Current errors: [GCE_STOCKOUT]: Instance 'gke-c-default-pool-1-x' creation failed: The zone "
    "'projects/p/zones/us-central1-a' does not have enough resources available to fulfill the request."
)
TRY_ANOTHER = (
    "Try a different location, or try again later: Google Compute Engine does not have enough resources available "
    "to fulfill request: us-central1-a."
)
SOON_GONE = "It is left in state ERROR until the service removes it; recreate_on_error: true replaces it."


def _refused_at_once(cloud: Cloud, *words: str) -> Run:
    """A creation that is refused, is not repeated, and leaves nothing behind."""
    run = cloud.cluster().failed_with("Failed to create cluster c in us-central1-a: ", *words)
    assert run.writes == [one for one in run.writes if one.startswith("POST clusters ")]
    assert len(run.writes) == 1
    assert not cloud.exists()
    return run


def _failed_later(cloud: Cloud, *words: str) -> None:
    """A creation that was accepted and failed: said, and said again by the next run, which writes nothing."""
    run = cloud.cluster().failed_with("Failed to create cluster c in us-central1-a: operation operation-", *words)
    assert run.writes == ["POST clusters 200"]
    assert SOON_GONE in run.error
    cloud.heal()
    again = cloud.cluster().failed_with("it is in state ERROR", "recreate_on_error")
    assert not again.writes


def test_01_quota_when_asked(cloud: Cloud) -> None:
    cloud.fault(refusal("PERMISSION_DENIED", QUOTA, reason="forbidden"), method="POST", path=CREATE)
    _refused_at_once(cloud, QUOTA, "This is a quota, not a permission: ask for more, or use fewer or smaller nodes")
    cloud.heal()
    assert cloud.cluster().result["changed"]


def test_02_quota_while_creating(cloud: Cloud) -> None:
    message = "Google Compute Engine: Quota 'CPUS' exceeded. Limit: 8.0 in region us-central1."
    cloud.fault(failure(message, "GCE_QUOTA_EXCEEDED", code=8), method="POST", path=CREATE)
    _failed_later(cloud, message, "This is a quota, not a permission")


def test_03_error_without_status_message(cloud: Cloud) -> None:
    cloud.fault(failure("Internal error.", code=8, status_message=False), method="POST", path=CREATE)
    _failed_later(cloud, "Internal error.")


def test_03_status_message_without_error(cloud: Cloud) -> None:
    cloud.fault(failure("Internal error.", only_status_message=True), method="POST", path=CREATE)
    _failed_later(cloud, "Internal error.")


NAMELESS = "[ZONE_RESOURCE_POOL_EXHAUSTED]: Instance creation failed."


@pytest.mark.parametrize("message", [STOCKOUT, TRY_ANOTHER, NAMELESS], ids=["group", "other-location", "no-zone-named"])
def test_04_stockout(cloud: Cloud, message: str) -> None:
    cloud.fault(failure(message, "GCE_STOCKOUT", code=8), method="POST", path=CREATE)
    zones = "us-central1 also has us-central1-b, us-central1-c, us-central1-f."
    _failed_later(cloud, message, "no machines of this type left", zones)


def test_04_stockout_in_one_zone_of_a_region(cloud: Cloud) -> None:
    message = "The zone 'projects/p/zones/us-central1-b' does not have enough resources available."
    cloud.fault(failure(message, "GCE_STOCKOUT", code=8), method="POST", path=CREATE)
    cloud.cluster(location="us-central1").failed_with(
        message, "us-central1 also has us-central1-a, us-central1-c, us-central1-f."
    )


def test_04_stockout_without_the_right_to_see_zones(cloud: Cloud) -> None:
    cloud.fault(failure(STOCKOUT, "GCE_STOCKOUT", code=8), method="POST", path=CREATE)
    denied = "Required 'compute.regions.get' permission for 'projects/p/regions/us-central1'"
    cloud.fault(refusal("PERMISSION_DENIED", denied, compute=True), path="/regions/us-central1$")
    _failed_later(cloud, STOCKOUT, "try another zone or machine type")


@pytest.mark.parametrize(
    "message",
    [
        "All cluster resources were brought up, but: 3 nodes out of 3 are unhealthy.",
        "All cluster resources were brought up, but: only 0 nodes out of 3 have registered; cluster may be unhealthy.",
    ],
    ids=["unhealthy", "unregistered"],
)
def test_05_nodes_that_never_register(cloud: Cloud, message: str) -> None:
    cloud.fault(failure(message), method="POST", path=CREATE)
    _failed_later(cloud, message, "the nodes' service account needs roles/container.defaultNodeServiceAccount")


def test_06_permission_to_create(cloud: Cloud) -> None:
    message = f'Required "container.clusters.create" permission(s) for "projects/{cloud.project}".'
    cloud.fault(refusal("PERMISSION_DENIED", message), method="POST", path=CREATE)
    role = f"Grant container.clusters.create (it is in roles/container.admin) on project {cloud.project}"
    _refused_at_once(cloud, message, role)


def test_06_permission_to_read(cloud: Cloud) -> None:
    message = f'Required "container.clusters.get" permission(s) for "projects/{cloud.project}".'
    cloud.fault(refusal("PERMISSION_DENIED", message), method="GET", path="/clusters/c$")
    run = cloud.cluster().failed_with("Failed to read cluster c in us-central1-a", message, "roles/container.viewer")
    assert run.calls == ["GET clusters/c 403"]


def test_07_a_location_that_is_none(cloud: Cloud) -> None:
    run = cloud.cluster(location="us-central9-z").failed_with(
        "Permission denied on 'locations/us-central9-z' (or it may not exist).", "Check the spelling"
    )
    assert not run.writes


def test_08_service_agent_without_its_role(cloud: Cloud) -> None:
    message = (
        "Retry budget exhausted (5 attempts): Google Compute Engine: Required 'compute.regions.get' permission for "
        "'projects/p/regions/us-central1'"
    )
    cloud.fault(refusal("PERMISSION_DENIED", message), method="POST", path=CREATE)
    run = _refused_at_once(cloud, message, "roles/container.serviceAgent", "container-engine-robot")
    assert "to the account that runs this" not in run.error


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "Kubernetes Engine API is not enabled for this project. Please ensure it is enabled in Google Cloud "
            "Console and try again.",
            "failedPrecondition",
        ),
        (
            "Kubernetes Engine API has not been used in project 123456789012 before or it is disabled. Enable it by "
            "visiting https://console.developers.google.com/apis/api/container.googleapis.com/overview?"
            "project=123456789012 then retry.",
            "accessNotConfigured",
        ),
    ],
    ids=["not-enabled", "never-used"],
)
def test_09_api_disabled(cloud: Cloud, message: str, reason: str) -> None:
    cloud.fault(refusal("PERMISSION_DENIED", message, reason=reason), path="/v1/")
    run = cloud.cluster().failed_with(message, "gcloud services enable container.googleapis.com")
    assert run.calls == ["GET clusters/c 403"]


def test_09_compute_api_disabled(cloud: Cloud) -> None:
    cloud.cluster()
    message = "Compute Engine API has not been used in project 123456789012 before or it is disabled."
    disabled = refusal("PERMISSION_DENIED", message, reason="accessNotConfigured", compute=True)
    cloud.fault(disabled, path=FIREWALLS)
    assert not cloud.firewall().failed_with(message, "gcloud services enable compute.googleapis.com").writes


def test_09_api_disabled_for_the_operation(cloud: Cloud) -> None:
    message = "Kubernetes Engine API has not been used in project 123456789012 before or it is disabled."
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]
    cloud.fault(refusal("PERMISSION_DENIED", message, details=details), method="GET", path=OPERATIONS)
    run = cloud.cluster().failed_with("operation operation-", message, "gcloud services enable container.googleapis")
    assert run.writes == ["POST clusters 200"]
    cloud.heal()
    assert not cloud.cluster().writes


@pytest.mark.parametrize(
    "message",
    [
        "Google Compute Engine: [IP_SPACE_EXHAUSTED]: Instance 'gke-c-1' creation failed: IP space of "
        "'projects/p/regions/us-central1/subnetworks/default-pods-range' is exhausted.",
        'The network "default" does not have available private IP space in 10.0.0.0/8 to reserve a /14 block for '
        "containers for cluster {c}.",
    ],
    ids=["subnetwork", "network"],
)
def test_29_ranges_exhausted_while_creating(cloud: Cloud, message: str) -> None:
    cloud.fault(failure(message, code=8), method="POST", path=CREATE)
    _failed_later(cloud, message, "Give the cluster a smaller pod range, or the subnetwork a larger secondary range")


def test_29_ranges_exhausted_when_asked(cloud: Cloud) -> None:
    message = (
        'The network "default" does not have available private IP space in 10.0.0.0/8 to reserve a /14 block for '
        "containers for cluster {c}."
    )
    cloud.fault(refusal("INVALID_ARGUMENT", message), method="POST", path=CREATE)
    _refused_at_once(cloud, message, "Give the cluster a smaller pod range")


LACKS = "subnetwork projects/{}/regions/us-central1/subnetworks/default has no secondary range {}"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"}, "pods, services"),
        ({"additional_pod_ranges": ["more"]}, "more"),
        ({"node_pools": [{"name": "p", "pod_range": "own"}]}, "own"),
    ],
    ids=["cluster", "additional", "pool"],
)
def test_30_ranges_that_the_subnetwork_lacks(cloud: Cloud, options: JSON, names: str) -> None:
    for check in (True, False):
        run = cloud.cluster(**options, check=check).failed_with(
            f"Failed to create cluster c in us-central1-a: {LACKS.format(cloud.project, names)}. It has none."
        )
        assert not run.writes


def test_30_a_range_of_a_host_project(cloud: Cloud) -> None:
    host = f"h-{cloud.project}"[:30].rstrip("-")
    cloud.at(project=host).compute("GET", "global/networks")
    cloud.cluster(network=f"projects/{host}/global/networks/default", cluster_secondary_range_name="pods").failed_with(
        LACKS.format(host, "pods")
    )


def test_30_a_range_that_only_the_service_sees(cloud: Cloud) -> None:
    denied = 'Required "container.clusters.list" permission(s) for "projects/p".'
    cloud.fault(refusal("PERMISSION_DENIED", denied), path="/usableSubnetworks$")
    run = cloud.cluster(cluster_secondary_range_name="pods", services_secondary_range_name="services")
    run.failed_with(
        'Pod secondary range "pods" not found in network "default", subnetwork "default".',
        "Check the names of the subnetwork's secondary ranges",
    )
    assert run.writes == ["POST clusters 400"]
    assert not cloud.exists()


def test_32_a_version_that_is_not_offered(cloud: Cloud) -> None:
    run = cloud.cluster(cluster_version="1.19").failed_with(
        "version 1.19 is not offered in us-central1-a", "Offered: 1."
    )
    assert not run.writes


@pytest.mark.parametrize(
    "message",
    ['No valid versions with the prefix "1.31" found.', 'Master version "1.31.9-gke.1" is unsupported.'],
    ids=["prefix", "exact"],
)
def test_32_a_version_that_the_service_refuses(cloud: Cloud, message: str) -> None:
    cloud.fault(refusal("INVALID_ARGUMENT", message), method="POST", path=CREATE)
    _refused_at_once(cloud, message, "Offered: 1.", "Leave cluster_version out")


def test_32_an_upgrade_that_the_service_does_not_offer(cloud: Cloud) -> None:
    cloud.cluster()
    run = cloud.cluster(cluster_version="1.99.1-gke.1").failed_with("Failed to change cluster c", "Offered: 1.")
    assert not run.writes


def test_32_an_upgrade_that_the_service_refuses(cloud: Cloud) -> None:
    cloud.cluster(cluster_version="1.35")
    message = 'Master version "1.36.1-gke.1000000" is unsupported.'
    cloud.fault(refusal("INVALID_ARGUMENT", message), method="PUT", path="/clusters/c$")
    run = cloud.cluster(cluster_version="1.36").failed_with("Failed to change cluster c", message, "Offered: 1.")
    assert run.writes == ["PUT clusters/c 400"]
