# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated service-account key, and the tokens that it and the emulator make.

Access tokens carry their own content and a MAC made with a key derived from the service account's, so that they stay
valid when the process is restarted and need no table.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TOKEN_LIFETIME = 3600
"""Seconds."""
_CLOCK_SKEW = 300
_GOOGLE_TOKEN_URIS = (
    "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
)
"""google-auth names the first as audience, whatever ``token_uri`` a key file has."""
_TOKEN_PREFIX = "ya29.c."


def write_credentials(path: Path, token_uri: str, project: str) -> None:
    """Make a service account's key file as Google's console would: mode 0600, logs in at ``token_uri``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    email = f"gkelab@{project}.iam.gserviceaccount.com"
    content = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": secrets.token_hex(20),
        "private_key": pem.decode(),
        "client_email": email,
        "client_id": str(secrets.randbelow(9 * 10**20) + 10**20),
        "auth_uri": token_uri.rpartition("/")[0] + "/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    part.replace(path)


class BadToken(Exception):
    """A JWT or access token that is not to be trusted; the text is Google's short description."""


@dataclass(frozen=True)
class Identity:
    """Who a request comes from. ``name`` is what Kubernetes sees: a number unless the e-mail scope was asked for."""

    email: str
    unique_id: str
    scopes: frozenset[str]
    expires: float

    @property
    def name(self) -> str:
        return self.email if "https://www.googleapis.com/auth/userinfo.email" in self.scopes else self.unique_id


class Issuer:
    """Checks what is signed with the service account's key, and issues access tokens."""

    def __init__(self, credentials: Mapping[str, Any]) -> None:
        private = serialization.load_pem_private_key(credentials["private_key"].encode(), None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("credentials.json does not hold an RSA key")
        self._public = private.public_key()
        self._secret = hashlib.sha256(b"gkelab access token" + credentials["private_key"].encode()).digest()
        self.email: str = credentials["client_email"]
        self.unique_id: str = credentials["client_id"]
        self.token_uri: str = credentials["token_uri"]
        self._seen: dict[str, Identity] = {}

    def exchange(self, assertion: str, now: float) -> str:
        """Access token for a signed assertion (RFC 7523)."""
        claims = self._claims(assertion, now)
        if claims.get("aud") not in (self.token_uri, *_GOOGLE_TOKEN_URIS):
            raise BadToken("Invalid JWT: Failed audience check.")
        scope = str(claims.get("scope", ""))
        if not scope:
            raise BadToken("Invalid scope: a scope or target audience must be provided.")
        return self._access_token(scope, now)

    def identity(self, token: str, hosts: frozenset[str], now: float) -> Identity:
        """Holder of an access token or of a self-signed JWT for one of the ``hosts``; raises BadToken."""
        known = self._seen.get(token)
        if known is None:
            known = self.access(token, now) if token.startswith(_TOKEN_PREFIX) else self._signed(token, hosts, now)
            if len(self._seen) > 1000:
                self._seen.clear()
            self._seen[token] = known
        if known.expires < now:
            raise BadToken("Token has expired.")
        return known

    def access(self, token: str, now: float) -> Identity:
        """Holder of an access token; raises BadToken."""
        payload, _, mac = token.removeprefix(_TOKEN_PREFIX).partition(".")
        if not token.startswith(_TOKEN_PREFIX) or not hmac.compare_digest(mac, self._mac(payload)):
            raise BadToken("Invalid access token.")
        content = json.loads(_decode(payload))
        if content["exp"] < now:
            raise BadToken("Token has expired.")
        return Identity(self.email, self.unique_id, frozenset(content["scope"].split()), content["exp"])

    def _access_token(self, scope: str, now: float) -> str:
        content = {"scope": scope, "exp": now + TOKEN_LIFETIME, "n": secrets.token_hex(4)}
        payload = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
        return f"{_TOKEN_PREFIX}{payload}.{self._mac(payload)}"

    def _mac(self, payload: str) -> str:
        digest = hmac.new(self._secret, payload.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _signed(self, token: str, hosts: frozenset[str], now: float) -> Identity:
        claims = self._claims(token, now)
        scope = frozenset(str(claims.get("scope", "")).split())
        audience = str(claims.get("aud", ""))
        if not scope and audience.partition("://")[2].strip("/") not in hosts:
            raise BadToken("Invalid JWT: Failed audience check.")
        scopes = scope or frozenset({"https://www.googleapis.com/auth/cloud-platform"})
        return Identity(self.email, self.unique_id, scopes, float(claims["exp"]))

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        try:
            head, body, signature = token.split(".")
            header, claims = json.loads(_decode(head)), json.loads(_decode(body))
            raw = _decode(signature)
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (ValueError, KeyError, TypeError):
            raise BadToken("Invalid JWT.") from None
        if header.get("alg") != "RS256":
            raise BadToken("Invalid JWT: unsupported algorithm.")
        if claims.get("iss") != self.email:
            raise BadToken("Invalid grant: account not found")
        try:
            self._public.verify(raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise BadToken("Invalid JWT Signature.") from None
        if not issued - _CLOCK_SKEW <= now < expires or expires - issued > TOKEN_LIFETIME + _CLOCK_SKEW:
            raise BadToken(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim."
            )
        return dict(claims)


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
