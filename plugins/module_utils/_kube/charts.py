# SPDX-License-Identifier: GPL-3.0-or-later
"""Name and version of a chart, as far as they can be known without a network."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

try:
    import yaml
except ImportError:  # PyYAML comes with ansible-core; only sanity's import test lacks it
    yaml = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Chart:
    """What identifies a chart; an empty version means that any will do."""

    name: str
    version: str
    local: bool

    def is_installed(self, name: str, version: str) -> bool:
        """Whether a release of this chart and version satisfies what was asked for."""
        # helm accepts a leading v in a request that the chart itself may not have, and the other way round
        return self.name == name and (not self.version or self.version.removeprefix("v") == version.removeprefix("v"))


def chart_of(reference: str, version: str | None) -> Chart:
    """Identify a chart.

    Args:
        reference: a folder, a packed chart, ``repository/name``, a bare name (with a repository address), or ``oci://…``.
        version: the pinned version; of no meaning for local charts, which carry their own.
    """
    path = os.path.expanduser(reference)
    if os.path.isdir(path):
        return _described(_read(os.path.join(path, "Chart.yaml")), reference)
    if path.endswith(".tgz") and os.path.isfile(path):
        return _described(_read_packed(path), reference)
    if reference.startswith(("/", "./", "../", "~")):
        raise MeshError("read", f"chart {reference}", "there is no such folder or package on this machine")
    return Chart(reference.rstrip("/").rsplit("/", 1)[-1], version or "", local=False)


def _described(document: Any, reference: str) -> Chart:
    if not (isinstance(document, dict) and document.get("name") and document.get("version")):
        raise MeshError("read", f"chart {reference}", "its Chart.yaml has no name and version")
    return Chart(str(document["name"]), str(document["version"]), local=True)


def _read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, yaml.YAMLError) as error:
        raise MeshError("read", path, str(error), "A chart folder has a Chart.yaml.") from error


def _read_packed(path: str) -> Any:
    try:
        with tarfile.open(path) as package:
            member = next(
                (name for name in package.getnames() if name.count("/") == 1 and name.endswith("/Chart.yaml")), ""
            )
            file = package.extractfile(member) if member else None
            return yaml.safe_load(file.read()) if file else None
    except (OSError, tarfile.TarError, yaml.YAMLError) as error:
        raise MeshError("read", path, str(error), "It should be a packed Helm chart.") from error
