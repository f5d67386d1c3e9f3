# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection's artifact, install it into an empty tree and render the documentation of all that is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.tools.hygiene import CHECKOUT

SHIPPED_TOP = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "COPYING",
    "FILES.json",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "REUSE.toml",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}
"""What may stand at the top of the artifact."""
PLUGIN_KINDS = {"modules": "module", "filter": "filter", "inventory": "inventory", "lookup": "lookup"}


class Broken(Exception):
    """The artifact is not what it should be; the text is one line."""


def _call(*command: str, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """Build the artifact and check what stands at its top."""
    _call("ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder), str(CHECKOUT))
    (artifact,) = folder.glob("mcistio-gke-*.tar.gz")
    with tarfile.open(artifact) as archive:
        strays = {name.split("/")[0] for name in archive.getnames()} - SHIPPED_TOP
    if strays:
        raise Broken(f"The artifact ships {', '.join(sorted(strays))}: add it to build_ignore in galaxy.yml.")
    return artifact


def install(artifact: Path, folder: Path) -> Path:
    """Install the artifact into an empty tree; the collection's folder in it."""
    _call("ansible-galaxy", "collection", "install", "--no-deps", "--offline", "-p", str(folder), str(artifact))
    return folder / "ansible_collections" / "mcistio" / "gke"


def undocumented(collection: Path, environment: Mapping[str, str]) -> list[str]:
    """Plugins and roles whose documentation does not render from the installed collection."""
    missing = []
    for folder, kind in PLUGIN_KINDS.items():
        names = {path.stem for path in (collection / "plugins" / folder).glob("*.py") if path.stem != "__init__"}
        missing += _unrendered(kind, {f"mcistio.gke.{name}" for name in names}, environment)
    roles = {f"mcistio.gke.{path.parent.name}" for path in (collection / "roles").glob("*/meta")}
    return missing + _unrendered("role", roles, environment)


def _unrendered(kind: str, names: set[str], environment: Mapping[str, str]) -> list[str]:
    if not names:
        return []
    found = json.loads(_call("ansible-doc", "--json", "-t", kind, *sorted(names), environment=environment))
    return [f"{kind} {name}" for name in sorted(names) if not found.get(name)]


def main() -> int:
    """Exit status 0 when the artifact builds, installs and explains itself."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "tree"
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ANSIBLE_CONFIG")}
        environment = kept | {"ANSIBLE_COLLECTIONS_PATH": str(empty), "ANSIBLE_CONFIG": os.devnull}
        try:
            collection = install(build(Path(folder)), empty)
            missing = undocumented(collection, environment)
        except Broken as broken:
            print(broken)
            return 1
    if missing:
        print(f"No documentation renders for: {', '.join(missing)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
