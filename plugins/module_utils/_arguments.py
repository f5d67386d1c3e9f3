# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-core's own check of arguments stumbles over: ``maintenance: false`` where suboptions belong. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def misplaced(spec: Mapping[str, Any], given: Mapping[str, Any], where: str = "") -> list[str]:
    """Sentences about plain values in the place of suboptions, for which ansible-core ends with a TypeError.

    Args:
        spec: an argument specification.
        given: arguments as the user wrote them.
        where: path of the suboptions; for the recursion.
    """
    found: list[str] = []
    for name, option in spec.items():
        if "options" not in option:
            continue
        value, path = given.get(name), f"{where}{name}"
        listed = option["type"] == "list"
        entries = value if isinstance(value, list) and listed else [] if listed or value is None else [value]
        for entry in entries:
            if isinstance(entry, Mapping):
                found += misplaced(option["options"], entry, f"{path}.")
            elif not isinstance(entry, str):
                found.append(f"{path}: {entry!r} stands where a mapping of its suboptions belongs")
    return found
