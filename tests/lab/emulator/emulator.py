# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon of the lab at depth api as the tests see it, and Google's clients pointed at it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from google.auth.transport.requests import AuthorizedSession
from google.cloud.container_v1 import ClusterManagerClient
from google.oauth2 import service_account

import gkelab
from gkelab.config import Config, save
from gkelab.model.credentials import write_credentials

JSON = dict[str, Any]
SCOPES = ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email"]
_START_SECONDS = 120.0
_PATIENCE = 30.0


@dataclass
class Emulator:
    """One daemon in a home of its own."""

    home: Path
    operation_seconds: float
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key_file(self) -> Path:
        return self.home / "credentials.json"

    def start(self) -> None:
        """Start the daemon, for the first time or again, and wait until it answers."""
        self.launch()
        until(self._answers, seconds=_START_SECONDS)

    def launch(self) -> None:
        """Start the daemon's process."""
        if not self.port:
            self.port = _free_port()
            self.home.mkdir(parents=True, exist_ok=True)
            write_credentials(self.key_file, f"{self.url}/token", "lab-project")
            save(self.home, Config(depth="api", port=self.port, operation_seconds=self.operation_seconds))
        environment = os.environ | {
            "GKELAB_HOME": str(self.home),
            "PYTHONPATH": str(Path(gkelab.__file__).resolve().parent.parent),
        }
        with (self.home / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gkelab.daemon"], env=environment, stdout=log, stderr=log
            )

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError((self.home / "daemon.log").read_text(encoding="utf-8"))
        try:
            return requests.get(f"{self.url}/lab/status", timeout=5).ok
        except requests.ConnectionError:
            return False

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the daemon a signal; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=_PATIENCE)

    # the lab's own endpoints

    def lab(self, method: str, path: str, body: object = None) -> JSON:
        answer = requests.request(method, f"{self.url}/lab/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def fault(self, action: JSON, **match: object) -> None:
        """Put a fault in force."""
        self.lab("POST", "faults", {"match": match, "action": action})

    @contextmanager
    def held(self, method: str, path: str) -> Iterator[None]:
        """Operations that such requests begin inside go on only at the end, however slow this machine is."""
        self.fault({"stuck": True}, method=method, path=path)
        yield
        self.lab("DELETE", "faults")

    # clients

    def credentials(self, scopes: list[str] | None = None) -> service_account.Credentials:
        made: service_account.Credentials = service_account.Credentials.from_service_account_file(
            str(self.key_file), scopes=scopes or SCOPES
        )
        return made

    def session(self) -> AuthorizedSession:
        """Plain google-auth: exchanges an assertion for an access token."""
        return AuthorizedSession(self.credentials())

    def clusters(self) -> ClusterManagerClient:
        """Google's container client over REST: a self-signed token."""
        client: ClusterManagerClient = ClusterManagerClient.from_service_account_file(
            str(self.key_file), transport="rest", client_options={"api_endpoint": self.url}
        )
        return client


class Rest:
    """JSON calls in one project and location with a plain session."""

    def __init__(
        self,
        emulator: Emulator,
        project: str,
        location: str = "us-central1-a",
        session: AuthorizedSession | None = None,
    ) -> None:
        self.emulator = emulator
        self.project = project
        self.location = location
        self._session = session or emulator.session()

    def call(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, JSON]:
        """(status, body) of a path under the API's root."""
        answer = self._session.request(method, f"{self.emulator.url}/{path}", json=body, params=query, timeout=30)
        return answer.status_code, answer.json()

    def container(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, JSON]:
        """A path below this project's location."""
        return self.call(method, f"v1/projects/{self.project}/locations/{self.location}/{path}", body, **query)

    def raw(self, method: str, path: str, body: object = None) -> requests.Response:
        """The answer itself, of a path below this project's location."""
        url = f"{self.emulator.url}/v1/projects/{self.project}/locations/{self.location}/{path}"
        answer: requests.Response = self._session.request(method, url, json=body, timeout=30)
        return answer

    def compute(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, JSON]:
        return self.call(method, f"compute/v1/projects/{self.project}/{path}", body, **query)

    def done(self, operation: JSON) -> JSON:
        """The operation once it is done."""
        path = f"operations/{operation['name']}"
        return until(lambda: _done(self.container("GET", path)[1]))

    def cluster(self, name: str = "c", **fields: object) -> JSON:
        """A cluster that is up."""
        body = {"name": name, "nodePools": [{"name": "default-pool", "initialNodeCount": 1}]} | fields
        status, operation = self.container("POST", "clusters", {"cluster": body})
        assert status == 200, operation
        assert "error" not in self.done(operation)
        return self.get(name)

    def get(self, name: str = "c") -> JSON:
        status, cluster = self.container("GET", f"clusters/{name}")
        assert status == 200, cluster
        return cluster

    def change(self, method: str, path: str, body: object = None) -> JSON:
        """A call that begins an operation, which then ends well; the operation."""
        status, operation = self.container(method, path, body)
        assert status == 200, operation
        finished = self.done(operation)
        assert "error" not in finished, finished
        return finished


def _done(operation: JSON) -> JSON | None:
    return operation if operation["status"] == "DONE" else None


def until[T](condition: Callable[[], T | None], seconds: float = _PATIENCE) -> T:
    """The first true answer of the condition."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
