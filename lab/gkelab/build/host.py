# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab takes from the machine itself: Debian's network programs with their libraries, and its CA bundle."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from gkelab.build.errors import BuildError
from gkelab.build.progress import Progress

TOOLS = {
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "conntrack": "conntrack",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
}
"""Command -> Debian package."""

_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)

# A user's PATH often lacks these.
_SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def find_tool(name: str) -> Path | None:
    """Where a program of the system is."""
    found = shutil.which(name, path=_SEARCH)
    return Path(found) if found else None


def missing_packages() -> list[str]:
    """Debian packages of the tools that are not there, sorted."""
    return sorted({package for tool, package in TOOLS.items() if find_tool(tool) is None})


def install_packages(packages: list[str], progress: Progress) -> None:
    """Install Debian packages where apt and root are at hand. Raises BuildError naming them otherwise."""
    apt = shutil.which("apt-get")
    names = " ".join(packages)
    if apt is None or os.geteuid() != 0:
        why = "apt-get is not here" if apt is None else "installing needs root"
        raise BuildError(f"Missing packages: {names} ({why}); install them by this system's means and run again")
    with progress.step(f"Debian packages {names}"):
        if not _apt(apt, "install", packages):
            # A fresh machine has no package lists yet, an old one outdated ones.
            _apt(apt, "update", [])
            if not _apt(apt, "install", packages):
                raise BuildError(f"Failed to install packages: {names}; see `apt-get install {names}`")


def _apt(apt: str, action: str, packages: list[str]) -> bool:
    options = ["-qq", "--yes", "--no-install-recommends"] if action == "install" else ["-qq"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = [apt, action, *options, *packages]
    return subprocess.run(command, capture_output=True, check=False, env=environment).returncode == 0


def ca_bundle() -> Path:
    """The certificates this system trusts."""
    for name in _CA_BUNDLES:
        if Path(name).exists():
            return Path(name)
    raise BuildError("No CA bundle on this system; install the package ca-certificates")


def libraries(program: Path) -> dict[str, Path]:
    """A program's shared libraries: path that the loader asks for -> file (links resolved)."""
    result = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    if result.returncode or "not found" in result.stdout:
        raise BuildError(f"{program} does not run on this system: {_complaint(result)}")
    named = re.findall(r"(?:=> |^\s*)(/\S+)", result.stdout, re.MULTILINE)
    return {name: Path(name).resolve() for name in named}


def _complaint(result: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (*result.stderr.splitlines(), *result.stdout.splitlines()) if "not found" in line]
    return lines[0] if lines else "ldd cannot read it"
