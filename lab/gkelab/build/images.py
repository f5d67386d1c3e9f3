# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the lab's container images. Every image that the lab's pods name is among them: nothing is ever pulled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gkelab.build.archive import Image, Layer
from gkelab.build.host import ca_bundle, find_tool, libraries
from gkelab.build.recipe import BOOKINFO_TAG, COREDNS_TAG, ISTIO_HUB, ISTIO_VERSION, PAUSE_TAG

ARCHIVES = ("node.tar", "istio.tar", "bookinfo.tar")
"""File names, in the order a node wants them: what it needs itself, the mesh, the application."""

_CA_PATH = "/etc/ssl/certs/ca-certificates.crt"
_PROXY_USER = "1337"
_USERS = {
    "/etc/passwd": (
        f"root:x:0:0:root:/root:/bin/false\nistio-proxy:x:{_PROXY_USER}:{_PROXY_USER}:istio-proxy:/home:/bin/false\n"
    ).encode(),
    "/etc/group": f"root:x:0:\nistio-proxy:x:{_PROXY_USER}:\n".encode(),
}

_BOOKINFO: tuple[tuple[str, dict[str, str]], ...] = (
    ("productpage-v1", {}),
    ("details-v1", {"SERVICE_VERSION": "v1"}),
    ("ratings-v1", {"SERVICE_VERSION": "v1"}),
    ("reviews-v1", {"SERVICE_VERSION": "v1", "ENABLE_RATINGS": "false"}),
    ("reviews-v2", {"SERVICE_VERSION": "v2", "ENABLE_RATINGS": "true", "STAR_COLOR": "black"}),
    ("reviews-v3", {"SERVICE_VERSION": "v3", "ENABLE_RATINGS": "true", "STAR_COLOR": "red"}),
)


def image_archives(programs: Mapping[str, Path], envoy: Path, istio: Path) -> dict[str, tuple[Image, ...]]:
    """The contents of ARCHIVES: few and large, since every node imports all of them and each import starts a client."""
    node = (pause(programs["pause"]), coredns(programs["coredns"]))
    mesh = (pilot(programs["pilot-discovery"]), proxy(programs["pilot-agent"], envoy, istio))
    return dict(zip(ARCHIVES, (node, mesh, bookinfo(programs["bookinfo"])), strict=True))


def pause(program: Path) -> Image:
    """The container that holds a pod's namespaces."""
    layer = Layer({"/pause": program}, frozenset({"/pause"}))
    return Image(f"registry.k8s.io/pause:{PAUSE_TAG}", layer, ("/pause",), user="65535:65535")


def coredns(program: Path) -> Image:
    """The clusters' DNS server."""
    layer = Layer({"/coredns": program}, frozenset({"/coredns"}))
    return Image(f"registry.k8s.io/coredns/coredns:{COREDNS_TAG}", layer, ("/coredns",))


def pilot(program: Path) -> Image:
    """istiod."""
    path = "/usr/local/bin/pilot-discovery"
    layer = Layer({path: program, _CA_PATH: ca_bundle(), **_USERS}, frozenset({path}), ("/tmp",))
    user = f"{_PROXY_USER}:{_PROXY_USER}"
    return Image(f"{ISTIO_HUB}/pilot:{ISTIO_VERSION}", layer, (path,), user=user)


def proxy(agent: Path, envoy: Path, istio: Path) -> Image:
    """Sidecars, gateways and istio-init: the agent, a stock Envoy with its bootstrap template, and nft."""
    programs = {
        "/usr/local/bin/pilot-agent": agent,
        "/usr/local/bin/envoy": envoy,
        **libraries(envoy),
        **nft(),
    }
    files: dict[str, Path | bytes] = {
        **programs,
        "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json": istio / "tools/packaging/common/envoy_bootstrap.json",
        _CA_PATH: ca_bundle(),
        **_USERS,
    }
    layer = Layer(files, frozenset(programs), ("/tmp", "/var/lib/istio/data", "/etc/istio/proxy"))
    return Image(
        f"{ISTIO_HUB}/proxyv2:{ISTIO_VERSION}",
        layer,
        ("/usr/local/bin/pilot-agent",),
        environment={"ISTIO_META_ISTIO_VERSION": ISTIO_VERSION},
    )


def nft() -> dict[str, Path]:
    """The system's nft with its libraries, at the paths where its loader looks: path in the image -> file."""
    program = find_tool("nft")
    return {"/usr/sbin/nft": program, **libraries(program)} if program else {}


def bookinfo(program: Path) -> tuple[Image, ...]:
    """One program, one layer, six images under the upstream names."""
    layer = Layer({"/bookinfo": program}, frozenset({"/bookinfo"}), ("/tmp",))
    return tuple(
        Image(
            f"{ISTIO_HUB}/examples-bookinfo-{name}:{BOOKINFO_TAG}",
            layer,
            ("/bookinfo", name.rsplit("-", 1)[0]),
            environment=settings,
            user="1000:1000",
        )
        for name, settings in _BOOKINFO
    )
