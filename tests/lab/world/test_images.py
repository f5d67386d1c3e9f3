# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk image of nodes: shared where it is only read, copied where it is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gkelab.world import images


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "image"
    for name, content in {
        "io.containerd.metadata.v1.bolt/meta.db": "metadata",
        "io.containerd.snapshotter.v1.overlayfs/metadata.db": "snapshots",
        "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/usr/bin/envoy": "program",
        "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/var/rpm.db": "a file of an image",
        "io.containerd.content.v1.content/blobs/sha256/abc": "layer",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(content)
    return made


def test_what_containerd_writes_is_the_node_s_own(image: Path, tmp_path: Path) -> None:
    node = tmp_path / "nodes" / "0" / "containerd"
    images.copy(image, node)
    own = {str(path.relative_to(node)) for path in node.rglob("*") if path.is_file() and path.stat().st_nlink == 1}
    assert own == {
        "io.containerd.metadata.v1.bolt/meta.db",
        "io.containerd.snapshotter.v1.overlayfs/metadata.db",
    }
    assert (node / "io.containerd.metadata.v1.bolt/meta.db").read_text() == "metadata"


def test_a_node_that_goes_leaves_the_image_whole(image: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in image.rglob("*") if path.is_file()}
    node = tmp_path / "node"
    images.copy(image, node)
    (node / "io.containerd.metadata.v1.bolt/meta.db").write_text("changed")
    shutil.rmtree(node)
    assert {path: path.read_bytes() for path in image.rglob("*") if path.is_file()} == before


def test_new_images_make_a_new_disk(tmp_path: Path) -> None:
    archive = tmp_path / "node.tar"
    archive.write_text("one")
    (tmp_path / "containerd").write_text("program")
    first = images._key(tmp_path, [archive])
    assert images._key(tmp_path, [archive]) == first
    archive.write_text("another")
    assert images._key(tmp_path, [archive]) != first
