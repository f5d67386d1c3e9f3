# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig on disk: read, replaced whole or not at all, readable by its owner alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

MODE = 0o600
_TEMPORARY = ".mcistio.gke-kubeconfig-"
"""How the names of our half-written files begin."""


def read(path: str) -> tuple[str, bool]:
    """Text of the file (empty when there is none), and whether others than its owner can read it."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(), bool(stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077)
    except FileNotFoundError:
        return "", False
    except (OSError, UnicodeDecodeError) as error:
        raise MeshError("read", f"kubeconfig {path}", getattr(error, "strerror", None) or "it is no text") from error


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep other runs from the file's folder, which is made where it is missing; the lock leaves nothing behind.

    What a run that was killed left half-written is removed: it may hold a token.
    """
    folder = os.path.dirname(os.path.realpath(path))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise MeshError("write", f"kubeconfig {path}", error.strerror or str(error), "Choose another path.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _clear(folder)
        yield
    finally:
        os.close(handle)


def _clear(folder: str) -> None:
    """Remove half-written files; under the lock, nobody is writing them any more."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(_TEMPORARY):
                os.unlink(os.path.join(folder, name))


def write(path: str, text: str) -> None:
    """Put the text in the file's place in one step; a link stays a link."""
    target = os.path.realpath(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=_TEMPORARY)
    except OSError as error:
        raise MeshError("write", f"kubeconfig {path}", error.strerror or str(error), "Choose another path.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), MODE)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise MeshError("write", f"kubeconfig {path}", error.strerror or str(error)) from error


def remove(path: str) -> None:
    """Delete the file; it may be gone already."""
    try:
        os.unlink(os.path.realpath(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise MeshError("delete", f"kubeconfig {path}", error.strerror or str(error)) from error
