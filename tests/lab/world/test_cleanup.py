# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sweep takes for ours, and what it must leave alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gkelab.world import cgroups, cleanup, network, processes

MOUNTINFO = """\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
32 30 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
40 21 254:0 /x /srv/lab/home/world/0 rw,relatime - ext4 /dev/vda rw
41 40 0:40 / /srv/lab/home/world/0/nodes/a\\040b rw,relatime shared:3 master:4 - tmpfs tmpfs rw
42 21 254:0 /y /srv/lab/home-of-another rw,relatime - ext4 /dev/vda rw
"""


def test_mounts_below_the_home_innermost_first() -> None:
    assert cleanup.mounts_below(Path("/srv/lab/home"), MOUNTINFO) == [
        "/srv/lab/home/world/0/nodes/a b",
        "/srv/lab/home/world/0",
    ]


def test_hierarchies_of_both_versions() -> None:
    assert cgroups.hierarchies(MOUNTINFO) == [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/unified")]


def test_only_our_namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network, "NAMED_NAMESPACES", tmp_path)
    for name in ("gkelab-vpc", "gkelab-0-cp", "gkelabs", "docker", "my-gkelab-0"):
        (tmp_path / name).touch()
    assert network.namespaces() == ["gkelab-0-cp", "gkelab-vpc"]


def test_no_namespaces_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network, "NAMED_NAMESPACES", tmp_path / "absent")
    assert network.namespaces() == []


def test_names_of_links_fit() -> None:
    """The kernel takes 15 characters; 127 is the last slot, and GKE's largest cluster has 15000 nodes."""
    assert len(network.node_link(127, 14999)) <= 15
    assert len(network.control_plane_link(127)) <= 15


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, processes.MARK: "etcd"})
    yield child
    child.kill()
    child.wait()


def test_processes_are_found_by_their_mark(sleeper: subprocess.Popen[bytes]) -> None:
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, f"NOT_{processes.MARK}": "1"})
    try:
        found = processes.marked()
        assert sleeper.pid in found
        assert other.pid not in found
        assert os.getpid() not in found
    finally:
        other.kill()
        other.wait()


def test_an_empty_group_tree_goes_and_its_neighbour_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("gkelab/0-n0/k8s.io/abc", "k8s.io/of-others"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(cgroups, "hierarchies", lambda text: [tmp_path])
    monkeypatch.setattr(Path, "read_text", _no_processes(Path.read_text))
    assert cgroups.remove("gkelab") is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k8s.io"]
    assert cgroups.remove("gkelab") is False


def _no_processes(original: object) -> object:
    """A kernel's folder has a `cgroup.procs`; a temporary one could not be removed with that file in it."""

    def read_text(path: Path, *args: object, **kwargs: object) -> object:
        return "" if path.name == "cgroup.procs" else original(path, *args, **kwargs)  # type: ignore[operator]

    return read_text


def test_a_group_of_cgroup_v2_hands_its_controllers_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda text: [tmp_path])
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    cgroups.create("/gkelab/0-n0")
    assert (tmp_path / "gkelab" / "0-n0").is_dir()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
    cgroups.create("/gkelab/0-n0")
