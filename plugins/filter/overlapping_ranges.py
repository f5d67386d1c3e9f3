# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter overlapping_ranges: which of some named address ranges overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from itertools import combinations

from ansible.errors import AnsibleFilterError


def overlapping_ranges(ranges: Mapping[str, str]) -> list[str]:
    """Name every pair of ranges that share an address, as ``east (10.4.0.0/14) and west (10.6.0.0/16)``.

    Args:
        ranges: CIDR ranges by the names of their owners. A mere size (``/17``) is Google's to place and overlaps none.

    Raises:
        AnsibleFilterError: a range is none.
    """
    placed = {owner: text for owner, text in ranges.items() if text and not str(text).startswith("/")}
    try:
        networks = {owner: ip_network(text, strict=False) for owner, text in placed.items()}
    except ValueError as error:
        raise AnsibleFilterError(f"not an address range: {error}") from error
    return [
        f"{one} ({placed[one]}) and {other} ({placed[other]})"
        for one, other in combinations(sorted(networks), 2)
        if networks[one].overlaps(networks[other])
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[[Mapping[str, str]], list[str]]]:
        """The filter by its name."""
        return {"overlapping_ranges": overlapping_ranges}
