# SPDX-License-Identifier: GPL-3.0-or-later
"""Between HTTP and handlers: reading bodies, answering, and Google's two error shapes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gkelab.api.gate import KIND
from gkelab.model.errors import ApiError, error_info, invalid
from gkelab.model.store import JSON

Handler = Callable[[Request], Awaitable[JSON]]


async def json_body(request: Request) -> JSON:
    """The request's JSON object; nothing sent is an empty one. Raises ApiError."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}.") from None
    if not isinstance(body, dict):
        raise invalid('Invalid JSON payload received. Unknown name "": Root element must be a message.')
    return body


def route(method: str, path: str, kind: str, handler: Handler, *, compute: bool = False) -> Route:
    """A route whose refusals are answered in the API's own shape."""

    async def endpoint(request: Request) -> Response:
        request.scope[KIND] = kind
        try:
            return JSONResponse(await handler(request))
        except ApiError as error:
            return JSONResponse(error.body(compute=compute), error.code, error.headers)

    return Route(path, endpoint, methods=[method])


def check_project(project: str, permission: str, *, compute: bool = False) -> None:
    """Refuse projects that do not exist: here, those whose id begins with ``no-``."""
    if not project.startswith("no-"):
        return
    if compute:
        raise ApiError("NOT_FOUND", f"The resource 'projects/{project}' was not found")
    raise ApiError(
        "PERMISSION_DENIED",
        f'Required "{permission}" permission(s) for "projects/{project}".',
        details=[error_info("IAM_PERMISSION_DENIED", "iam.googleapis.com", permission=permission)],
    )


def listing(kind: str, project: str, path: str, items: list[JSON], link: str) -> JSON:
    """A Compute list; ``items`` is left out when there are none."""
    answer: JSON = {"kind": kind, "id": f"projects/{project}/{path}", "selfLink": link}
    if items:
        answer["items"] = items
    return answer


def page(items: list[Any], request: Request) -> tuple[list[Any], str]:
    """(items of the page, token of the next) by maxResults or pageSize, and pageToken. Raises ApiError."""
    query = request.query_params
    size, token = query.get("maxResults") or query.get("pageSize") or "500", query.get("pageToken") or "0"
    if not size.isdigit() or not token.isdigit():
        raise ApiError("INVALID_ARGUMENT", f"Invalid value for field 'pageToken': '{token}'.", reason="invalid")
    start, end = int(token), int(token) + (int(size) or 500)
    return items[start:end], str(end) if end < len(items) else ""
