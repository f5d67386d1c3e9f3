# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters placed, unplaced and placed_endpoints; each is documented in the YAML file of its name next to this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.mcistio.gke.plugins.module_utils._istio import placement


def _told(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The rule with its complaint as Ansible's kind of error."""

    def filtered(*arguments: Any, **options: Any) -> Any:
        try:
            return rule(*arguments, **options)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (
                str(error)
                if isinstance(error, ValueError)
                else f"the input is not a list of Kubernetes objects ({error!r})"
            )
            raise AnsibleFilterError(f"mcistio.gke.{_NAMES[rule]}: {reason}") from error

    return filtered


_NAMES: dict[Callable[..., Any], str] = {
    placement.placed: "placed",
    placement.unplaced: "unplaced",
    placement.endpoints: "placed_endpoints",
}


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {name: _told(rule) for rule, name in _NAMES.items()}
