# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of mesh_info: the module's work inside Ansible's worker."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_info
from ansible_collections.mcistio.gke.plugins.plugin_utils._action import InProcessAction


class ActionModule(InProcessAction):
    """Wiring only."""

    CORE: ClassVar[Any] = mesh_info
