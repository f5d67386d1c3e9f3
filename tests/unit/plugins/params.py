# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a module as Ansible would hand them over."""

from __future__ import annotations

from typing import Any


def defaults(core: Any, **given: Any) -> dict[str, Any]:
    """Every option of a core with its default, and what a test gives; other names are the test's mistake."""
    params = {name: option.get("default") for name, option in core.ARGUMENT_SPEC.items()}
    assert not set(given) - set(params), set(given) - set(params)
    return {**params, "project": "p", **given}
