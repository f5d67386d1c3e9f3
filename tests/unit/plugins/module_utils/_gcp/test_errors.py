# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's answers, read and classified."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError, hint_for, message_of
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import Reply

from tests.unit.plugins.fake_google import failure

BUSY = "Cluster is running incompatible operation operation-1795-ab."


def error(reply: Reply) -> ApiError:
    return ApiError("create", "cluster central", reply)


@pytest.mark.parametrize(
    "reply",
    [
        failure(400, BUSY, "failedPrecondition", info="CLUSTER_ALREADY_HAS_OPERATION"),
        failure(400, BUSY),
        failure(
            400, "Operation operation-1 is currently upgrading cluster c. Please wait and try again once it is done."
        ),
        failure(400, "Cluster is currently being created, deleted, updated or repaired and cannot be updated."),
        failure(409, "operationInProgress"),
    ],
)
def test_busy(reply: Reply) -> None:
    assert error(reply).busy


def test_a_failed_precondition_alone_is_not_busy() -> None:
    assert not error(failure(400, "Master version is unsupported.", "failedPrecondition")).busy


@pytest.mark.parametrize(
    "reply",
    [
        failure(429, "Slow down."),
        failure(403, "Quota exceeded for quota metric 'Writes' and limit 'Writes per minute'"),
        failure(403, "Too many", "rateLimitExceeded"),
        failure(403, "Too many", info="CONCURRENT_OPERATIONS_QUOTA_EXCEEDED"),
    ],
)
def test_rate_limits_are_told_from_refusals(reply: Reply) -> None:
    assert error(reply).rate_limited
    assert error(reply).transient


def test_a_permission_is_no_rate_limit() -> None:
    assert not error(failure(403, 'Required "container.clusters.create" permission(s) for "projects/p".')).transient


@pytest.mark.parametrize(
    "reply",
    [
        failure(409, "The etag does not match: concurrent modification."),
        failure(400, "label fingerprint does not match"),
        failure(412, "conditionNotMet"),
    ],
)
def test_stale(reply: Reply) -> None:
    assert error(reply).stale


def test_a_page_of_html_becomes_a_sentence() -> None:
    page = b"<html><style>p {color: red}</style><title>502</title><p>Bad\nGateway</p></html>"
    assert message_of(Reply(502, page)) == "HTTP 502 502 Bad Gateway"
    assert message_of(Reply(503, b"\xff\xfe")).startswith("HTTP 503")


def test_the_message_is_googles_own() -> None:
    assert "Failed to create cluster central: Already exists: c." in str(error(failure(409, "Already exists: c.")))


@pytest.mark.parametrize(
    ("status", "message", "part"),
    [
        (403, "Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '24.0'", "quota"),
        (403, "Quota 'FIREWALLS' exceeded.  Limit: 200.0 globally.", "quota"),
        (0, "The zone 'z' does not have enough resources available to fulfill the request", "another zone"),
        (0, "Insufficient quota to satisfy the request: Not all instances running in IGM", "not a permission"),
        (0, "[ZONE_RESOURCE_POOL_EXHAUSTED]: The zone is currently out of capacity", "another zone"),
        (0, "Google Compute Engine: Not all instances running in IGM. Current errors: [GCE_STOCKOUT]", "another zone"),
        (403, "Permission denied on 'locations/us-x1' (or it may not exist).", "us-central1-a"),
        (403, 'Required "container.clusters.create" permission(s) for "projects/p".', "roles/container.admin"),
        (403, "Required 'compute.firewalls.create' permission for 'projects/HOST/global/firewalls/x'", "securityAdmin"),
        (403, "Kubernetes Engine API is not enabled for this project.", "container.googleapis.com"),
        (401, "Request had invalid authentication credentials.", "log in again"),
        (400, "[IP_SPACE_EXHAUSTED]: IP space of 'x' is exhausted.", "range"),
        (400, 'Pod secondary range "pods" not found in network "n", subnetwork "s".', "secondary ranges"),
        (400, 'No valid versions with the prefix "1.31" found.', "cluster_version"),
        (403, 'Required "container.clusters.get" permission(s) for "projects/p".', "container.viewer) on project p to"),
        (403, "Google Compute Engine: Required 'compute.regions.get' permission for 'x'", "container.serviceAgent"),
        (429, "Quota exceeded for quota metric 'Reads' and limit 'Reads per minute'", "forks"),
        (0, "All cluster resources were brought up, but: 3 nodes out of 3 are unhealthy.", "Cloud NAT"),
        (400, "Invalid value for field 'resource.sourceRanges': ''. Too many.", "max_source_ranges"),
        (200, "HTTP 200 Please log in", "proxy"),
    ],
)
def test_hints(status: int, message: str, part: str) -> None:
    assert part in hint_for(status, frozenset(), message)


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("container.clusters.list", "container.viewer"),
        ("container.clusters.update", "container.admin"),
        ("container.operations.get", "container.viewer"),
        ("container.hostServiceAgent.use", "container.hostServiceAgentUser"),
        ("compute.firewalls.list", "compute.securityAdmin"),
        ("compute.networks.updatePolicy", "compute.securityAdmin"),
        ("compute.globalOperations.get", "compute.securityAdmin"),
        ("compute.subnetworks.use", "compute.networkUser"),
        ("compute.subnetworks.get", "compute.networkViewer"),
        ("compute.instanceGroupManagers.get", "compute.viewer"),
        ("compute.instanceTemplates.get", "compute.viewer"),
        ("iam.serviceAccounts.actAs", "iam.serviceAccountUser"),
        ("gkehub.memberships.create", "gkehub.admin"),
        ("cloudkms.cryptoKeyVersions.useToEncrypt", "cloudkms.cryptoKeyEncrypterDecrypter"),
        ("serviceusage.services.use", "serviceusage.serviceUsageConsumer"),
    ],
)
def test_a_missing_permission_is_told_with_a_role_that_has_it(permission: str, role: str) -> None:
    told = hint_for(403, frozenset(), f"Required '{permission}' permission for 'projects/host/things/x'")
    assert told == f"Grant {permission} (it is in roles/{role}) on project host to the account that runs this."


def test_a_permission_of_which_no_role_is_known_is_named_all_the_same() -> None:
    told = hint_for(403, frozenset(), "Required 'compute.disks.create' permission for 'projects/host/zones/z'")
    assert told == "Grant compute.disks.create on project host to the account that runs this."


def test_what_gkes_own_account_lacks_is_not_asked_for_ours() -> None:
    message = "Google Compute Engine: Required 'compute.subnetworks.use' permission for 'projects/host/regions/r'"
    told = hint_for(403, frozenset(), message)
    assert told.startswith("It is GKE's own account that lacks this: grant roles/compute.networkUser on the host")


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Kubernetes Engine API has not been used", "Enable the API: gcloud services enable container.googleapis.com."),
        (
            "Kubernetes Engine API has not been used in project 123 before or it is disabled. Enable it by visiting "
            "https://console.developers.google.com/apis/api/container.googleapis.com/overview?project=123 then retry.",
            "Enable the API in project 123: gcloud services enable container.googleapis.com.",
        ),
        (
            "Compute Engine API has not been used in project host-project before or it is disabled.",
            "Enable the API in project host-project: gcloud services enable compute.googleapis.com.",
        ),
        ("GKE Hub API is disabled.", "Enable the API: gcloud services enable gkehub.googleapis.com."),
        (
            "Cloud Key Management Service (KMS) API is disabled.",
            "Enable the API: gcloud services enable cloudkms.googleapis.com.",
        ),
        (
            "Enable it: https://console.cloud.google.com/apis/api/binaryauthorization.googleapis.com/overview",
            "Enable the API: gcloud services enable binaryauthorization.googleapis.com.",
        ),
    ],
)
def test_a_disabled_api_is_named_as_gcloud_takes_it(message: str, hint: str) -> None:
    assert hint_for(403, frozenset({"SERVICE_DISABLED"}), message) == hint
    assert hint_for(403, frozenset({"accessNotConfigured"}), message) == hint


def test_what_explains_itself_gets_no_hint() -> None:
    assert hint_for(409, frozenset(), "Already exists: c.") == ""
