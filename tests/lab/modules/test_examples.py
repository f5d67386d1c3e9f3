# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says is what happens: each example as a playbook, each return value as it came back."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.lab.emulator.emulator import Emulator
from tests.lab.modules.cluster_options import REGION
from tests.lab.modules.entry import run_module
from tests.lab.modules.in_process import RANGES, ZONE, Cloud

JSON = dict[str, Any]
MODULES = ("gke_cluster", "mesh_firewall", "gke_kubeconfig", "gke_cluster_info")
MEMBERS = [
    {"name": "central", "location": "us-central1-a"},
    {"name": "west", "location": "us-west1-b"},
    {"name": "east", "location": "us-east1-b"},
]


def documentation(module: str, part: str) -> Any:
    """What a module says of itself: EXAMPLES or RETURN."""
    name = f"ansible_collections.mcistio.gke.plugins.modules.{module}"
    return yaml.safe_load(runpy.run_module(name, run_name="documentation")[part])


@pytest.fixture
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A cloud that knows the Shared VPC which an example speaks of."""
    emulator = Emulator(tmp_path_factory.mktemp("lab") / "home", operation_seconds=0.02)
    emulator.start()
    _furnish(emulator)
    yield emulator
    emulator.end()


def _furnish(emulator: Emulator) -> None:
    credentials = emulator.credentials()
    credentials.refresh(_Request())
    headers = {"Authorization": f"Bearer {credentials.token}"}
    base = f"{emulator.url}/compute/v1/projects/host-project"
    ranges = [{"rangeName": name, "ipCidrRange": RANGES[name]} for name in ("pods", "services")]
    subnet = {"name": "gke", "network": "global/networks/shared", "ipCidrRange": "10.8.0.0/20"}
    for path, body in (
        ("global/networks", {"name": "shared", "autoCreateSubnetworks": False}),
        (f"regions/{REGION}/subnetworks", {**subnet, "secondaryIpRanges": ranges}),
    ):
        requests.post(f"{base}/{path}", json=body, headers=headers, timeout=30).raise_for_status()


def test_examples_run_as_they_stand(google: Emulator, tmp_path: Path) -> None:
    setup = [
        {
            "name": f"Cluster {member['name']}",
            "mcistio.gke.gke_cluster": {"project": "my-project", "node_tags": ["mesh1-node"], **member},
        }
        for member in MEMBERS
    ]
    blocks = {module: documentation(module, "EXAMPLES") for module in MODULES}
    tasks = [*blocks["gke_cluster"], *setup]
    for module in MODULES[1:]:
        tasks += blocks[module]
    output = play(google, tmp_path, tasks)
    assert output.count("TASK [") == len(tasks)
    assert not (tmp_path / ".kube" / "mcistio.gke.yaml").exists(), "the last example of gke_kubeconfig removes it"


def test_an_anchor_in_a_playbook_is_no_difference(google: Emulator, tmp_path: Path) -> None:
    text = """
- mcistio.gke.gke_cluster:
    project: my-project
    name: anchored
    location: us-central1-a
    node_pools:
      - {name: one, autoscaling: &scaling {minimum: 1, maximum: 3}}
      - {name: two, autoscaling: *scaling}
"""
    play(google, tmp_path, text)


def play(google: Emulator, folder: Path, tasks: Any) -> str:
    """Run tasks against the emulator; the output."""
    book = folder / "play.yml"
    if isinstance(tasks, str):
        indented = "".join(f"    {line}\n" for line in tasks.strip().splitlines())
        book.write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{indented}", encoding="utf-8")
    else:
        whole = [{"hosts": "localhost", "gather_facts": False, "vars": {"mesh_members": MEMBERS}, "tasks": tasks}]
        book.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "GOOGLE_APPLICATION_CREDENTIALS": str(google.key_file),
        "GCP_PROJECT": "my-project",
        "GKE_MESH_CONTAINER_ENDPOINT": google.url,
        "GKE_MESH_COMPUTE_ENDPOINT": google.url,
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(book)],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"Traceback|deprecated", done.stdout + done.stderr), done.stderr
    return done.stdout


class _Request:
    """google-auth's transport over requests."""

    def __call__(self, url: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Any:
        answer = requests.request(method, url, data=body, headers=headers, timeout=30)
        return type("Answer", (), {"status": answer.status_code, "headers": answer.headers, "data": answer.content})()


_REFERENCE = [{"name": "central", "location": ZONE}]
OPTIONS: dict[str, JSON] = {
    "gke_cluster": {
        "name": "central", "location": ZONE, "node_tags": ["mesh1-node"], "labels": {"mesh": "mesh1"},
        "release_channel": "regular", "private_nodes": True,
    },
    "gke_cluster_info": {},
    "gke_kubeconfig": {"clusters": _REFERENCE},
    "mesh_firewall": {"clusters": _REFERENCE},
}  # fmt: skip
EVERYWHERE = {"changed", "diff", "invocation", "warnings", "deprecations"}
OF_A_FILE = {"uid", "gid", "owner", "group", "mode", "state", "size", "secontext"}
"""What Ansible itself adds to the answer of any module that returns a path."""
PYTHON_TYPES: dict[str, Any] = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}


@pytest.mark.parametrize("module", MODULES)
def test_what_comes_back_is_what_is_documented(module: str, cloud: Cloud, tmp_path: Path) -> None:
    cluster = run_module(cloud, "gke_cluster", OPTIONS["gke_cluster"], tmp_path)
    assert not cluster.error
    options = OPTIONS[module] | ({"path": str(tmp_path / "config")} if module == "gke_kubeconfig" else {})
    run = cluster if module == "gke_cluster" else run_module(cloud, module, options, tmp_path)
    assert not run.error
    documented = documentation(module, "RETURN")
    ansibles = EVERYWHERE | (OF_A_FILE if module == "gke_kubeconfig" else set())
    _agree(documented, {key: value for key, value in run.result.items() if key not in ansibles}, module)


def _agree(documented: JSON, returned: JSON, where: str) -> None:
    assert set(documented) == set(returned), where
    for name, entry in documented.items():
        value, place = returned[name], f"{where}.{name}"
        if value is None:
            continue
        assert isinstance(value, PYTHON_TYPES[entry["type"]]), place
        if "contains" in entry:
            parts = value if entry["type"] == "list" else [value]
            assert parts, f"{place} is empty: nothing is tried"
            for part in parts:
                _agree(entry["contains"], part, place)
        elif entry["type"] == "list":
            assert all(isinstance(one, PYTHON_TYPES[entry["elements"]]) for one in value), place
