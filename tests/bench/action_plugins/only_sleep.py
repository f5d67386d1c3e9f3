# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that takes any options and only sleeps: what Ansible itself holds for every host that waits."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

SECONDS = 20.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """Sleeps."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point."""
        time.sleep(SECONDS)
        return {"changed": False}
