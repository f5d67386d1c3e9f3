# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` on what the collection ships, on a machine that reaches nothing but a Python package index.

ansible-test wants three things that a checkout does not give it: to lie in an ansible_collections tree for real (a
link will not do), pip from a download of its own, and interpreters that are not pyenv's shims. So the shipped files
are copied, a stand-in in ansible-test's cache takes pip out of the interpreter's own bundle, and the interpreters' real
folders go on PATH. Its home folder is ours, so that neither its caches nor the stand-in meet those of the person.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.tools.hygiene import CHECKOUT, tracked

SHIPPED = ("changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests/sanity")
SHIPPED_FILES = ("CHANGELOG.md", "README.md", "galaxy.yml", "tests/config.yml")
PIP_STAND_IN = """\
import ensurepip, pathlib, runpy, sys
wheel = next((pathlib.Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
sys.path.insert(0, str(wheel))
sys.argv = ["pip", "install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
STAND_IN_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")


def is_shipped(path: Path) -> bool:
    """Whether a file of the checkout is one that sanity tests look at."""
    return str(path) in SHIPPED_FILES or any(path.is_relative_to(folder) for folder in SHIPPED)


def copy(target: Path) -> None:
    """Make target hold the shipped files and nothing else."""
    shutil.rmtree(target, ignore_errors=True)
    for path in filter(is_shipped, tracked(CHECKOUT)):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / path, target / path)


def make_home(home: Path) -> None:
    """A home folder for ansible-test: its pip stand-in, and the person's pip settings and download cache."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in STAND_IN_NAMES:
        (cache / name).write_text(PIP_STAND_IN, encoding="utf-8")
    for shared in (".config/pip", ".pip", ".cache/pip"):
        theirs, ours = Path.home() / shared, home / shared
        if theirs.exists() and not ours.is_symlink():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs)


def search_path(path: str) -> str:
    """PATH with pyenv's shims replaced by the folders of its interpreters."""
    folders = [part for part in path.split(os.pathsep) if Path(part).name != "shims"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return os.pathsep.join([*folders, *map(str, sorted(pyenv.glob("versions/*/bin"), reverse=True))])


def main(arguments: Sequence[str]) -> int:
    """Run the sanity tests; arguments go to ansible-test. Its exit status."""
    base = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "sanity"
    target = base / "ansible_collections" / "mcistio" / "gke"
    copy(target)
    dependency = base / "ansible_collections" / "kubernetes"
    if not dependency.exists():
        dependency.symlink_to(Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections" / "kubernetes")
    home = Path(os.environ["GKE_MESH_ENV"]) / "sanity-home"
    make_home(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ANSIBLE_", "GIT_"))}
    environment = kept | {"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": search_path(os.environ["PATH"])}
    command = ["ansible-test", "sanity", "--color", "no", "--truncate", "0", *arguments]
    return subprocess.run(command, cwd=target, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
