# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks in their order, from the API servers up to a request of a user."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks import control_plane, data_plane, traffic
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.base import Check
from ansible_collections.mcistio.gke.plugins.module_utils._istio.checks.credential import credential

API = Check("L0", "api", control_plane.api)
LADDER: tuple[Check, ...] = (
    Check("L1", "credential", credential),
    Check("L2", "names", control_plane.names),
    Check("L3", "istiod", control_plane.view),
    Check("L4", "trust", control_plane.trusted),
    Check("L5", "proxies", data_plane.proxies),
    Check("L6", "endpoints", data_plane.endpoints),
    Check("L7", "network", data_plane.network),
    Check("L8", "traffic", traffic.traffic),
)
