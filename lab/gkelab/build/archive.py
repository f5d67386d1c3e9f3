# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker archives: what `docker save` writes and `ctr images import` reads.

The same contents give the same bytes, on every machine and on every day.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Layer:
    """The files of an image: absolute path in the image -> file on this machine, or the contents themselves."""

    files: Mapping[str, Path | bytes]
    executables: frozenset[str] = frozenset()
    """Those of the files that may be run."""
    folders: tuple[str, ...] = ()
    """Further folders, empty and writable by everybody (the programs in them need not run as root)."""


@dataclass(frozen=True)
class Image:
    """One image of one layer. Images of an archive that share the same Layer object share its bytes."""

    reference: str
    layer: Layer
    entrypoint: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


def write_archive(path: Path, images: Sequence[Image], architecture: str) -> None:
    """Write images into one archive. The architecture is named as Go names it."""
    written: dict[int, tuple[str, str]] = {}
    manifest = []
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for image in images:
            if id(image.layer) not in written:
                written[id(image.layer)] = _add_layer(archive, path, image.layer)
            layer_name, layer_digest = written[id(image.layer)]
            config = _config(image, layer_digest, architecture)
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add_bytes(archive, config_name, config)
            manifest.append({"Config": config_name, "RepoTags": [image.reference], "Layers": [layer_name]})
        _add_bytes(archive, "manifest.json", _json(manifest))


def _config(image: Image, layer_digest: str, architecture: str) -> bytes:
    environment = [_PATH, *(f"{name}={value}" for name, value in image.environment.items())]
    return _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": _EPOCH,
            "config": {"Entrypoint": list(image.entrypoint), "Env": environment, "User": image.user, "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    )


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _add_layer(archive: tarfile.TarFile, path: Path, layer: Layer) -> tuple[str, str]:
    """Add a layer named by its digest; gives (name in the archive, digest)."""
    temporary = path.with_name(f"{path.name}.layer")
    try:
        with tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as tar:
            _fill(tar, layer)
        with temporary.open("rb") as content:
            layer_digest = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            member = _member(f"{layer_digest}.tar", 0o644)
            member.size = temporary.stat().st_size
            archive.addfile(member, content)
    finally:
        temporary.unlink(missing_ok=True)
    return member.name, layer_digest


def _fill(tar: tarfile.TarFile, layer: Layer) -> None:
    for name in sorted(_parents((*layer.files, *(f"{folder}/x" for folder in layer.folders)))):
        member = _member(name, 0o1777 if f"/{name}" in layer.folders else 0o755)
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    for name, source in sorted(layer.files.items()):
        member = _member(name.lstrip("/"), 0o755 if name in layer.executables else 0o644)
        content = source if isinstance(source, bytes) else source.read_bytes()
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


def _parents(files: Sequence[str]) -> set[str]:
    return {str(parent).lstrip("/") for name in files for parent in PurePosixPath(name).parents if str(parent) != "/"}


def _member(name: str, mode: int) -> tarfile.TarInfo:
    """An entry of root's, without a date."""
    member = tarfile.TarInfo(name)
    member.mode = mode
    return member


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = _member(name, 0o644)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
