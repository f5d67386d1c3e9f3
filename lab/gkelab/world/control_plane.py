# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's control plane: etcd, API server, controller manager and scheduler as plain processes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from gkelab.world import kubeconfig, network, pki, processes
from gkelab.world.folders import ClusterFolder
from gkelab.world.kube_api import Deadline, KubeApi
from gkelab.world.plan import ClusterPlan, WorldError
from gkelab.world.processes import ProcessTable

ROLES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")

_READY_TIMEOUT = 180.0
_POLL = 0.1
"""Seconds."""

_SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
)

_CLIENT_FLAGS = (
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    "--profiling=false",
    # At the default 20 requests a second the controller manager takes five seconds to start its controllers.
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
)

_log = logging.getLogger(__name__)


class ControlPlane:
    """The four processes of one cluster, in one namespace."""

    def __init__(self, plan: ClusterPlan, folder: ClusterFolder, bin_dir: Path, port: int) -> None:
        self._plan = plan
        self._folder = folder
        self._bin = bin_dir
        self._port = port
        self._processes = ProcessTable(folder.processes)

    @property
    def ca_certificate(self) -> str:
        """PEM."""
        return (self._folder.pki / "ca.crt").read_text()

    def start(self) -> None:
        """Start what an answering API server needs; what runs is left alone."""
        write_credentials(self._plan, self._folder, self._port)
        namespace = network.connect_control_plane(self._plan.slot, self._plan.endpoint)
        self._end_strays(namespace)
        for role in ("etcd", "kube-apiserver"):
            self._ensure(role)

    def finish(self) -> KubeApi:
        """Wait for the API server, start its two clients, and return an administrator's client."""
        api = self.api()
        deadline = Deadline(_READY_TIMEOUT)
        while not api.ready():
            self.check_alive()
            if not deadline.pause(_POLL):
                raise WorldError(f"the API server of {self._plan.name} was not ready within {_READY_TIMEOUT:.0f} s")
        for role in ("kube-controller-manager", "kube-scheduler"):
            self._ensure(role)
        return api

    def api(self) -> KubeApi:
        """An administrator's client."""
        folder = self._folder.pki
        return KubeApi(
            self._plan.endpoint, ca=folder / "ca.crt", certificate=folder / "admin.crt", key=folder / "admin.key"
        )

    def states(self) -> dict[str, bool]:
        """Which of the processes run."""
        return {role: self._processes.alive(role) for role in ROLES}

    def _ensure(self, role: str) -> None:
        if self._processes.alive(role):
            return
        prefix = network.enter(network.control_plane_namespace(self._plan.slot))
        self._processes.spawn(role, [*prefix, *self._command(role)], log=self._folder.log(role), env={})

    def _end_strays(self, namespace: str) -> None:
        """End processes that no record knows: a daemon killed between a start and its note leaves one."""
        known = {self._processes.pid(role) for role in ROLES}
        strays = [pid for pid in processes.in_namespaces([namespace]) if pid not in known]
        if strays:
            _log.warning("%s: ending %d processes of an interrupted start", self._plan.name, len(strays))
            processes.kill(strays)

    def check_alive(self) -> None:
        """Raise WorldError, with its last words, if the API server or its store has ended."""
        for role in ("etcd", "kube-apiserver"):
            if not self._processes.alive(role):
                raise WorldError(f"{role} of {self._plan.name} ended: {_last_line(self._folder.log(role))}")

    def _command(self, role: str) -> Sequence[str]:
        flags = {
            "etcd": _etcd_flags,
            "kube-apiserver": _api_server_flags,
            "kube-controller-manager": _controller_manager_flags,
            "kube-scheduler": _scheduler_flags,
        }[role]
        return [str(self._bin / role), *flags(self._plan, self._folder)]


def write_credentials(plan: ClusterPlan, folder: ClusterFolder, port: int) -> None:
    """Make the cluster's certificates and kubeconfigs, once: a restarted cluster keeps its authority."""
    done = folder.pki / "complete"
    if done.exists():
        return
    authority = pki.new_authority(f"{plan.name}-ca", legacy=plan.legacy_ca)
    pki.write_secret(folder.pki / "ca.key", pki.private_pem(authority.key))
    (folder.pki / "ca.crt").write_text(authority.pem)
    private, public = pki.new_signing_key()
    pki.write_secret(folder.pki / "sa.key", private)
    (folder.pki / "sa.pub").write_text(public)
    service_address = kubeconfig.first_address(plan.service_cidr)
    server = pki.issue_server(authority, "kube-apiserver", _SERVER_NAMES, ["127.0.0.1", plan.endpoint, service_address])
    _write_pair(folder, "kube-apiserver", server)
    kubelet_client = pki.issue_client(authority, "kube-apiserver-kubelet-client", ["system:masters"])
    _write_pair(folder, "kubelet-client", kubelet_client)
    for user, name, groups in (
        ("admin", "gkelab:admin", ("system:masters",)),
        ("kube-controller-manager", "system:kube-controller-manager", ()),
        ("kube-scheduler", "system:kube-scheduler", ()),
        ("kube-proxy", "system:kube-proxy", ()),
    ):
        pair = pki.issue_client(authority, name, groups)
        _write_pair(folder, user, pair)
        pki.write_secret(folder.kubeconfig(user), kubeconfig.render(plan, authority.pem, name, pair))
    pki.write_secret(folder.root / "token-review.kubeconfig", kubeconfig.token_review(port))
    done.touch()


def _write_pair(folder: ClusterFolder, name: str, pair: pki.KeyPair) -> None:
    (folder.pki / f"{name}.crt").write_text(pair.certificate)
    pki.write_secret(folder.pki / f"{name}.key", pair.key)


def _etcd_flags(plan: ClusterPlan, folder: ClusterFolder) -> list[str]:
    return [
        f"--name={plan.name}",
        f"--data-dir={folder.etcd}",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        f"--initial-cluster={plan.name}=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server_flags(plan: ClusterPlan, folder: ClusterFolder) -> list[str]:
    issuer = (
        f"https://container.googleapis.com/v1/projects/{plan.project}/locations/{plan.location}/clusters/{plan.name}"
    )
    return [
        "--etcd-servers=http://127.0.0.1:2379",
        "--secure-port=443",
        f"--advertise-address={plan.endpoint}",
        f"--tls-cert-file={folder.pki}/kube-apiserver.crt",
        f"--tls-private-key-file={folder.pki}/kube-apiserver.key",
        f"--client-ca-file={folder.pki}/ca.crt",
        f"--kubelet-client-certificate={folder.pki}/kubelet-client.crt",
        f"--kubelet-client-key={folder.pki}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-issuer={issuer}",
        f"--service-account-key-file={folder.pki}/sa.pub",
        f"--service-account-signing-key-file={folder.pki}/sa.key",
        f"--service-cluster-ip-range={plan.service_cidr}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        # Webhooks are called at their pods' addresses: there is no kube-proxy beside the API server.
        "--enable-aggregator-routing=true",
        f"--authentication-token-webhook-config-file={folder.root}/token-review.kubeconfig",
        "--authentication-token-webhook-version=v1",
        "--authentication-token-webhook-cache-ttl=10s",
        "--profiling=false",
    ]


def _controller_manager_flags(plan: ClusterPlan, folder: ClusterFolder) -> list[str]:
    return [
        f"--kubeconfig={folder.kubeconfig('kube-controller-manager')}",
        f"--service-account-private-key-file={folder.pki}/sa.key",
        f"--root-ca-file={folder.pki}/ca.crt",
        f"--cluster-signing-cert-file={folder.pki}/ca.crt",
        f"--cluster-signing-key-file={folder.pki}/ca.key",
        f"--cluster-name={plan.name}",
        # The plan gives every node its pod range.
        "--allocate-node-cidrs=false",
        "--use-service-account-credentials",
        *_CLIENT_FLAGS,
    ]


def _scheduler_flags(plan: ClusterPlan, folder: ClusterFolder) -> list[str]:
    return [
        f"--kubeconfig={folder.kubeconfig('kube-scheduler')}",
        *_CLIENT_FLAGS,
    ]


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else f"see {log}"
