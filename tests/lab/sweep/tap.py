# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees every HTTP request of this process as it leaves, and can end the process at one of them.

The patch sits where requests hands over to the network, below both the module's own transport and google-auth's. How
often a run looks at an operation until that is done depends on the machine; here it always looks once, and that look
takes as long as the operation. Only a run that dies of its look does not wait.
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

from requests.adapters import HTTPAdapter

BEFORE, AFTER = "before", "after"
"""The request never reached the server; the server has answered, but nobody saw it."""

LOOK_SECONDS = 0.01


@contextmanager
def tapped(told: Callable[[str, str], None], *, position: int = 0, when: str = BEFORE) -> Iterator[None]:
    """Tell method and path of every request inside, and kill this process at the one of that position (from 1)."""
    send, count = HTTPAdapter.send, 0

    def tapped_send(adapter: HTTPAdapter, request: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        told(str(request.method), urlsplit(str(request.url)).path)
        if count == position and when == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        reply = send(adapter, request, *arguments, **options)
        if count == position:
            os.kill(os.getpid(), signal.SIGKILL)
        while _is_look(request) and reply.ok and reply.json()["status"] != "DONE":
            time.sleep(LOOK_SECONDS)
            reply = send(adapter, request, *arguments, **options)
        return reply

    with mock.patch.object(HTTPAdapter, "send", tapped_send):
        yield


def _is_look(request: Any) -> bool:
    """A look at one operation of the Container API."""
    return (
        request.method == "GET"
        and re.search(r"/v1/projects/[^/]+/locations/[^/]+/operations/", request.url) is not None
    )
