# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance groups of node pools."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._gcp import instance_groups

from tests.unit.plugins.fake_google import Call, Script, session


def test_tags_come_from_all_templates_of_a_group() -> None:
    base = "https://www.googleapis.com/compute/v1/"
    template = "projects/p/global/instanceTemplates/"
    manager = {"instanceTemplate": f"{base}{template}b", "versions": [{"instanceTemplate": f"{base}{template}a"}]}
    script = Script(
        Call("GET", "projects/p/zones/z/instanceGroupManagers/g", manager),
        Call("GET", f"{template}a", {"properties": {"tags": {"items": ["x"]}}}),
        Call("GET", f"{template}b", {"properties": {}}),
    )
    assert instance_groups.template_tags(session(script), f"{base}projects/p/zones/z/instanceGroups/g") == [["x"], []]
