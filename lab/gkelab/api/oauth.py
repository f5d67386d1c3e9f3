# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth 2 token endpoint, token and user information, and TokenReview for the clusters' API servers."""

from __future__ import annotations

import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gkelab.api.gate import KIND
from gkelab.model.credentials import TOKEN_LIFETIME, BadToken, Issuer
from gkelab.model.store import JSON

ADMINS = "lab:container-admins"
"""Group of whoever may administer every cluster; stands for IAM's role container.admin."""

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuth:
    """The endpoints, over one issuer."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def routes(self) -> list[Route]:
        return [
            Route("/token", self.token, methods=["POST"]),
            Route("/tokeninfo", self.token_info, methods=["GET", "POST"]),
            Route("/oauth2/v3/userinfo", self.user_info, methods=["GET"]),
            *self.review_routes(),
        ]

    def review_routes(self) -> list[Route]:
        return [Route("/lab/tokenreview", self.review, methods=["POST"])]

    async def token(self, request: Request) -> JSONResponse:
        """RFC 7523: an access token for a signed assertion."""
        request.scope[KIND] = "oauth.token"
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if form.get("grant_type") != [_GRANT]:
            return _refusal("unsupported_grant_type", "Invalid grant_type")
        try:
            token = self._issuer.exchange(form.get("assertion", [""])[0], time.time())
        except BadToken as error:
            return _refusal("invalid_grant", str(error))
        return JSONResponse({"access_token": token, "expires_in": TOKEN_LIFETIME - 1, "token_type": "Bearer"})

    async def token_info(self, request: Request) -> JSONResponse:
        request.scope[KIND] = "oauth.tokeninfo"
        token = request.query_params.get("access_token", "")
        try:
            holder = self._issuer.access(token, time.time())
        except BadToken:
            return JSONResponse({"error": "invalid_token", "error_description": "Invalid Value"}, 400)
        return JSONResponse(
            {
                "azp": holder.unique_id,
                "aud": holder.unique_id,
                "scope": " ".join(sorted(holder.scopes)),
                "exp": str(int(holder.expires)),
                "expires_in": str(int(holder.expires - time.time())),
                "email": holder.email,
                "email_verified": "true",
                "access_type": "online",
            }
        )

    async def user_info(self, request: Request) -> JSONResponse:
        request.scope[KIND] = "oauth.userinfo"
        try:
            holder = self._issuer.access(_bearer(request), time.time())
        except BadToken:
            return JSONResponse({"error": "invalid_request", "error_description": "Invalid Credentials"}, 401)
        return JSONResponse({"sub": holder.unique_id, "email": holder.email, "email_verified": True})

    async def review(self, request: Request) -> JSONResponse:
        """authentication.k8s.io/v1 TokenReview: who an access token stands for in every cluster."""
        review: JSON = await request.json()
        token = str(review.get("spec", {}).get("token", ""))
        try:
            holder = self._issuer.access(token, time.time())
        except (BadToken, ValueError):
            return JSONResponse(_reviewed({"authenticated": False, "error": "invalid bearer token"}))
        groups = ["system:authenticated", ADMINS]
        user = {"username": holder.name, "uid": holder.unique_id, "groups": groups}
        return JSONResponse(_reviewed({"authenticated": True, "user": user}))


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _refusal(error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, 400)


def _reviewed(status: JSON) -> JSON:
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
