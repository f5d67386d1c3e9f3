# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees every HTTP request of this process as it leaves, and can end the process at one of them.

One patch sits where requests hands over to the network, below both the module's own transport and google-auth's;
another where our way to API servers hands over to the kubernetes client. How often a run looks at an operation until
that is done depends on the machine; here it always looks once, and that look takes as long as the operation. Only a
run that dies of its look does not wait.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport
from requests.adapters import HTTPAdapter

BEFORE, AFTER = "before", "after"
"""The request never reached the server; the server has answered, but nobody saw it."""

LOOK_SECONDS = 0.01


@contextmanager
def tapped(told: Callable[[str, str], None], *, position: int = 0, when: str = BEFORE) -> Iterator[None]:
    """Tell method and path of every request inside, and kill this process at the one of that position (from 1)."""
    send, once, count = HTTPAdapter.send, HttpTransport._once, 0

    def leaves(method: str, path: str) -> None:
        nonlocal count
        count += 1
        told(method, path)
        if count == position and when == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)

    def answered() -> None:
        if count == position:
            os.kill(os.getpid(), signal.SIGKILL)

    def tapped_once(transport: HttpTransport, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        leaves(method, path)
        answer = once(transport, method, path, *arguments, **options)
        answered()
        return answer

    def tapped_send(adapter: HTTPAdapter, request: Any, *arguments: Any, **options: Any) -> Any:
        leaves(str(request.method), urlsplit(str(request.url)).path)
        reply = send(adapter, request, *arguments, **options)
        answered()
        while _is_look(request) and reply.ok and reply.json()["status"] != "DONE":
            time.sleep(LOOK_SECONDS)
            reply = send(adapter, request, *arguments, **options)
        return reply

    with mock.patch.object(HTTPAdapter, "send", tapped_send), mock.patch.object(HttpTransport, "_once", tapped_once):
        yield


def _is_look(request: Any) -> bool:
    """A look at one operation of the Container API."""
    return (
        request.method == "GET"
        and re.search(r"/v1/projects/[^/]+/locations/[^/]+/operations/", request.url) is not None
    )
