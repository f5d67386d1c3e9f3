# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways of logging in, and what is said when one fails."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google.auth
import google.oauth2.credentials
import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.auth.exceptions import DefaultCredentialsError, RefreshError

from tests.unit.plugins.fake_google import options

AUDIENCE = "https://container.googleapis.com/"


@pytest.fixture(scope="module")
def key() -> dict[str, str]:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "client_email": "robot@p.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": "https://127.0.0.1:9/token",
    }


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No login of another test, no credentials of this machine."""
    monkeypatch.setattr(auth, "_LOGINS", {})
    for name in ("GCP_ACCESS_TOKEN", "GCP_SERVICE_ACCOUNT_FILE", "GCP_AUTH_KIND", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)


def without_token(**params: Any) -> dict[str, Any]:
    return options(access_token=None, **params)


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({}, "application"),
        ({"service_account_file": "/k"}, "serviceaccount"),
        ({"service_account_contents": "{}"}, "serviceaccount"),
        ({"access_token": "t", "service_account_file": "/k"}, "accesstoken"),
        ({"auth_kind": "machineaccount", "access_token": "t"}, "machineaccount"),
    ],
)
def test_the_kind_of_login_follows_from_what_is_given(params: dict[str, str], kind: str) -> None:
    assert auth.auth_kind(params) == kind


def test_options_come_from_googles_usual_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCP_PROJECT", "from-env")
    monkeypatch.setenv("GCP_SERVICE_ACCOUNT_FILE", "/key.json")
    monkeypatch.setenv("GKE_MESH_CONTAINER_ENDPOINT", "http://127.0.0.1:1")
    found = options(project=None, access_token=None)
    assert found["service_account_file"] == "/key.json"
    assert found["container_endpoint"] == "http://127.0.0.1:1"
    assert found["compute_endpoint"] == "https://compute.googleapis.com"


def test_a_given_token_is_used_as_it_is() -> None:
    assert auth.token(options(access_token="abc")) == "abc"


def test_a_key_signs_tokens_without_a_request(key: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key), encoding="utf-8")
    login = auth.login(without_token(service_account_file=str(path)))
    token = login.api_token(AUDIENCE)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == AUDIENCE
    assert login.api_token(AUDIENCE) == token
    assert login.api_token("https://compute.googleapis.com/") != token


def test_a_key_that_the_environment_names_is_read_like_one_in_the_options(
    key: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setattr(google.auth, "default", lambda **_: pytest.fail("the library's own way takes 40 ms"))
    assert auth.login(without_token()).api_token(AUDIENCE).count(".") == 2
    path.write_text(json.dumps({**key, "private_key": "x"}), encoding="utf-8")
    monkeypatch.setattr(auth, "_LOGINS", {})
    with pytest.raises(MeshError, match="key in GOOGLE_APPLICATION_CREDENTIALS: its private_key cannot be read"):
        auth.login(without_token())


@pytest.mark.parametrize("content", ["{", "[]", '{"type": "authorized_user"}'])
def test_whatever_else_the_environment_names_is_the_librarys(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "adc.json"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    given = google.oauth2.credentials.Credentials("token")
    monkeypatch.setattr(google.auth, "default", lambda **_: (given, "p"))
    assert auth.login(without_token()).api_token(AUDIENCE) == "token"


def test_the_key_itself_is_taken_too(key: dict[str, str]) -> None:
    assert auth.login(without_token(service_account_contents=json.dumps(key))).api_token(AUDIENCE).count(".") == 2


def _pem(private: Any, protection: serialization.KeySerializationEncryption | None = None) -> str:
    how = protection or serialization.NoEncryption()
    made: bytes = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return made.decode()


def _damaged() -> str:
    """A key that can be read, but whose exponents do not belong to its modulus."""
    good = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    bad = rsa.RSAPrivateNumbers(
        good.p, good.q, good.d + 2, good.dmp1 + 2, good.dmq1 + 2, good.iqmp, good.public_numbers
    )
    return _pem(bad.private_key(unsafe_skip_rsa_key_validation=True))


@pytest.mark.parametrize(
    "make",
    [
        _damaged,
        lambda: _pem(ec.generate_private_key(ec.SECP256R1())),
        lambda: _pem(rsa.generate_private_key(65537, 2048), serialization.BestAvailableEncryption(b"password")),
    ],
    ids=["damaged", "elliptic", "encrypted"],
)
def test_a_key_that_cannot_sign_is_refused_before_anything_is_sent(
    key: dict[str, str], make: Callable[[], str]
) -> None:
    with pytest.raises(MeshError, match="its private_key cannot be read"):
        auth.login(without_token(service_account_contents=json.dumps({**key, "private_key": make()}))).api_token("a")


def test_what_else_a_key_file_says_is_kept(key: dict[str, str]) -> None:
    login = auth.login(without_token(service_account_contents=json.dumps({**key, "private_key_id": "id1"})))
    header = json.loads(base64.urlsafe_b64decode(login.api_token(AUDIENCE).split(".")[0] + "=="))
    assert header["kid"] == "id1"


def test_the_same_options_share_one_login(key: dict[str, str]) -> None:
    one = auth.login(without_token(service_account_contents=json.dumps(key)))
    assert auth.login(without_token(service_account_contents=json.dumps(key), project="other")) is one
    assert auth.login(options(access_token="t")) is not one


class Credentials:
    """Credentials of an account whose token is fetched."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.fetched = 0
        self.refresh_token = None

    @property
    def valid(self) -> bool:
        return self.token is not None

    def refresh(self, request: object) -> None:
        self.fetched += 1
        self.token = f"token{self.fetched}"


def test_one_token_serves_all_calls_until_it_is_refused() -> None:
    credentials = Credentials()
    login = auth.Login(credentials, object, self_signed=False)
    assert [login.api_token(AUDIENCE), login.access_token(), login.api_token("x")] == ["token1"] * 3
    assert login.renew()
    assert login.access_token() == "token2"


def test_a_refused_signature_gives_way_to_a_fetched_token(key: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    login = auth.login(without_token(service_account_contents=json.dumps(key)))
    assert login.renew()
    monkeypatch.setattr(login, "_credentials", Credentials())
    assert login.api_token(AUDIENCE) == "token1"


def test_a_given_token_cannot_be_renewed() -> None:
    assert not auth.login(options(access_token="t")).renew()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "No such file"),
        ("not json", "it is not JSON"),
        ("[]", "client_email"),
        ('{"type": "authorized_user", "refresh_token": "x"}', "no service account key"),
        ('{"client_email": "a", "private_key": "secret-part", "token_uri": "b"}', "private_key cannot be read"),
    ],
)
def test_a_wrong_key_file_is_one_clear_line(content: str | None, part: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(MeshError, match=part) as caught:
        auth.login(without_token(service_account_file=str(path)))
    assert "\n" not in str(caught.value)
    assert "secret-part" not in str(caught.value)


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"auth_kind": "serviceaccount"}, "service_account_file"),
        ({"auth_kind": "accesstoken"}, "GCP_ACCESS_TOKEN"),
    ],
)
def test_a_kind_without_its_credential(params: dict[str, str], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        auth.login(without_token(**params))


def test_no_default_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def default(scopes: list[str]) -> None:
        raise DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr("google.auth.default", default)
    with pytest.raises(MeshError, match="application-default login"):
        auth.login(without_token())


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("invalid_grant: Token has been expired or revoked.", "log in again"),
        ("invalid_grant: Invalid JWT: Token must be a short-lived token and in a reasonable timeframe", "clock"),
        ("HTTPSConnectionPool: connection refused", "network"),
    ],
)
def test_a_refused_login_is_one_clear_line(message: str, part: str) -> None:
    class Refused(Credentials):
        def refresh(self, request: object) -> None:
            raise RefreshError(message, {"error": "raw"})

    with pytest.raises(MeshError, match=part):
        auth.Login(Refused(), object, self_signed=False).access_token()


def test_a_missing_project_is_one_clear_line() -> None:
    with pytest.raises(MeshError, match=r"GCP_PROJECT"):
        auth.require_project({"project": ""})


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MISSING", "No module named 'google'")
    with pytest.raises(MeshError, match="Install"):
        auth.login(options())


def test_a_token_near_its_end_is_renewed_in_time() -> None:
    class Old(google.oauth2.credentials.Credentials):  # type: ignore[misc, unused-ignore]
        def refresh(self, request: object) -> None:
            self.token = "new"

    credentials = Old("old", refresh_token="r")  # type: ignore[no-untyped-call, unused-ignore]
    credentials.expiry = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=30)
    assert auth.Login(credentials, object, self_signed=False).access_token() == "new"
