# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: namespaces, links, addresses and routes.

One namespace is the VPC's router. Every control plane and every node has a namespace of its own with a single link
to the router; one more link leads from the router to the host. The router has no default route and no link to the
machine's own interfaces, so nothing inside can reach the world outside.

Everything here is idempotent: called on a network that stands, it changes nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from gkelab.world.commands import run

NAMESPACE_PREFIX = "gkelab-"
ROUTER = f"{NAMESPACE_PREFIX}vpc"
NAMED_NAMESPACES = Path("/run/netns")

HOST_LINK = "glhost"
"""Name of both ends of the veth pair between the host and the router: the only link of ours outside our namespaces."""
HOST_ADDRESS = "198.18.255.1"
_ROUTER_ADDRESS = "198.18.255.2"
_LAB_RANGE = "198.18.0.0/15"
"""API servers (198.18/16) and external load balancers (198.19/16), together the range reserved for benchmarks."""

_NODE_GATEWAY = "169.254.1.1"
"""The router's address on every node's link. Link-local, because a node's own address is a /32 as on GCE."""

_ROUTER_SYSCTLS = (
    "net/ipv4/ip_forward=1",
    "net/ipv4/conf/all/rp_filter=0",
    "net/ipv4/conf/default/rp_filter=0",
    # Every try to leave is told at once that there is no way; by default only one a second is, the others hang.
    "net/ipv4/icmp_ratelimit=0",
)

_lock = threading.Lock()


def control_plane_namespace(slot: int) -> str:
    """The namespace of a cluster's etcd, API server, controller manager and scheduler."""
    return f"{NAMESPACE_PREFIX}{slot}-cp"


def node_namespace(slot: int, index: int) -> str:
    """The namespace of one node."""
    return f"{NAMESPACE_PREFIX}{slot}-n{index}"


def control_plane_link(slot: int) -> str:
    """The router's end of the link to a control plane."""
    return f"glc{slot}"


def node_link(slot: int, index: int) -> str:
    """The router's end of the link to a node."""
    return f"gln{slot}x{index}"


def enter(namespace: str) -> list[str]:
    """The command prefix that runs a program in a namespace.

    Not `ip netns exec`: that remounts /sys, and kubelet then finds no cgroups.
    """
    return ["nsenter", f"--net={NAMED_NAMESPACES / namespace}"]


def namespaces() -> list[str]:
    """Every namespace of the lab that has a name on this machine."""
    if not NAMED_NAMESPACES.is_dir():
        return []
    return sorted(name for name in os.listdir(NAMED_NAMESPACES) if name.startswith(NAMESPACE_PREFIX))


def build_router() -> None:
    """Make the router, its link to the host, and the host's one route into the lab."""
    with _lock:
        _ensure_namespace(ROUTER)
        _sysctl(ROUTER, _ROUTER_SYSCTLS)
        if HOST_LINK not in _links(ROUTER):
            _batch(None, [f"link add {HOST_LINK} type veth peer name {HOST_LINK} netns {ROUTER}"])
        _batch(
            ROUTER,
            ["link set lo up", f"addr replace {_ROUTER_ADDRESS}/30 dev {HOST_LINK}", f"link set {HOST_LINK} up"],
        )
        _batch(
            None,
            [
                f"addr replace {HOST_ADDRESS}/30 dev {HOST_LINK}",
                f"link set {HOST_LINK} up",
                f"route replace {_LAB_RANGE} via {_ROUTER_ADDRESS} dev {HOST_LINK}",
            ],
        )


def connect_control_plane(slot: int, endpoint: str) -> str:
    """Give a control plane its namespace, its address (a /30 shared with the router) and its way out."""
    namespace, link = control_plane_namespace(slot), control_plane_link(slot)
    network, _, last = endpoint.rpartition(".")
    gateway = f"{network}.{int(last) - 1}"
    with _lock:
        _ensure_link(namespace, link)
        _batch(ROUTER, [f"addr replace {gateway}/30 dev {link}", f"link set {link} up"])
        _batch(
            namespace,
            [
                "link set lo up",
                f"addr replace {endpoint}/30 dev eth0",
                "link set eth0 up",
                f"route replace default via {gateway}",
            ],
        )
    return namespace


def connect_node(slot: int, index: int, address: str, pod_cidr: str) -> str:
    """Give a node its namespace and address, and the router the routes to the node and its pods."""
    namespace, link = node_namespace(slot, index), node_link(slot, index)
    with _lock:
        _ensure_link(namespace, link)
        _sysctl(namespace, _ROUTER_SYSCTLS)
        _batch(
            namespace,
            [
                "link set lo up",
                f"addr replace {address}/32 dev eth0",
                "link set eth0 up",
                f"route replace {_NODE_GATEWAY} dev eth0 scope link",
                f"route replace default via {_NODE_GATEWAY} dev eth0",
            ],
        )
        _batch(
            ROUTER,
            [
                f"addr replace {_NODE_GATEWAY}/32 dev {link}",
                f"link set {link} up",
                f"route replace {address}/32 dev {link}",
                f"route replace {pod_cidr} via {address} dev {link}",
            ],
        )
    return namespace


def route_frontend(address: str, node_address: str, link: str) -> None:
    """Send a load balancer's traffic to a node, unchanged: kube-proxy there knows the address."""
    with _lock:
        _batch(ROUTER, [f"route replace {address}/32 via {node_address} dev {link}"])


def unroute_frontend(address: str) -> None:
    """Forget a load balancer's route; fine if there is none."""
    with _lock:
        if run(["ip", "-n", ROUTER, "route", "show", f"{address}/32"]).strip():
            _batch(ROUTER, [f"route del {address}/32"])


def disconnect(links: Iterable[str]) -> None:
    """Remove links from the router, with the routes over them.

    They would go with their namespaces too, but only some time later, when their names may be wanted again.
    """
    with _lock:
        if (NAMED_NAMESPACES / ROUTER).exists():
            _batch(ROUTER, [f"link del {link}" for link in sorted(_links(ROUTER) & set(links))])


def remove_namespaces(names: Iterable[str]) -> None:
    """Take the names away; a namespace itself goes once no process is left inside."""
    with _lock:
        _batch(None, [f"netns del {name}" for name in names if (NAMED_NAMESPACES / name).exists()])


def remove_host_link() -> bool:
    """Remove the host's link, and with it the host's route; tells whether there was one."""
    with _lock:
        if not (Path("/sys/class/net") / HOST_LINK).exists():
            return False
        _batch(None, [f"link del {HOST_LINK}"])
        return True


def _ensure_namespace(name: str) -> None:
    path = NAMED_NAMESPACES / name
    # A crash between `ip netns add`'s two steps leaves a plain file, which is no namespace and blocks the name.
    if path.exists() and os.stat(path).st_dev != os.stat("/proc/self/ns/net").st_dev:
        path.unlink()
    if not path.exists():
        run(["ip", "netns", "add", name])


def _ensure_link(namespace: str, link: str) -> None:
    _ensure_namespace(namespace)
    if "eth0" in _links(namespace):
        return
    # The pair lives and dies together: an end without its peer is one whose peer sits in a namespace about to go.
    if link in _links(ROUTER):
        _batch(ROUTER, [f"link del {link}"])
    _batch(None, [f"link add {link} netns {ROUTER} type veth peer name eth0 netns {namespace}"])


def _links(namespace: str) -> set[str]:
    lines = run(["ip", "-n", namespace, "-o", "link", "show"]).splitlines()
    return {line.split(": ")[1].split("@")[0] for line in lines}


def _sysctl(namespace: str, settings: Sequence[str]) -> None:
    writes = (f"echo {value} >/proc/sys/{name}" for name, value in (setting.split("=") for setting in settings))
    run([*enter(namespace), "sh", "-c", " && ".join(writes)])


def _batch(namespace: str | None, commands: Sequence[str]) -> None:
    if commands:
        run(["ip", *(("-n", namespace) if namespace else ()), "-batch", "-"], stdin="\n".join(commands))
