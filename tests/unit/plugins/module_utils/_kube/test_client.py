# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes client: which requests it makes, and what it makes of the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Query, Response

from tests.unit.plugins.fake_kube import FakeApi, FakeTime


class Script:
    """A transport that plays answers in order and remembers what was asked."""

    def __init__(self, *answers: Response | Exception, frames: list[tuple[int, bytes]] | None = None) -> None:
        self.answers, self.frames = list(answers), frames or []
        self.asked: list[tuple[str, str, Query, Any]] = []

    def request(
        self, method: str, path: str, query: Query, body: Mapping[str, Any] | None = None, content_type: str = ""
    ) -> Response:
        self.asked.append((method, path, dict(query), body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stream(self, path: str, query: Query, seconds: float) -> list[tuple[int, bytes]]:
        self.asked.append(("EXEC", path, dict(query), seconds))
        return self.frames


def _json(status: int, obj: Any) -> Response:
    return Response(status, json.dumps(obj).encode())


def _client(script: Script) -> KubeClient:
    return KubeClient(script, Endpoint("east", "https://east.example"))


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}


def test_get_of_a_known_kind_is_one_request() -> None:
    script = Script(_json(200, POD))
    assert _client(script).get("v1", "Pod", "p", "n") == POD
    assert script.asked == [("GET", "/api/v1/namespaces/n/pods/p", {}, None)]


def test_get_of_what_is_not_there_is_none() -> None:
    assert _client(Script(_json(404, {"reason": "NotFound"}))).get("v1", "Pod", "p", "n") is None


def test_an_unknown_kind_is_discovered_once() -> None:
    listing = {
        "resources": [
            {"name": "gateways", "kind": "Gateway", "namespaced": True},
            {"name": "gateways/status", "kind": "Gateway"},
        ]
    }
    script = Script(_json(200, listing), _json(200, {}), _json(200, {}))
    client = _client(script)
    client.get("networking.istio.io/v1", "Gateway", "g", "n")
    client.get("networking.istio.io/v1", "Gateway", "h", "n")
    assert [path for _method, path, _query, _body in script.asked] == [
        "/apis/networking.istio.io/v1",
        "/apis/networking.istio.io/v1/namespaces/n/gateways/g",
        "/apis/networking.istio.io/v1/namespaces/n/gateways/h",
    ]


def test_a_group_that_came_later_is_found_after_all() -> None:
    listing = {"resources": [{"name": "gateways", "kind": "Gateway", "namespaced": True}]}
    client = _client(Script(_json(404, {}), _json(200, listing)))
    assert client.resource("networking.istio.io/v1", "Gateway") is None
    assert client.resource("networking.istio.io/v1", "Gateway") is not None


def test_a_kind_that_is_not_served_is_said_clearly() -> None:
    with pytest.raises(MeshError, match=r"kind Gateway of networking.istio.io/v1: cluster east does not serve it"):
        _client(Script(_json(404, {}))).get("networking.istio.io/v1", "Gateway", "g", "n")


def test_list_follows_pages_and_names_kinds() -> None:
    first = {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "next"}}
    script = Script(_json(200, first), _json(200, {"items": [{"metadata": {"name": "b"}}]}))
    found = _client(script).list("v1", "Secret", "n", labels="a=b", fields="type=t")
    assert [(obj["kind"], obj["metadata"]["name"]) for obj in found] == [("Secret", "a"), ("Secret", "b")]
    assert script.asked[0][2] == {"limit": "500", "labelSelector": "a=b", "fieldSelector": "type=t"}
    assert script.asked[1][2]["continue"] == "next"


def test_apply_is_server_side_and_strict() -> None:
    script = Script(_json(200, POD), _json(200, POD))
    client = _client(script)
    client.apply(POD)
    client.apply(POD, dry_run=True, force=False)
    method, path, query, body = script.asked[0]
    assert (method, path, body) == ("PATCH", "/api/v1/namespaces/n/pods/p", POD)
    assert query == {"fieldManager": "mcistio.gke", "force": "true", "fieldValidation": "Strict"}
    assert script.asked[1][2] == {
        "fieldManager": "mcistio.gke",
        "force": "false",
        "fieldValidation": "Strict",
        "dryRun": "All",
    }


def test_a_refusal_says_what_was_done_to_what_and_where() -> None:
    client = _client(Script(_json(403, {"reason": "Forbidden", "message": "no way"})))
    with pytest.raises(
        ApiError, match=r"Failed to apply Pod n/p in cluster east: no way\. The account needs"
    ) as caught:
        client.apply(POD)
    assert (caught.value.status, caught.value.reason) == (403, "Forbidden")


def test_an_answer_without_json_is_told_as_it_is() -> None:
    with pytest.raises(ApiError, match="bad gateway"):
        _client(Script(Response(502, b"bad gateway"))).get("v1", "Pod", "p", "n")


def test_deleting_what_is_gone_is_no_error() -> None:
    script = Script(_json(404, {}), _json(200, {}))
    client = _client(script)
    assert client.delete(POD) is False
    assert client.delete(POD, propagation="Foreground") is True
    assert script.asked[1][3]["propagationPolicy"] == "Foreground"


@pytest.mark.parametrize("allowed", [True, False])
def test_may_asks_for_one_right(allowed: bool) -> None:
    script = Script(_json(201, {"status": {"allowed": allowed}}))
    assert _client(script).may("create", "pods", "eviction") == allowed
    ((method, path, dummy, body),) = script.asked
    assert (method, path) == ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    wanted = {"verb": "create", "resource": "pods", "subresource": "eviction"}
    assert body["spec"] == {"resourceAttributes": wanted}


GUEST = {**POD, "metadata": {"name": "p", "namespace": "n", "uid": "u"}}


def _refused(status: int, reason: str, message: str) -> Response:
    return _json(status, {"message": "No.", "details": {"causes": [{"reason": reason, "message": message}]}})


def test_evict_asks_for_that_pod_and_no_namesake() -> None:
    script = Script(_json(201, {"status": "Success"}))
    assert _client(script).evict(GUEST) == ""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "p", "namespace": "n"},
        "deleteOptions": {"preconditions": {"uid": "u"}},
    }
    assert script.asked == [("POST", "/api/v1/namespaces/n/pods/p/eviction", {}, body)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_refused(429, "DisruptionBudget", "The disruption budget b needs 2."), "The disruption budget b needs 2."),
        (_json(429, {"message": "Too many requests."}), "Too many requests."),
        (_json(500, {"message": "This pod has more than one PodDisruptionBudget."}), "This pod has more than one"),
        (_json(404, {}), ""),
        (_json(409, {}), ""),
        (_refused(403, "NamespaceTerminating", "n is being terminated"), ""),
    ],
)
def test_evict_tells_why_not_now(answer: Response, why: str) -> None:
    told = _client(Script(answer)).evict(GUEST)
    assert told.startswith(why) and bool(told) == bool(why)


def test_evict_without_the_right_to() -> None:
    with pytest.raises(ApiError, match=r"evict Pod n/p in cluster east: pods/eviction is forbidden"):
        _client(Script(_json(403, {"message": "pods/eviction is forbidden"}))).evict(GUEST)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b'{"status": "Success"}', 0),
        (b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}', 7),
        (b'{"status": "Failure", "message": "container not found"}', 1),
        (b"", 1),
    ],
)
def test_exec_joins_frames_and_reads_the_exit_code(status: bytes, code: int) -> None:
    script = Script(frames=[(1, b"he"), (2, b"oops"), (1, b"llo"), (3, status)])
    result = _client(script).exec("n", "p", "c", ["a", "b"])
    assert (result.stdout, result.stderr, result.code) == ("hello", "oops", code)
    assert script.asked[0][1:3] == (
        "/api/v1/namespaces/n/pods/p/exec",
        {"command": ["a", "b"], "container": "c", "stdout": "true", "stderr": "true"},
    )


def test_wait_ready_lasts_until_it_is() -> None:
    time, api = FakeTime(), FakeApi()
    api.up = False
    time.at(3.0, lambda: setattr(api, "up", True))
    api.client.wait_ready(10, time.clock)
    assert 3.0 <= time.seconds < 6.0


def test_wait_ready_ends_with_a_clear_line() -> None:
    time, api = FakeTime(), FakeApi()
    api.up = False
    with pytest.raises(Unreachable, match=r"/readyz was not ok within 10 s"):
        api.client.wait_ready(10, time.clock)
    assert time.seconds == pytest.approx(10)


def test_wait_ready_does_not_wait_for_what_will_not_change() -> None:
    time = FakeTime()
    liar = Unreachable("east", "https://east.example", "its certificate was not accepted", lasting=True)
    with pytest.raises(Unreachable, match="its certificate was not accepted"):
        _client(Script(liar)).wait_ready(10, time.clock)
    _client(Script(Response(403))).wait_ready(10, time.clock)
    assert time.seconds == 0


def test_an_unreachable_server_is_not_ready() -> None:
    assert _client(Script(Unreachable("east", "https://east.example", "refused"))).ready() is False
