# SPDX-License-Identifier: GPL-3.0-or-later
"""What every request to Google's endpoints passes: the request log, injected faults, and the check of its token."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gkelab.api.faults import Faults
from gkelab.api.requestlog import RequestLog
from gkelab.model import injected
from gkelab.model.credentials import BadToken, Issuer
from gkelab.model.errors import ApiError, error_info

KIND = "gkelab.kind"
"""Key of the request's kind in its ASGI scope, set by the handler."""

_GUARDED = ("/v1/", "/compute/")
_SCOPES = frozenset(f"https://www.googleapis.com/auth/{name}" for name in ("cloud-platform", "compute", "container"))
_READ_SCOPES = frozenset(
    f"https://www.googleapis.com/auth/{name}"
    for name in ("cloud-platform.read-only", "compute.readonly", "container.read-only")
)


class Gate:
    """ASGI middleware; must stand outermost, since dropping a connection needs the server's own ``send``."""

    def __init__(self, app: ASGIApp, *, issuer: Issuer, hosts: frozenset[str], faults: Faults, log: RequestLog) -> None:
        self._app = app
        self._issuer = issuer
        self._hosts = hosts
        self._faults = faults
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if scope["type"] != "http" or path.startswith("/lab/"):
            await self._app(scope, receive, send)
            return
        started, reply = time.monotonic(), _Reply(send)
        try:
            await self._handle(scope, receive, reply)
        finally:
            write = scope["method"] not in ("GET", "HEAD") and path.startswith(_GUARDED) and not path.endswith("/wait")
            self._log.add(
                method=scope["method"],
                path=path,
                query=scope["query_string"].decode(),
                status=reply.status,
                ms=(time.monotonic() - started) * 1000,
                kind=scope.get(KIND, "other"),
                write=write,
            )

    async def _handle(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        actions = self._faults.actions(scope["method"], scope["path"])
        if "delay" in actions:
            await asyncio.sleep(float(actions["delay"]))
        if actions.get("drop") == "before":
            await reply.drop()
            return
        error: dict[str, Any] = actions.get("error") or {}
        if error and not error.get("after"):
            scope[KIND] = "fault"
            await _injected_error(error)(scope, receive, reply.send)
            return
        reply.merge = actions.get("merge")
        reply.muted = bool(error) or actions.get("drop") == "after"
        token = injected.actions.set(actions)
        try:
            await self._admit(scope, receive, reply)
        finally:
            injected.actions.reset(token)
        if actions.get("drop") == "after":
            await reply.drop()
        elif error:
            reply.muted, reply.merge = False, None
            await _injected_error(error)(scope, receive, reply.send)

    async def _admit(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        try:
            if scope["path"].startswith(_GUARDED):
                self._check_token(scope)
        except ApiError as error:
            compute = scope["path"].startswith("/compute/")
            await JSONResponse(error.body(compute=compute), error.code, error.headers)(scope, receive, reply.send)
            return
        await self._app(scope, receive, reply.send)

    def _check_token(self, scope: Scope) -> None:
        header = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode("latin-1")
        scheme, _, token = header.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise unauthenticated("Request is missing required authentication credential.", "CREDENTIALS_MISSING")
        try:
            identity = self._issuer.identity(token.strip(), self._hosts, time.time())
        except BadToken:
            raise unauthenticated("Request had invalid authentication credentials.", "ACCESS_TOKEN_EXPIRED") from None
        enough = _SCOPES | _READ_SCOPES if scope["method"] == "GET" else _SCOPES
        if not identity.scopes & enough:
            raise ApiError(
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                reason="insufficientPermissions",
                details=[error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com")],
            )


def unauthenticated(what: str, reason: str) -> ApiError:
    """Google's 401."""
    return ApiError(
        "UNAUTHENTICATED",
        f"{what} Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        details=[error_info(reason, "googleapis.com")],
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def _injected_error(error: dict[str, Any]) -> Response:
    body, headers = error.get("body", ""), error.get("headers") or {}
    if isinstance(body, str):
        return Response(body, error["status"], headers, "text/html; charset=UTF-8")
    return JSONResponse(body, error["status"], headers)


class _Reply:
    """The way back to the client: passes on, mutes or changes the answer, and knows its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self.status = 0
        self.muted = False
        self.merge: dict[str, Any] | None = None

    async def send(self, message: Message) -> None:
        if self.muted:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.merge is not None:
                self._start = message
                return
        elif self.merge is not None and self._start is not None:
            message = self._merged(message)
            await self._send(self._start)
        await self._send(message)

    def _merged(self, message: Message) -> Message:
        """Our handlers answer in one piece, so that this is the whole body."""
        body = json.dumps(_laid_over(json.loads(message["body"]), self.merge)).encode()
        assert self._start is not None
        headers = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
        self._start["headers"] = [*headers, (b"content-length", str(len(body)).encode())]
        return {**message, "body": body}

    async def drop(self) -> None:
        """Close the connection without an answer. ASGI has no word for this: uvicorn's ``send`` is a bound method of
        the object that holds the transport."""
        self.status = 0
        cycle: Any = getattr(self._send, "__self__")  # noqa: B009
        cycle.transport.abort()
        # The server learns of the loss in its next turn; only then may the application return.
        while not cycle.disconnected:
            await asyncio.sleep(0)


def _laid_over(base: Any, patch: Any) -> Any:
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{key: _laid_over(base.get(key), value) for key, value in patch.items()}}
    return patch
