# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of mesh_objects: the module's work inside Ansible's worker."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_objects
from ansible_collections.mcistio.gke.plugins.plugin_utils._action import InProcessAction


class ActionModule(InProcessAction):
    """Wiring only."""

    CORE: ClassVar[Any] = mesh_objects
