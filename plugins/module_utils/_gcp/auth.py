# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to Google: the options, the credentials behind them, and bearer tokens from those."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import open_session

try:
    import cryptography.exceptions
    import google.auth
    import google.auth.compute_engine
    import google.auth.credentials
    import google.auth.crypt
    import google.auth.exceptions
    import google.auth.jwt
    import google.auth.transport.requests
    import google.oauth2.credentials
    import google.oauth2.service_account
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    MISSING = ""
    _BAD_KEY = (
        ValueError, TypeError, cryptography.exceptions.UnsupportedAlgorithm, cryptography.exceptions.InvalidSignature
    )  # fmt: skip
except ImportError as _error:
    MISSING = str(_error)

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
USERINFO_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
"""Without this scope a GKE API server sees the numeric id of a service account in place of its e-mail address."""
KUBERNETES_SCOPES = (CLOUD_PLATFORM, USERINFO_EMAIL)

AUTH_SPEC: dict[str, Any] = {
    "project": {"type": "str", "fallback": (env_fallback, ["GCP_PROJECT"])},
    "auth_kind": {
        "type": "str",
        "choices": ["application", "serviceaccount", "accesstoken", "machineaccount"],
        "fallback": (env_fallback, ["GCP_AUTH_KIND"]),
    },
    "service_account_file": {"type": "path", "fallback": (env_fallback, ["GCP_SERVICE_ACCOUNT_FILE"])},
    "service_account_contents": {
        "type": "jsonarg",
        "no_log": True,
        "fallback": (env_fallback, ["GCP_SERVICE_ACCOUNT_CONTENTS"]),
    },
    "service_account_email": {"type": "str", "fallback": (env_fallback, ["GCP_SERVICE_ACCOUNT_EMAIL"])},
    "access_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["GCP_ACCESS_TOKEN"])},
    "scopes": {"type": "list", "elements": "str", "fallback": (env_fallback, ["GCP_SCOPES"])},
    "container_endpoint": {
        "type": "str",
        "default": "https://container.googleapis.com",
        "fallback": (env_fallback, ["GKE_MESH_CONTAINER_ENDPOINT"]),
    },
    "compute_endpoint": {
        "type": "str",
        "default": "https://compute.googleapis.com",
        "fallback": (env_fallback, ["GKE_MESH_COMPUTE_ENDPOINT"]),
    },
}
"""Options of doc fragment ``mcistio.gke.gcp``; names and environment variables are those of google.cloud."""

_KEY_OPTIONS = (
    "auth_kind", "service_account_file", "service_account_contents", "service_account_email", "access_token", "scopes",
)  # fmt: skip
_LOGINS: dict[str, Login] = {}


class Login:
    """Credentials of one identity, and the tokens fetched with them so far (one of each kind, renewed when stale).

    Args:
        credentials: any google-auth credentials object.
        fetch: how google-auth reaches token endpoints (``google.auth.transport.Request``).
        self_signed: whether requests to Google's APIs may carry a JWT signed on this machine, which costs no request.
    """

    def __init__(self, credentials: Any, fetch: Callable[[], Any], *, self_signed: bool) -> None:
        self._credentials = credentials
        self._fetch = fetch
        self._self_signed = self_signed
        self._signed: dict[str, Any] = {}

    def api_token(self, audience: str) -> str:
        """Bearer token for one of Google's own APIs.

        Args:
            audience: the API's canonical address, for example ``https://container.googleapis.com/``.
        """
        if not self._self_signed:
            return self.access_token()
        if audience not in self._signed:
            self._signed[audience] = google.auth.jwt.Credentials.from_signing_credentials(self._credentials, audience)
        return self._usable(self._signed[audience])

    def access_token(self) -> str:
        """OAuth access token; the only kind a GKE API server takes."""
        return self._usable(self._credentials)

    def renew(self) -> bool:
        """Forget what an API has just refused; False when nothing else can be tried."""
        if self._self_signed:
            # an organisation may refuse self-signed tokens: a fetched one is the next best
            self._self_signed = False
            return True
        if isinstance(self._credentials, google.oauth2.credentials.Credentials) and not self._credentials.refresh_token:
            return False
        self._credentials.token = None
        return True

    def _usable(self, credentials: Any) -> str:
        """The token of credentials, refreshed when stale.

        ``before_request`` would do this too, but it also starts a thread that asks another API for allowed regions.
        """
        try:
            if not credentials.valid:
                credentials.refresh(self._fetch())
        except google.auth.exceptions.GoogleAuthError as error:
            raise MeshError("log in to", "Google Cloud", _words(error), _login_hint(error)) from error
        held = credentials.token
        return held.decode() if isinstance(held, bytes) else str(held)  # a signed JWT comes as bytes


def login(params: dict[str, Any]) -> Login:
    """The identity that the options name; the same object for the same options, so that a run fetches one token.

    Raises:
        MeshError: a library, file or default credential is missing or malformed.
    """
    if MISSING:
        raise MeshError(
            "load", "google-auth", MISSING, "Install it into the Python that runs this task: google-auth[requests]."
        )
    key = json.dumps([params.get(option) for option in _KEY_OPTIONS], sort_keys=True)
    if key not in _LOGINS:
        _LOGINS[key] = _log_in(params)
    return _LOGINS[key]


def token(params: dict[str, Any]) -> str:
    """A fresh OAuth access token for the identity in the options, good for Google's APIs and for GKE's API servers."""
    return login(params).access_token()


def require_project(params: dict[str, Any]) -> str:
    """The project in the options, or an error that says how to give one."""
    project = params.get("project")
    if not project:
        raise MeshError(
            "choose", "a Google Cloud project", "none was given",
            "Set option project (in the roles: gke_project) or the environment variable GCP_PROJECT.",
        )  # fmt: skip
    return str(project)


def auth_kind(params: dict[str, Any]) -> str:
    """The kind of login: as asked, else the one that the other options imply."""
    if params.get("auth_kind"):
        return str(params["auth_kind"])
    if params.get("access_token"):
        return "accesstoken"
    if params.get("service_account_contents") or params.get("service_account_file"):
        return "serviceaccount"
    return "application"


def _log_in(params: dict[str, Any]) -> Login:
    make = {
        "application": _application,
        "serviceaccount": _service_account,
        "accesstoken": _given_token,
        "machineaccount": _machine_account,
    }[auth_kind(params)]
    scopes = list(params.get("scopes") or KUBERNETES_SCOPES)
    try:
        credentials = make(params, scopes)
    except google.auth.exceptions.GoogleAuthError as error:
        raise MeshError("log in to", "Google Cloud", _words(error), _login_hint(error)) from error
    is_key = isinstance(credentials, google.oauth2.service_account.Credentials)
    return Login(credentials, _token_transport, self_signed=is_key and not params.get("scopes"))


def _token_transport() -> Any:
    return google.auth.transport.requests.Request(open_session())


def _application(_params: dict[str, Any], scopes: list[str]) -> Any:
    key = _application_key()
    if key is not None:
        return _credentials("the service account key in GOOGLE_APPLICATION_CREDENTIALS", key, scopes)
    credentials, _project = google.auth.default(scopes=scopes)
    return credentials


def _application_key() -> dict[str, Any] | None:
    """A service account's key that the environment names: read here, for the library takes 40 ms to check it."""
    try:
        with open(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or os.devnull, encoding="utf-8") as file:
            held = json.load(file)
    except (OSError, ValueError):
        return None  # the library finds the words for that
    return held if isinstance(held, dict) and held.get("type") == "service_account" else None


def _service_account(params: dict[str, Any], scopes: list[str]) -> Any:
    if params.get("service_account_contents"):
        source, text = "option service_account_contents", params["service_account_contents"]
    elif params.get("service_account_file"):
        source = f"service account file {params['service_account_file']}"
        text = _read(source, params["service_account_file"])
    else:
        raise MeshError(
            "log in to", "Google Cloud", "auth_kind is serviceaccount but no key was given",
            "Set service_account_file or service_account_contents.",
        )  # fmt: skip
    return _credentials(source, text, scopes)


def _given_token(params: dict[str, Any], _scopes: list[str]) -> Any:
    if not params.get("access_token"):
        raise MeshError(
            "log in to", "Google Cloud", "auth_kind is accesstoken but no access_token was given",
            "Set option access_token or GCP_ACCESS_TOKEN.",
        )  # fmt: skip
    return google.oauth2.credentials.Credentials(params["access_token"])


def _machine_account(params: dict[str, Any], scopes: list[str]) -> Any:
    return google.auth.compute_engine.Credentials(params.get("service_account_email") or "default", scopes=scopes)


def _read(source: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        answer = getattr(error, "strerror", None) or "it is not a text file"
        raise MeshError(
            "read", source, answer, "Set service_account_file or GCP_SERVICE_ACCOUNT_FILE to a key file."
        ) from error


def _credentials(source: str, text: Any, scopes: list[str]) -> Any:
    """Credentials from a key; never with a part of it in an error, for it is a secret."""
    try:
        key = text if isinstance(text, dict) else json.loads(text)
    except ValueError as error:
        raise MeshError("read", source, "it is not JSON", "It must hold the JSON key of a service account.") from error
    missing = [
        name for name in ("client_email", "private_key", "token_uri") if not isinstance(key, dict) or not key.get(name)
    ]
    if missing:
        raise MeshError(
            "read", source, f"it is no service account key: {', '.join(missing)} missing",
            "User credentials belong into GOOGLE_APPLICATION_CREDENTIALS with auth_kind application.",
        )  # fmt: skip
    try:
        private = serialization.load_pem_private_key(
            str(key["private_key"]).encode(), None, unsafe_skip_rsa_key_validation=True
        )
    except _BAD_KEY as error:
        raise _unreadable(source) from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise _unreadable(source)
    return google.oauth2.service_account.Credentials(
        _Signer(source, private, key.get("private_key_id")), key["client_email"], key["token_uri"], scopes=scopes,
        project_id=key.get("project_id"),
        universe_domain=key.get("universe_domain") or google.auth.credentials.DEFAULT_UNIVERSE_DOMAIN,
    )  # fmt: skip


class _Signer(google.auth.crypt.RSASigner if not MISSING else object):  # type: ignore[misc]
    """Signs with an RSA key, and lets its public half confirm every signature.

    That is how a damaged key is found. The library's own way, a check of the primes when it loads a key, takes 40 ms:
    with a hundred clusters more than all the rest of a run that has nothing to do.
    """

    def __init__(self, source: str, key: Any, key_id: str | None) -> None:
        super().__init__(key, key_id)
        self._source = source
        self._public = key.public_key()

    def sign(self, message: bytes) -> bytes:
        """The signature; raises MeshError for a key whose halves do not belong together."""
        try:
            signature: bytes = super().sign(message)
            self._public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except _BAD_KEY as error:
            raise _unreadable(self._source) from error
        return signature


def _unreadable(source: str) -> MeshError:
    return MeshError("read", source, "its private_key cannot be read", "Download the key again.")


def _words(error: Exception) -> str:
    """What google-auth says, without the raw response that it appends."""
    return str(error.args[0]) if error.args else type(error).__name__


def _login_hint(error: Exception) -> str:
    text = str(error)
    if "invalid_grant" in text and ("short-lived" in text or "iat and exp" in text):
        return "The clock of this machine is wrong."
    if "invalid_grant" in text or "Reauthentication" in text:
        return (
            "The credentials have expired or were revoked: "
            "log in again (gcloud auth application-default login) or make a new key."
        )
    if "default credentials" in text:
        return (
            "Run 'gcloud auth application-default login', "
            "or set GOOGLE_APPLICATION_CREDENTIALS or option service_account_file."
        )
    return "Check the network, the proxy and the key."
