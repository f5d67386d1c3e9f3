# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request that reached Google's endpoints, and counts of them."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

_KEPT = 20_000


class RequestLog:
    """The latest requests one by one, and all of them by kind (``container.clusters.get``, ``oauth.token``, …)."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._writes = 0

    def add(self, *, method: str, path: str, query: str, status: int, ms: float, kind: str, write: bool) -> None:
        """Count a request; status 0 means that it got no answer."""
        self._counts[kind] += 1
        self._writes += write
        self._entries.append(
            {
                "method": method,
                "path": path,
                "query": query,
                "status": status,
                "ms": round(ms, 2),
                "kind": kind,
                "write": write,
            }
        )

    def shown(self) -> dict[str, Any]:
        return {
            "total": self._counts.total(),
            "writes": self._writes,
            "counts": dict(self._counts),
            "requests": list(self._entries),
        }

    def clear(self) -> None:
        self._entries.clear()
        self._counts.clear()
        self._writes = 0
