# SPDX-License-Identifier: GPL-3.0-or-later
"""GKE's version words: exact versions, prefixes and aliases. Pure."""

from __future__ import annotations

import re
from typing import Any

ALIASES = frozenset({"latest", "-", ""})
"""Words for "the service chooses": good for creating, never a wish to upgrade."""


def key(version: str) -> tuple[int, ...]:
    """Sort key: the numbers in the version (``1.33.5-gke.1162000`` → 1, 33, 5, 1162000)."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def matches(wanted: str, actual: str) -> bool:
    """Whether a version is the wanted one or one that the wanted prefix (``1.33``, ``1.33.5``) stands for."""
    return wanted in ALIASES or actual == wanted or actual.startswith((f"{wanted}.", f"{wanted}-"))


def is_newer(one: str, other: str) -> bool:
    """Whether ``one`` comes after ``other``, as far as that says: a prefix is not older than what it stands for."""
    wanted = key(other)
    return key(one)[: len(wanted)] > wanted


def offered(server_config: dict[str, Any], channel: str = "") -> list[str]:
    """Control-plane versions that the service offers in a location, newest first; of one channel when it is named."""
    found: list[str] = []
    for entry in server_config.get("channels") or []:
        if channel and str(entry.get("channel", "")).upper() == channel.upper():
            found += entry.get("validVersions") or []
    found = found or list(server_config.get("validMasterVersions") or [])
    return sorted(set(found), key=key, reverse=True)
