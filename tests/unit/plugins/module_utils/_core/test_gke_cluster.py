# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gke_cluster from its options to its result."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import GENERATION_LABEL
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import successor_name
from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plugins.fake_google import (
    CENTRAL,
    CLUSTERS,
    LOCATION,
    OPERATIONS,
    Call,
    Script,
    cluster,
    missing,
    operation,
    pool,
    validated,
)
from tests.unit.plugins.fake_kube import FakeApi
from tests.unit.plugins.module_utils._core.google_run import Runner

GONE = Call("GET", CENTRAL, missing())
CONFIG = Call("GET", f"projects/p/locations/{LOCATION}/serverConfig")
ASKED: dict[str, Any] = {"name": "central", "location": LOCATION, "node_count": 4, "labels": {"mesh": "mesh1"}}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(gke_cluster, monkeypatch)


def created() -> Script:
    return Script(
        GONE,
        CONFIG,
        Call("POST", CLUSTERS, operation(status="RUNNING", operationType="CREATE_CLUSTER")),
        Call("GET", f"{OPERATIONS}/operation-1", operation(status="RUNNING", operationType="CREATE_CLUSTER")),
        Call("GET", f"{OPERATIONS}/operation-1", operation(operationType="CREATE_CLUSTER")),
        Call("GET", CENTRAL, cluster()),
    )


def test_create_then_nothing(run: Runner) -> None:
    first = run(created(), **ASKED)
    assert first["changed"] and first["operation"]["type"] == "CREATE_CLUSTER"
    assert run.said == [f"central: creating in {LOCATION}", "central: creating (0 s)", "central: running after 0 s"]
    again = run(Script(Call("GET", CENTRAL, cluster())), **ASKED)
    assert not again["changed"] and again["diff"]["before"] == again["diff"]["after"]
    assert first.keys() == again.keys() and first["cluster"] == again["cluster"]


def test_check_mode_says_what_the_real_run_does_in_the_same_shape(run: Runner) -> None:
    real, check = run(created(), **ASKED), run(Script(GONE, CONFIG), check=True, **ASKED)
    assert check.keys() == real.keys() and check["cluster"].keys() == real["cluster"].keys()
    assert (check["changed"], check["changes"], check["diff"]) == (real["changed"], real["changes"], real["diff"])


def test_absent(run: Runner) -> None:
    result = run(Script(GONE), name="central", location=LOCATION, state="absent")
    assert not result["changed"] and result["cluster"]["exists"] is False


def test_a_region_says_how_many_nodes_that_makes(run: Runner) -> None:
    script = Script(
        Call("GET", "projects/p/locations/us-central1/clusters/central", missing()),
        Call("GET", "projects/p/locations/us-central1/serverConfig"),
    )
    result = run(script, check=True, name="central", location="us-central1", node_count=4)
    assert "12 nodes in all" in result["warnings"][0]


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"project": None}, "GCP_PROJECT"),
        ({"name": "Central"}, "not allowed"),
        ({"name": "c" * 41}, "not allowed"),
        ({"location": "us-central1a"}, "neither a region nor a zone"),
        ({"location": "us-central1a", "state": "absent"}, "neither a region nor a zone"),
        ({"extra": {"locations": 3}}, "must be a list"),
        ({"container_endpoint": "http://10.0.0.1"}, "plain http"),
        ({"service_account_file": "/no/such/file", "access_token": None}, "No such file"),
    ],
)
def test_bad_input_is_one_clear_line_before_any_call(
    run: Runner, params: dict[str, Any], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GCP_PROJECT", raising=False)
    with pytest.raises(MeshError, match=part) as caught:
        run(Script(), **{**ASKED, **params})
    assert "\n" not in str(caught.value)


WORDS = st.one_of(st.text(max_size=8), st.integers(-5, 99999), st.booleans(), st.lists(st.text(max_size=3), max_size=2))
EXTRA = st.recursive(WORDS, lambda inner: st.dictionaries(st.sampled_from(
    ["nodePools", "loggingConfig", "locations", "releaseChannel", "channel", "name", "resourceLabels", "config", "new"]
), inner, max_size=4))  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    params=st.fixed_dictionaries(
        {"name": st.text(max_size=5), "location": st.sampled_from(["", "us-central1-a", "x", "us-central1"])},
        optional={
            "extra": st.dictionaries(st.sampled_from(["nodePools", "loggingConfig", "x"]), EXTRA, max_size=3),
            "cluster_ipv4_cidr": st.text(max_size=9),
            "node_locations": st.lists(st.text(max_size=3), max_size=2),
            "cluster_version": st.text(max_size=5),
            "oauth_scopes": st.lists(st.text(max_size=4), max_size=2),
        },
    )
)
def test_no_input_makes_a_traceback_or_a_write(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing(Script):
        """Whatever is read is not there; nothing may be written."""

        def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Any:
            assert method == "GET"
            return missing()

    script = Nothing()
    try:
        result = Runner(gke_cluster, monkeypatch)(script, check=True, **params)
    except MeshError as error:
        assert "\n" not in str(error)
    else:
        assert result["changed"]


def test_draining_goes_through_the_endpoint_and_within_the_time_of_the_options(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, asked = FakeApi("central"), list[dict[str, Any]]()
    label = {"cloud.google.com/gke-nodepool": "work"}
    api.put("/api/v1/nodes/n", metadata={"uid": "n", "labels": label}, spec={})
    api.put("/api/v1/namespaces/shop/pods/web", metadata={"uid": "w"}, spec={"nodeName": "n"})
    api.on_evict = lambda path, pod: Response(429, b"{}")

    def connected(ref: dict[str, Any], params: dict[str, Any]) -> KubeClient:
        asked.append(ref)
        return api.client

    monkeypatch.setattr(connect, "connect", connected)
    wish: dict[str, Any] = {
        "name": "central", "location": LOCATION, "node_pools": [{"name": "work", "spot": True}],
        "replace_node_pools": True, "drain_endpoint": "dns", "drain_timeout": 7,
    }  # fmt: skip
    name = successor_name(desired(validated(gke_cluster.ARGUMENT_SPEC, **wish), "p").pools["work"])
    new = pool(name, config={"spot": True, "resourceLabels": {GENERATION_LABEL: "work"}})
    with pytest.raises(MeshError, match=r"after 7 s these pods are still there: shop/web"):
        run(Script(Call("GET", CENTRAL, cluster(nodePools=[pool("work"), new]))), **wish)
    assert asked == [{"name": "central", "location": LOCATION, "project": "p", "endpoint": "dns"}]
    assert run.said == [
        "central: node pool work: drain and delete",
        "central: node pool work: draining (0 of 1 nodes empty, 1 pod left)",
    ]


def test_only_who_drains_pays_for_the_kubernetes_client() -> None:
    script = f"import sys, {gke_cluster.__name__}; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_spec_fills_every_option_that_the_rules_read() -> None:
    """A rule for an option that does not exist would never fire."""
    from ansible_collections.mcistio.gke.plugins.module_utils._gcp import desired

    options = set(gke_cluster.ARGUMENT_SPEC)
    assert {rule[0] for rule in desired._RULES} <= options
    pool_options = set(gke_cluster.ARGUMENT_SPEC["node_pools"]["options"])
    assert {rule[0] for rule in desired._POOL_RULES} <= pool_options
    assert set(desired.POOL_OPTIONS) <= options & pool_options
    assert validated(gke_cluster.ARGUMENT_SPEC, **ASKED)["wait_timeout"] == 5400
