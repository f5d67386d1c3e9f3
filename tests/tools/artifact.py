# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection's artifact, install it into an empty tree and render the documentation of all that is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
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
PREFIX = "mcistio.gke"
PLUGIN_KINDS = {"modules": "module", "inventory": "inventory", "lookup": "lookup"}
"""Folder of plugins/ and what ansible-doc calls its plugins, where a file is a plugin."""


class Broken(Exception):
    """The artifact is not what it should be; the text is one line."""


def _call(away: Path, *command: str) -> str:
    """Run a command where neither this checkout's ansible.cfg nor its collections are seen; what it printed."""
    hidden = ("PYTHONPATH", "ANSIBLE_CONFIG")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(away)
    done = subprocess.run(command, cwd=away, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(away: Path) -> Path:
    """Build the artifact and check what stands at its top."""
    _call(away, "ansible-galaxy", "collection", "build", "--output-path", str(away), str(CHECKOUT))
    (artifact,) = away.glob("mcistio-gke-*.tar.gz")
    with tarfile.open(artifact) as archive:
        strays = {name.split("/")[0] for name in archive.getnames()} - SHIPPED_TOP
    if strays:
        raise Broken(f"The artifact ships {', '.join(sorted(strays))}: add it to build_ignore in galaxy.yml.")
    return artifact


def install(artifact: Path, away: Path) -> Path:
    """Install the artifact where nothing else is; the collection's folder."""
    _call(away, "ansible-galaxy", "collection", "install", "--no-deps", "--offline", "-p", str(away), str(artifact))
    return away / "ansible_collections" / "mcistio" / "gke"


def undocumented(collection: Path, away: Path) -> list[str]:
    """Plugins and roles whose documentation does not render from the installed collection."""
    contents = {
        kind: {path.stem for path in (collection / "plugins" / folder).glob("*.py") if path.stem != "__init__"}
        for folder, kind in PLUGIN_KINDS.items()
    }
    # A file may hold several filters.
    contents["filter"] = set(json.loads(_call(away, "ansible-doc", "--json", "--list", "-t", "filter", PREFIX)))
    contents["role"] = {path.name for path in (collection / "roles").iterdir()}
    if not contents["module"]:
        raise Broken("The installed collection has no modules.")
    return [line for kind, names in contents.items() for line in _unrendered(kind, names, away)]


def _unrendered(kind: str, names: set[str], away: Path) -> list[str]:
    if not names:
        return []
    full = [f"{PREFIX}.{name.removeprefix(f'{PREFIX}.')}" for name in sorted(names)]
    found = json.loads(_call(away, "ansible-doc", "--json", "-t", kind, *full))
    return [f"{kind} {name}" for name in full if not found.get(name)]


def main() -> int:
    """Exit status 0 when the artifact builds, installs and explains itself."""
    with tempfile.TemporaryDirectory() as folder:
        away = Path(folder)
        try:
            missing = undocumented(install(build(away), away), away)
        except Broken as broken:
            print(broken)
            return 1
    if missing:
        print(f"No documentation renders for: {', '.join(missing)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
