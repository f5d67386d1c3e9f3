# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be shown: before and after of an object with every secret value hidden, but the fact of a change kept."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._kube.fields import without_noise

Object = dict[str, Any]

SECRET_KEY = re.compile(r"passw|token|secret|private.?key|api.?key|credential", re.IGNORECASE)
HIDDEN, HIDDEN_BEFORE, HIDDEN_AFTER = "(hidden)", "(hidden, before)", "(hidden, after)"


def object_diff(header: str, before: Object | None, after: Object | None) -> dict[str, Any]:
    """One entry of Ansible's ``diff``: objects without server noise, secret values hidden. None means: not there."""
    shown = [without_noise(obj) if obj else {} for obj in (before, after)]
    if any(obj.get("kind") == "Secret" for obj in shown):
        _hide_data(*shown)
    return {"before": shown[0], "after": shown[1], "before_header": header, "after_header": header}


def _hide_data(before: Object, after: Object) -> None:
    old, new = before.get("data") or {}, after.get("data") or {}
    for key in {*old, *new}:
        same = old.get(key) == new.get(key)
        if key in old:
            old[key] = HIDDEN if same else HIDDEN_BEFORE
        if key in new:
            new[key] = HIDDEN if same else HIDDEN_AFTER
    for obj in (before, after):
        # kubectl keeps a whole copy of what it applied, values included
        (obj.get("metadata", {}).get("annotations") or {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)


def masked(values: Any) -> Any:
    """Chart values with the strings under secret-looking keys hidden."""
    if isinstance(values, dict):
        return {key: _masked_under(str(key), value) for key, value in values.items()}
    if isinstance(values, list):
        return [masked(item) for item in values]
    return values


def _masked_under(key: str, value: Any) -> Any:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" and SECRET_KEY.search(key):
        return HIDDEN
    return masked(value)
