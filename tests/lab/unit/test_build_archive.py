# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker archives: same contents, same bytes; and what `ctr images import` looks for is there."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from gkelab.build.archive import Image, Layer, write_archive


def _image(program: Path, reference: str = "example.org/app:1") -> Image:
    layer = Layer({"/usr/bin/app": program, "/etc/passwd": b"root"}, frozenset({"/usr/bin/app"}), ("/tmp",))
    return Image(reference, layer, ("/usr/bin/app", "serve"), {"A": "1"}, "7:8")


def _read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name: _content(archive, member) for member in archive if member.isfile()}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None
    return stream.read()


def _manifest(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_read(path)["manifest.json"])
    return found


def test_same_contents_same_bytes(tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_bytes(b"program")
    write_archive(tmp_path / "one.tar", [_image(program)], "amd64")
    os.utime(program, (1, 1))
    program.chmod(0o700)
    write_archive(tmp_path / "two.tar", [_image(program)], "amd64")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app", "one.tar", "two.tar"]


def test_manifest_config_and_layer_fit_together(tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_bytes(b"program")
    write_archive(tmp_path / "image.tar", [_image(program)], "arm64")
    contents = _read(tmp_path / "image.tar")
    (entry,) = _manifest(tmp_path / "image.tar")
    assert entry["RepoTags"] == ["example.org/app:1"]
    config = json.loads(contents[entry["Config"]])
    assert config["architecture"] == "arm64"
    assert config["config"]["Entrypoint"] == ["/usr/bin/app", "serve"]
    assert config["config"]["Env"][1:] == ["A=1"]
    assert config["config"]["User"] == "7:8"
    (layer,) = entry["Layers"]
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(contents[layer]).hexdigest()]


def test_layer_has_folders_modes_and_no_trace_of_this_machine(tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_bytes(b"program")
    write_archive(tmp_path / "image.tar", [_image(program)], "amd64")
    (entry,) = _manifest(tmp_path / "image.tar")
    (tmp_path / "layer.tar").write_bytes(_read(tmp_path / "image.tar")[entry["Layers"][0]])
    with tarfile.open(tmp_path / "layer.tar") as layer:
        members = {member.name: member for member in layer}
    assert {name: oct(member.mode) for name, member in members.items()} == {
        "etc": "0o755",
        "etc/passwd": "0o644",
        "tmp": "0o1777",
        "usr": "0o755",
        "usr/bin": "0o755",
        "usr/bin/app": "0o755",
    }
    assert {(member.uid, member.gid, member.mtime, member.uname) for member in members.values()} == {(0, 0, 0, "")}
    # A folder must come before what lies in it.
    assert list(members) == sorted(members, key=lambda name: (not members[name].isdir(), name))


def test_images_that_share_a_layer_carry_it_once(tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_bytes(b"x" * 100_000)
    layer = Layer({"/app": program})
    write_archive(tmp_path / "two.tar", [Image(name, layer, ("/app", name)) for name in ("a:1", "b:1")], "amd64")
    first, second = _manifest(tmp_path / "two.tar")
    assert first["Layers"] == second["Layers"]
    assert first["Config"] != second["Config"]
    assert (tmp_path / "two.tar").stat().st_size < 150_000
