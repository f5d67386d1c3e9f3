# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Kubernetes API server on the loopback, of the lab's own programs: no nodes, a few seconds to start."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import connect

from gkelab.world import pki

TOKEN = "a-token-of-the-test"
CONTROLLERS = ("serviceaccount-token-controller", "serviceaccount-controller", "namespace-controller")
START_SECONDS = 60


@dataclass(frozen=True)
class ApiServer:
    """A running one: its kubeconfig, a client, and the programs beside it."""

    kubeconfig: Path
    client: KubeClient
    programs: Path

    def run(self, program: str, *arguments: str, given: str = "") -> str:
        """Standard output of a program that talks to this API server."""
        command = [str(self.programs / program), "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60).stdout

    def reference(self, name: str) -> dict[str, Any]:
        """The cluster as an option of our modules, by any name."""
        return {"name": name, "kubeconfig": str(self.kubeconfig)}


@contextmanager
def api_server(programs: Path, folder: Path) -> Iterator[ApiServer]:
    """Start etcd, the API server and the controllers for token Secrets; its CA is one that strict checks refuse."""
    etcd, peer, port, unused = free_ports(4)
    authority = pki.new_authority("old-ca", legacy=True)
    served = pki.issue_server(authority, "kube-apiserver", ["localhost"], ["127.0.0.1"])
    private, public = pki.new_signing_key()
    files = {
        "ca.crt": authority.pem,
        "api.crt": served.certificate,
        "api.key": served.key,
        "sa.key": private,
        "sa.pub": public,
    }
    files["tokens.csv"] = f'{TOKEN},tester,1,"system:masters"'
    for name, text in files.items():
        pki.write_secret(folder / name, text)
    kubeconfig = folder / "kubeconfig"
    pki.write_secret(kubeconfig, json.dumps(_kubeconfig(folder, port)))
    client = connect({"name": "real", "kubeconfig": str(kubeconfig)}, {})
    assert client is not None
    with ExitStack() as stack:
        start = _starter(stack, programs, folder)
        start("etcd", *_etcd(folder, etcd, peer))
        start("kube-apiserver", *_api_server(folder, etcd, port))
        client.wait_ready(START_SECONDS)
        start(
            "kube-controller-manager", f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1",
            f"--secure-port={unused}", f"--controllers={','.join(CONTROLLERS)}", f"--root-ca-file={folder / 'ca.crt'}",
            f"--service-account-private-key-file={folder / 'sa.key'}",
        )  # fmt: skip
        yield ApiServer(kubeconfig, client, programs)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _each in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _starter(stack: ExitStack, programs: Path, folder: Path) -> Callable[..., None]:
    """Starts programs that end with the stack, the last one first."""

    def start(program: str, *flags: str) -> None:
        log = stack.enter_context((folder / f"{program}.log").open("w"))
        process = subprocess.Popen([str(programs / program), *flags], stdout=log, stderr=log, cwd=folder)
        stack.callback(process.wait, 30)
        stack.callback(process.kill)

    return start


def _etcd(folder: Path, port: int, peer: int) -> list[str]:
    here, there = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    flags = {
        "data-dir": folder / "etcd", "listen-client-urls": here, "advertise-client-urls": here, "log-level": "warn",
        "listen-peer-urls": there, "initial-advertise-peer-urls": there, "initial-cluster": f"default={there}",
    }  # fmt: skip
    return ["--unsafe-no-fsync", *(f"--{name}={value}" for name, value in flags.items())]


def _api_server(folder: Path, etcd: int, port: int) -> list[str]:
    flags = {
        "etcd-servers": f"http://127.0.0.1:{etcd}", "secure-port": port, "bind-address": "127.0.0.1",
        "tls-cert-file": folder / "api.crt", "tls-private-key-file": folder / "api.key",
        "token-auth-file": folder / "tokens.csv", "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.96.0.0/20",
        "service-account-issuer": "https://kubernetes.default.svc", "service-account-key-file": folder / "sa.pub",
        "service-account-signing-key-file": folder / "sa.key",
    }  # fmt: skip
    return [f"--{name}={value}" for name, value in flags.items()]


def _kubeconfig(folder: Path, port: int) -> dict[str, Any]:
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(folder / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "real", "cluster": cluster}],
        "users": [{"name": "tester", "user": {"token": TOKEN}}],
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "tester"}}],
        "current-context": "real",
    }
