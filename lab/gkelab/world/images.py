# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk image of a node: containerd's store with every image imported and unpacked, made once.

A node gets a copy in which the big, read-only files are hard links and only containerd's two databases are copied, so
a node's disk takes a fraction of a second and next to no space.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from gkelab.world import node_config
from gkelab.world.commands import run
from gkelab.world.plan import WorldError

_DATABASE_SUFFIX = ".db"

# Its own mount namespace for snapshots; its own PID namespace, so that the end of the shell ends containerd too.
_APART = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")

_IMPORT_SCRIPT = """set -eu
work=$1 bin=$2; shift 2
mount --bind "$work/var-lib" /var/lib
"$bin/containerd" --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
ctr() { "$bin/ctr" --address "$work/containerd.sock" -n k8s.io "$@"; }
until ctr version >/dev/null 2>&1; do sleep 0.05; done
for archive; do ctr images import --local "$archive" >/dev/null; done
kill $!
wait $! || true
"""

_lock = threading.Lock()


def disk_image(cache: Path, bin_dir: Path, archives: Sequence[Path]) -> Path:
    """The folder of the disk image for these archives, made now if it was not made before."""
    image = cache / "node-disks" / _key(bin_dir, archives)
    with _lock:
        if not image.exists():
            _make(image, bin_dir, archives)
    return image


def copy(image: Path, target: Path) -> None:
    """Make `target` a containerd store like the disk image."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        run(["cp", "-al", str(image), str(target)])
    except WorldError:
        # Hard links end at the edge of a file system.
        shutil.rmtree(target, ignore_errors=True)
        run(["cp", "-a", str(image), str(target)])
        return
    for database in target.rglob(f"*{_DATABASE_SUFFIX}"):
        if database.is_file() and "snapshots" not in database.relative_to(target).parts:
            original = image / database.relative_to(target)
            database.unlink()
            shutil.copy2(original, database)


def _make(image: Path, bin_dir: Path, archives: Sequence[Path]) -> None:
    work = image.with_name(f"{image.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("root", "state", "var-lib"):
        (work / folder).mkdir(parents=True)
    config = node_config.containerd(str(work / "root")).replace("/run/containerd", str(work / "state"))
    config = config.replace(str(work / "state" / "containerd.sock"), str(work / "containerd.sock"))
    (work / "containerd.toml").write_text(config)
    script = ["sh", "-c", _IMPORT_SCRIPT, "import", str(work), str(bin_dir), *(str(path) for path in archives)]
    done = subprocess.run([*_APART, *script], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise WorldError(f"cannot import the images of the nodes: {' '.join(done.stderr.split())}")
    # Hard links keep what running nodes use of an earlier image.
    for earlier in image.parent.iterdir():
        if earlier != work:
            shutil.rmtree(earlier, ignore_errors=True)
    (work / "root").rename(image)
    shutil.rmtree(work, ignore_errors=True)


def _key(bin_dir: Path, archives: Sequence[Path]) -> str:
    """Changes with any of the images and with containerd."""
    digest = hashlib.sha256()
    for path in (bin_dir / "containerd", *sorted(archives)):
        facts = path.stat()
        digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
