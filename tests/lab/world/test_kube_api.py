# SPDX-License-Identifier: GPL-3.0-or-later
"""The small Kubernetes client, over a scripted connection."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gkelab.world import pki
from gkelab.world.kube_api import Deadline, KubeApi, KubeApiError

ITEM = {"metadata": {"name": "kube-dns"}}


class Connection:
    """Answers requests from a script of (method, status, body) and notes what was sent."""

    def __init__(self, script: list[tuple[str, int, Any]]) -> None:
        self.script = script
        self.sent: list[str] = []
        self._stream = io.BytesIO()
        self.status = 0

    def request(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> None:
        expected, self.status, answer = self.script.pop(0)
        assert method == expected
        self.sent.append(f"{method} {path}")
        lines = answer if isinstance(answer, list) else [answer]
        self._stream = io.BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode())

    def getresponse(self) -> Any:
        return self

    def read(self) -> bytes:
        return self._stream.read()

    def readline(self) -> bytes:
        return self._stream.readline()

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def api(tmp_path: Path) -> KubeApi:
    authority = pki.new_authority("ca")
    pair = pki.issue_client(authority, "admin")
    (tmp_path / "ca.crt").write_text(authority.pem)
    (tmp_path / "admin.crt").write_text(pair.certificate)
    pki.write_secret(tmp_path / "admin.key", pair.key)
    return KubeApi("198.18.0.2", ca=tmp_path / "ca.crt", certificate=tmp_path / "admin.crt", key=tmp_path / "admin.key")


def script(api: KubeApi, monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, int, Any]) -> Connection:
    connection = Connection(list(answers))
    monkeypatch.setattr(api, "_connect", lambda timeout: connection)
    return connection


def refusal(text: str) -> dict[str, str]:
    return {"kind": "Status", "message": text}


def test_create_asks_first(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = script(api, monkeypatch, ("GET", 404, refusal("not found")), ("POST", 201, ITEM))
    assert api.create("/api/v1/services", ITEM) is True
    assert connection.sent == ["GET /api/v1/services/kube-dns", "POST /api/v1/services"]


def test_create_leaves_alone_what_is_there(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    script(api, monkeypatch, ("GET", 200, ITEM))
    assert api.create("/api/v1/services", ITEM) is False


def test_create_may_lose_a_race(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    script(api, monkeypatch, ("GET", 404, refusal("not found")), ("POST", 409, refusal("exists")))
    assert api.create("/api/v1/services", ITEM) is False


@pytest.mark.parametrize("answers", [[("GET", 403, {})], [("GET", 404, {}), ("POST", 422, refusal("is invalid"))]])
def test_create_passes_refusals_on(api: KubeApi, monkeypatch: pytest.MonkeyPatch, answers: Any) -> None:
    script(api, monkeypatch, *answers)
    with pytest.raises(KubeApiError) as caught:
        api.create("/api/v1/services", ITEM)
    assert caught.value.status == answers[-1][1]


def test_deleting_what_is_gone_is_fine(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    script(api, monkeypatch, ("DELETE", 404, refusal("not found")))
    api.delete("/api/v1/nodes/n")


def test_an_error_says_what_was_asked_of_whom(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    script(api, monkeypatch, ("GET", 403, refusal("no rights")))
    with pytest.raises(KubeApiError, match=r"GET /api/v1/nodes on 198\.18\.0\.2: no rights"):
        api.get("/api/v1/nodes")


def test_unreachable(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(timeout: float) -> Any:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(api, "_connect", refuse)
    assert api.ready() is False
    with pytest.raises(KubeApiError, match="Connection refused") as caught:
        api.get("/api/v1/nodes")
    assert caught.value.status == 0


def test_watch(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [{"type": "ADDED", "object": {"a": 1}}, {"type": "DELETED", "object": {"a": 1}}]
    connection = script(api, monkeypatch, ("GET", 200, events))
    assert list(api.watch("/api/v1/services", "7", 300)) == [("ADDED", {"a": 1}), ("DELETED", {"a": 1})]
    assert "resourceVersion=7&timeoutSeconds=300" in connection.sent[0]


def test_a_deadline_that_has_passed_does_not_wait() -> None:
    assert Deadline(0).pause(3600) is False
