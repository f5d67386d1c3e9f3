# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance groups of node pools, as the Compute API knows them."""

from __future__ import annotations

from urllib.parse import urlsplit

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import COMPUTE, GoogleSession


def template_tags(session: GoogleSession, group_url: str) -> list[list[str]]:
    """Network tags of the machines that an instance group makes, a list a template; works with no machine running."""
    manager = session.call(
        "GET", COMPUTE, group_manager_path(group_url), doing="read", subject="an instance group manager"
    )
    urls = {manager.get("instanceTemplate"), *(one.get("instanceTemplate") for one in manager.get("versions") or ())}
    found = []
    for url in sorted(str(one) for one in urls if one):
        template = session.call(
            "GET", COMPUTE, _path(url), doing="read", subject=f"instance template {url.rsplit('/', 1)[-1]}"
        )
        found.append(list(((template.get("properties") or {}).get("tags") or {}).get("items") or []))
    return found


def group_manager_path(url: str) -> str:
    """Path of the manager of an instance group, from a node pool's ``instanceGroupUrls``."""
    return _path(url).replace("/instanceGroups/", "/instanceGroupManagers/")


def _path(url: str) -> str:
    """What follows the version in a resource's URL."""
    return urlsplit(url).path.split("/v1/", 1)[-1]
