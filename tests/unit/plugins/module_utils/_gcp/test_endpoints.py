# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address of a cluster to call."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.endpoints import Address, address

from tests.unit.plugins.fake_google import cluster

NAME = "gke-1-2.us-central1-a.gke.goog"
DNS = {"dnsEndpointConfig": {"endpoint": NAME, "allowExternalTraffic": True}}


def test_the_public_address() -> None:
    assert address(cluster(), "public") == Address("https://203.0.113.7", "Q0E=")


def test_the_private_address() -> None:
    both = {"ipEndpointsConfig": {"privateEndpoint": "10.0.0.2", "publicEndpoint": "203.0.113.7"}}
    assert address(cluster(controlPlaneEndpointsConfig=both), "private").server == "https://10.0.0.2"
    assert address(cluster(controlPlaneEndpointsConfig=both), "public").server == "https://203.0.113.7"
    old = {"privateEndpoint": "10.0.0.3"}
    assert address(cluster(privateClusterConfig=old), "private").server == "https://10.0.0.3"


def test_the_dns_name_has_a_public_certificate() -> None:
    assert address(cluster(controlPlaneEndpointsConfig=DNS), "dns") == Address(f"https://{NAME}", "")
    closed = {"dnsEndpointConfig": {"endpoint": NAME}}
    assert "inside Google's network" in address(cluster(controlPlaneEndpointsConfig=closed), "dns").notice


def test_an_ipv6_address_is_bracketed() -> None:
    assert address(cluster(endpoint="2001:db8::1"), "public").server == "https://[2001:db8::1]"


@pytest.mark.parametrize(
    ("more", "kind", "part"),
    [
        ({"endpoint": "", "status": "PROVISIONING"}, "public", "PROVISIONING.*still being created"),
        ({"endpoint": NAME, "controlPlaneEndpointsConfig": DNS}, "public", "no public endpoint.*It has: dns"),
        (
            {"endpoint": "10.0.0.2", "privateClusterConfig": {"privateEndpoint": "10.0.0.2"}},
            "public",
            "It has: private",
        ),
        (
            {
                "endpoint": NAME,
                "controlPlaneEndpointsConfig": {**DNS, "ipEndpointsConfig": {"privateEndpoint": "10.0.0.2"}},
            },
            "private",
            "no private endpoint.*It has: dns. Set",
        ),
        ({}, "private", "It has: public"),
        ({}, "dns", "no DNS endpoint"),
        ({"masterAuth": {}}, "public", "no CA certificate"),
    ],
)
def test_there_is_no_insecure_way(more: dict[str, Any], kind: str, part: str) -> None:
    with pytest.raises(MeshError, match=part):
        address(cluster(**more), kind)
