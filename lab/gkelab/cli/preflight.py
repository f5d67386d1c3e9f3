# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this machine can run a lab, told before anything is built or started."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

from gkelab.cli.errors import CommandError

_STILL_WORKS = "`gkelab up --depth api` works without"
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_WANTED = 1024


def check_privileges() -> None:
    """Raise CommandError unless this is root on Linux."""
    if sys.platform != "linux":
        raise CommandError(f"Clusters need Linux, this is {platform.system()}; {_STILL_WORKS}")
    if os.geteuid() != 0:
        raise CommandError(f"Clusters need root (network namespaces, mounts); {_STILL_WORKS}")


def check_kernel() -> None:
    """Raise CommandError unless the kernel lets this process do what clusters need. The packages must be there."""
    # Everything at once, in namespaces that are gone when the command ends.
    probe = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "nft", "add", "table", "inet", "probe"]
    result = subprocess.run(probe, capture_output=True, text=True, check=False, env=_environment())
    if result.returncode:
        words = result.stderr.strip().splitlines() or ["no reason given"]
        raise CommandError(f"This machine does not allow namespaces with nftables ({words[0]}); {_STILL_WORKS}")
    if not _has_overlay():
        raise CommandError(f"The kernel has no overlay file system (modprobe overlay); {_STILL_WORKS}")


def _has_overlay() -> bool:
    filesystems = Path("/proc/filesystems")
    if "\toverlay\n" in filesystems.read_text(encoding="ascii"):
        return True
    try:
        subprocess.run(["modprobe", "overlay"], capture_output=True, check=False, env=_environment())
    except OSError:
        return False
    return "\toverlay\n" in filesystems.read_text(encoding="ascii")


def check_port(port: int) -> None:
    """Raise CommandError if another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(f"Port {port} cannot be used ({error.strerror}); choose another with --port") from error


def inotify_note(path: Path = _INOTIFY) -> str | None:
    """A line on a limit that the lab raises where it may, if it is still low."""
    try:
        limit = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    if limit >= _INOTIFY_WANTED:
        return None
    return f"fs.inotify.max_user_instances is {limit} and cannot be raised here: about {limit // 3} sidecars will fit"


def _environment() -> dict[str, str]:
    """A user's PATH often lacks the folders of system programs."""
    return os.environ | {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
