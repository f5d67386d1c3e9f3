# SPDX-License-Identifier: GPL-3.0-or-later
"""One real cluster, from nothing to nothing: it comes up, keeps to itself, heals, and leaves no trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gkelab import paths
from gkelab.world import cleanup, network, processes
from gkelab.world.kube_api import Deadline, KubeApi
from gkelab.world.kubernetes_world import KubernetesWorld
from gkelab.world.plan import ClusterPlan

from .plans import cluster_plan

pytestmark = pytest.mark.lab

PLAN = cluster_plan(1)
RULES = [
    {
        "name": "gke-central-0a1b2c3d-all",
        "network": "default",
        "priority": 1000,
        "direction": "INGRESS",
        "sourceRanges": [PLAN.pod_cidr],
        "targetTags": [PLAN.node_tag],
        "allowed": [{"IPProtocol": "tcp"}, {"IPProtocol": "udp"}, {"IPProtocol": "icmp"}],
    }
]
NODE = PLAN.nodes[0]
NODE_NAMESPACE = network.node_namespace(PLAN.slot, 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def world(home: Path) -> Iterator[KubernetesWorld]:
    # Failures, not skips: whoever asks for the tests marked `lab` is to hear that they did not run.
    assert sys.platform == "linux" and os.geteuid() == 0, "needs Linux and root"
    assert not network.namespaces(), "a lab is up on this machine"
    made = new_world(home)
    made.start([], RULES)
    try:
        made.create(PLAN, lambda stage, done, of: None)
        yield made
    finally:
        cleanup.sweep(home)


def new_world(home: Path) -> KubernetesWorld:
    from gkelab.build import artifacts

    built = artifacts()
    return KubernetesWorld(home, cache=paths.cache(), bin_dir=built.bin, archives=built.images, port=7480, nodes=True)


def api(home: Path, plan: ClusterPlan = PLAN) -> KubeApi:
    pki = home / "world" / str(plan.slot) / "pki"
    return KubeApi(plan.endpoint, ca=pki / "ca.crt", certificate=pki / "admin.crt", key=pki / "admin.key")


def connects(namespace: str, address: str, port: int) -> str:
    """What a TCP connection from inside a namespace comes to: "connected" or the kind of failure."""
    script = (
        "import socket, sys\n"
        "try:\n    socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close(); print('connected')\n"
        "except OSError as error:\n    print(type(error).__name__, error.strerror)\n"
    )
    argv = [*network.enter(namespace), sys.executable, "-c", script, address, str(port)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def eventually(seconds: float, probe: Any) -> Any:
    """The first true answer of `probe`."""
    deadline = Deadline(seconds)
    while not (answer := probe()):
        assert deadline.pause(0.2), "it did not happen in time"
    return answer


def test_the_node_is_as_the_plan_says(world: KubernetesWorld, home: Path) -> None:
    node = api(home).get(f"/api/v1/nodes/{NODE.name}")
    assert node["spec"]["podCIDR"] == NODE.pod_cidr
    assert node["spec"]["providerID"] == f"gce://lab-project/us-central1-a/{NODE.name}"
    assert {"type": "InternalIP", "address": NODE.address} in node["status"]["addresses"]
    assert all(state.healthy for state in world.states())


def test_nothing_leaves(world: KubernetesWorld) -> None:
    assert "default" not in subprocess.check_output(["ip", "-n", network.ROUTER, "route"], text=True)
    links = json.loads(subprocess.check_output(["ip", "-n", network.ROUTER, "-json", "link"]))
    assert sorted(link["ifname"] for link in links) == ["glc3", "glhost", "gln3x0", "lo"]
    for namespace in (NODE_NAMESPACE, network.control_plane_namespace(PLAN.slot), network.ROUTER):
        for address in ("169.254.169.254", "1.1.1.1", *own_addresses()):
            assert connects(namespace, address, 80) == "OSError Network is unreachable", (namespace, address)


def own_addresses() -> list[str]:
    """The machine's own addresses outside of the lab."""
    found = json.loads(subprocess.check_output(["ip", "-json", "-4", "address", "show", "scope", "global"]))
    return [entry["local"] for link in found if link["ifname"] != network.HOST_LINK for entry in link["addr_info"]]


def test_who_reaches_whom(world: KubernetesWorld) -> None:
    master = network.control_plane_namespace(PLAN.slot)
    assert connects(NODE_NAMESPACE, PLAN.endpoint, 443) == "connected"
    assert connects(NODE_NAMESPACE, PLAN.endpoint, 10257).startswith("TimeoutError"), "only the API server is public"
    assert connects(master, NODE.address, 10250) == "connected"
    assert connects(master, NODE.address, 10256).startswith("TimeoutError")
    assert connects(NODE_NAMESPACE, network.HOST_ADDRESS, 7480).startswith("TimeoutError"), "the host is not theirs"


def test_a_load_balancer_answers_and_goes(world: KubernetesWorld, home: Path) -> None:
    client = api(home)
    services = "/api/v1/namespaces/kube-system/services"
    spec = {"type": "LoadBalancer", "selector": {"k8s-app": "kube-dns"}, "ports": [{"port": 8181}]}
    client.create(services, {"metadata": {"name": "ready"}, "spec": spec})
    ingress = eventually(10, lambda: client.get(f"{services}/ready")["status"]["loadBalancer"].get("ingress"))
    assert ingress == [{"ip": "198.19.0.10", "ipMode": "VIP"}]
    # From the host; DNS' readiness port stands for a page.
    eventually(
        20, lambda: subprocess.run(["curl", "-fsm1", "http://198.19.0.10:8181/ready"], check=False).returncode == 0
    )
    client.delete(f"{services}/ready")
    routes = ["ip", "-n", network.ROUTER, "route", "show", "198.19.0.10"]
    eventually(10, lambda: not subprocess.check_output(routes))


def test_killed_processes_come_back(world: KubernetesWorld, home: Path) -> None:
    before = api(home).get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    processes.kill(processes.in_namespaces(network.namespaces()))
    assert not any(any(state.processes.values()) for state in world.states())
    # A daemon that was killed too: nothing is known but what is on disk.
    again = new_world(home)
    again.start([PLAN], RULES)
    assert all(state.healthy for state in again.states())
    assert api(home).get("/api/v1/namespaces/kube-system")["metadata"]["uid"] == before, "the same cluster"


def test_a_living_lab_is_adopted_as_it_is(world: KubernetesWorld, home: Path) -> None:
    records = {path: path.read_text() for path in (home / "world" / str(PLAN.slot) / "processes").glob("*.json")}
    assert len(records) == 5
    new_world(home).start([PLAN], RULES)
    assert {path: path.read_text() for path in records} == records


def test_a_lost_router_comes_back(world: KubernetesWorld, home: Path) -> None:
    subprocess.run(["ip", "netns", "delete", network.ROUTER], check=True)
    again = new_world(home)
    again.start([PLAN], RULES)
    assert connects(NODE_NAMESPACE, PLAN.endpoint, 443) == "connected"
    assert connects(network.control_plane_namespace(PLAN.slot), NODE.address, 10250) == "connected"


def test_deleted_and_stopped_without_a_trace(world: KubernetesWorld, home: Path) -> None:
    world.delete(PLAN)
    assert network.namespaces() == [network.ROUTER]
    assert processes.marked() == []
    assert not (home / "world" / str(PLAN.slot)).exists()
    world.delete(PLAN)
    world.stop()
    assert cleanup.sweep(home) == []
    assert network.HOST_LINK not in os.listdir("/sys/class/net")
    assert not list(Path("/sys/fs/cgroup").glob("**/gkelab"))
