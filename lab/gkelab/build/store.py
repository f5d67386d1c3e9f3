# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of build results: folders that are complete or absent, and one builder at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gkelab.build.errors import BuildError

_UNFINISHED = ".unfinished-"

_KEPT = 2
"""Older results of a kind that stay; a set of images is a third of a gigabyte."""


def digest(*parts: str | bytes | Path) -> str:
    """A short key over texts, bytes and the contents of files.

    Every part counts with its length, so that none can run into the next.
    """
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big"))
        total.update(content)
    return total.hexdigest()[:16]


@contextmanager
def locked(cache: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the cache for one builder; `waiting` is called once when another has it.

    What a killed builder left is removed.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        handle = os.open(cache / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BuildError(f"The cache {cache} cannot be written ({error.strerror}); set GKELAB_CACHE") from error
    with open(handle, "rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(stream, fcntl.LOCK_EX)
        for left in cache.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left)
        yield


def prune(folder: Path, current: Path) -> None:
    """Keep of the folders of one kind the current one and the few newest others: a lab may still run on those.

    Call it inside `locked`.
    """
    others = sorted((path for path in folder.iterdir() if path != current), key=_made, reverse=True)
    for path in others[_KEPT:]:
        shutil.rmtree(path)


def _made(path: Path) -> float:
    return path.stat().st_mtime


@contextmanager
def completed(cache: Path, target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` at the end of the block, or vanishes if the block fails.

    Call it inside `locked`. The folder lies in the cache itself, so that the last step is one rename.
    """
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cache))
    folder.chmod(0o755)
    try:
        yield folder
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, target)
    except OSError as error:
        raise BuildError(f"Failed to write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
