# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in: access tokens and self-signed tokens of the generated key, and nobody else."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.cloud.container_v1 import ClusterManagerClient
from google.oauth2 import service_account

from gkelab.model.credentials import write_credentials
from tests.lab.emulator.emulator import JSON, Emulator, Rest

PATH = "v1/projects/lab-project/locations/-/clusters"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"


class Forger:
    """Signs tokens as a client might, rightly or not."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.key: JSON = json.loads(emulator.key_file.read_text(encoding="utf-8"))

    def claims(self, **changes: Any) -> JSON:
        now = int(time.time())
        mail = self.key["client_email"]
        audience = "https://container.googleapis.com/"
        return {"iss": mail, "sub": mail, "aud": audience, "iat": now, "exp": now + 3600} | changes

    def signed(self, key: str | None = None, **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), key or self.key["private_key"], algorithm="RS256")

    def get(self, token: str) -> requests.Response:
        return requests.get(f"{self._emulator.url}/{PATH}", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def exchange(self, assertion: str) -> requests.Response:
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return requests.post(f"{self._emulator.url}/token", data=form, timeout=30)


@pytest.fixture
def forger(emulator: Emulator) -> Forger:
    return Forger(emulator)


@pytest.fixture
def other_key(tmp_path: Path) -> JSON:
    path = tmp_path / "other.json"
    write_credentials(path, "http://127.0.0.1:1/token", "lab-project")
    content: JSON = json.loads(path.read_text(encoding="utf-8"))
    return content


def _is_googles_401(answer: requests.Response) -> bool:
    error = answer.json()["error"]
    return (answer.status_code, error["status"], error["errors"][0]["reason"]) == (401, "UNAUTHENTICATED", "authError")


def test_the_key_file_is_private_and_complete(emulator: Emulator) -> None:
    assert stat.S_IMODE(emulator.key_file.stat().st_mode) == 0o600
    key = json.loads(emulator.key_file.read_text(encoding="utf-8"))
    assert key["type"] == "service_account"
    assert key["token_uri"] == f"{emulator.url}/token"
    assert key["client_email"].endswith("@lab-project.iam.gserviceaccount.com")


@pytest.mark.parametrize("audience", ["https://container.googleapis.com/", "https://compute.googleapis.com"])
def test_self_signed_tokens(forger: Forger, audience: str) -> None:
    assert forger.get(forger.signed(aud=audience)).ok
    assert forger.get(forger.signed(aud=None, scope=CLOUD)).ok


def test_tokens_of_other_audiences_times_and_keys(forger: Forger, other_key: JSON) -> None:
    now = int(time.time())
    for token in (
        forger.signed(aud="https://storage.googleapis.com/"),
        forger.signed(iat=now - 7200, exp=now - 3600),
        forger.signed(iat=now, exp=now + 36000),
        forger.signed(key=other_key["private_key"]),
        forger.signed(iss="somebody@else"),
        jwt.encode(forger.claims(), "secret" * 8, algorithm="HS256"),
        "nonsense",
        "ya29.c.e30.nonsense",
    ):
        assert _is_googles_401(forger.get(token)), token


def test_no_token(emulator: Emulator) -> None:
    assert _is_googles_401(requests.get(f"{emulator.url}/{PATH}", timeout=30))
    assert requests.get(f"{emulator.url}/compute/v1/projects/p/global/firewalls", timeout=30).status_code == 401


def test_the_token_endpoint(forger: Forger) -> None:
    answer = forger.exchange(forger.signed(aud=forger.key["token_uri"], scope=CLOUD))
    assert answer.ok
    assert answer.json()["token_type"] == "Bearer"
    assert forger.get(answer.json()["access_token"]).ok


def test_refused_assertions(forger: Forger, other_key: JSON) -> None:
    now, here = int(time.time()), forger.key["token_uri"]
    for assertion, words in (
        (forger.signed(aud=here, scope=CLOUD, key=other_key["private_key"]), "Invalid JWT Signature"),
        (forger.signed(aud=here, scope=CLOUD, iat=now - 90000, exp=now - 86400), "short-lived token"),
        (forger.signed(aud=here, scope=CLOUD, iss="a@b"), "account not found"),
        (forger.signed(aud="https://example.com", scope=CLOUD), "audience"),
    ):
        answer = forger.exchange(assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert words in answer.json()["error_description"]


def test_googles_libraries_report_a_wrong_key(emulator: Emulator, other_key: JSON) -> None:
    wrong = other_key | {"token_uri": f"{emulator.url}/token"}
    credentials = service_account.Credentials.from_service_account_info(wrong, scopes=[CLOUD])
    with pytest.raises(RefreshError, match="invalid_grant"):
        AuthorizedSession(credentials).get(f"{emulator.url}/{PATH}")
    client = ClusterManagerClient.from_service_account_info(
        wrong, transport="rest", client_options={"api_endpoint": emulator.url}
    )
    with pytest.raises(exceptions.Unauthorized):
        client.get_cluster(name="projects/p/locations/us-central1-a/clusters/c")


def test_scopes_bound_what_a_token_may_do(emulator: Emulator) -> None:
    def status(method: str, scope: str) -> int:
        session = AuthorizedSession(emulator.credentials([f"https://www.googleapis.com/auth/{scope}"]))
        return int(session.request(method, f"{emulator.url}/{PATH}").status_code)

    assert status("GET", "container.read-only") == 200
    assert status("POST", "container.read-only") == 403
    assert status("GET", "devstorage.read_only") == 403


def _review(emulator: Emulator, token: str | None) -> JSON:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer = emulator.lab("POST", "tokenreview", body)
    assert (answer["apiVersion"], answer["kind"]) == ("authentication.k8s.io/v1", "TokenReview")
    status: JSON = answer["status"]
    return status


def _access_token(emulator: Emulator, scopes: list[str] | None = None) -> str:
    session = AuthorizedSession(emulator.credentials(scopes))
    session.get(f"{emulator.url}/{PATH}")
    return str(session.credentials.token)


def test_token_review_names_the_account(emulator: Emulator, forger: Forger) -> None:
    status = _review(emulator, _access_token(emulator))
    assert status["authenticated"] is True
    assert status["user"]["username"] == forger.key["client_email"]
    assert status["user"]["groups"] == ["system:authenticated", "lab:container-admins"]


def test_without_the_email_scope_the_account_is_a_number(emulator: Emulator, forger: Forger) -> None:
    assert _review(emulator, _access_token(emulator, [CLOUD]))["user"]["username"] == forger.key["client_id"]


@pytest.mark.parametrize("token", ["", None, "nonsense", "ya29.c.e30.nonsense"])
def test_token_review_refuses(emulator: Emulator, token: str | None) -> None:
    assert _review(emulator, token)["authenticated"] is False


def test_token_and_user_info(emulator: Emulator, forger: Forger) -> None:
    token = _access_token(emulator)
    info = requests.post(f"{emulator.url}/tokeninfo", params={"access_token": token}, timeout=30).json()
    assert info["email"] == forger.key["client_email"]
    header = {"Authorization": f"Bearer {token}"}
    user = requests.get(f"{emulator.url}/oauth2/v3/userinfo", headers=header, timeout=30).json()
    assert user["sub"] == forger.key["client_id"]
    assert requests.get(f"{emulator.url}/tokeninfo", params={"access_token": "x"}, timeout=30).status_code == 400


def test_requests_are_counted_by_kind(emulator: Emulator, rest: Rest) -> None:
    emulator.lab("DELETE", "requests")
    rest.container("GET", "clusters")
    rest.container("POST", "clusters", {"cluster": {"name": "Bad"}})
    log = emulator.lab("GET", "requests")
    assert log["counts"]["container.clusters.list"] == 1
    assert log["writes"] == 1
    assert [(one["method"], one["status"], one["write"]) for one in log["requests"]][-2:] == [
        ("GET", 200, False),
        ("POST", 400, True),
    ]
