# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a remote has been given the mesh's CA."""

from __future__ import annotations

import base64

from ansible_collections.mcistio.gke.plugins.module_utils._istio.trust import root_certificate, trouble

from tests.unit.plugins.fake_kube import FakeApi
from tests.unit.plugins.module_utils._istio.world import ROOT, WEBHOOK, trusting

PLACES = ["istio-system", "default"]


def test_all_in_place() -> None:
    api = FakeApi()
    trusting(api, *PLACES)
    assert trouble(api.client, ROOT, PLACES) == []
    assert root_certificate(api.client, "default") == ROOT


def test_nothing_in_place() -> None:
    assert trouble(FakeApi().client, ROOT, ["default"]) == [
        "there is no injection webhook",
        "ConfigMap default/istio-ca-root-cert is missing",
    ]


def test_an_unpatched_webhook() -> None:
    api = FakeApi()
    trusting(api, *PLACES)
    api.objects[WEBHOOK]["webhooks"].append({"name": "late.istio.io", "clientConfig": {}})
    assert trouble(api.client, ROOT, PLACES) == ["webhook late.istio.io has no caBundle yet"]


def test_another_root() -> None:
    api = FakeApi()
    trusting(api, *PLACES, root="other root")
    first, *others = trouble(api.client, ROOT, PLACES)
    assert "is not the mesh's root" in first
    assert others == [f"ConfigMap {place}/istio-ca-root-cert holds another root than the primary's" for place in PLACES]


def test_a_bundle_of_two_roots_is_fine_in_the_webhook() -> None:
    api = FakeApi()
    trusting(api, *PLACES)
    both = base64.b64encode(f"old root\n{ROOT}\n".encode()).decode()
    api.objects[WEBHOOK]["webhooks"][0]["clientConfig"]["caBundle"] = both
    assert trouble(api.client, ROOT, PLACES) == []


def test_a_revision_has_a_webhook_of_its_own() -> None:
    api = FakeApi()
    trusting(api, *PLACES)
    assert trouble(api.client, ROOT, PLACES, "1-31") == ["there is no injection webhook"]
    api.objects[f"{WEBHOOK}-1-31"] = api.objects[WEBHOOK]
    assert trouble(api.client, ROOT, PLACES, "1-31") == []
