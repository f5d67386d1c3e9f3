# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab at depth api with many clusters: nothing stands behind the APIs, so what is measured is Ansible and modules."""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account

from tests.bench.runs import CHECKOUT, LabApi, RunFailed

ZONES = ("us-central1-a", "us-west1-b", "us-east1-b", "europe-west1-b", "asia-east1-a")
FIREWALL = "istio-multicluster-pod-fw"
TAG = "mesh1-node"
NODES = 3
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@dataclass(frozen=True)
class Fleet:
    """A lab that is up, and what is needed to use it."""

    folder: Path
    """For playbooks, inventories and whatever else a benchmark writes."""
    port: int
    variables: Mapping[str, str]
    """What `gkelab env` says."""

    @property
    def api(self) -> LabApi:
        """The lab's own endpoints."""
        return LabApi(f"http://127.0.0.1:{self.port}")

    @property
    def key_file(self) -> str:
        """The service account's key."""
        return self.variables["GOOGLE_APPLICATION_CREDENTIALS"]

    def slow_creations(self, seconds: Sequence[float]) -> None:
        """From now on the first cluster created takes the first number of seconds, and so on."""
        self._lab("DELETE", "faults")
        for number, duration in enumerate(seconds, 1):
            match = {"method": "POST", "path": "/clusters$", "nth": number, "count": 1}
            self._lab("POST", "faults", {"match": match, "action": {"operation_seconds": duration}})

    def longest_creation(self, project: str) -> float:
        """Seconds that the longest creation in a project took, from what the API says of it."""
        found = self.ask(f"v1/projects/{project}/locations/-/operations")["operations"]
        return max(_seconds(one) for one in found if one["operationType"] == "CREATE_CLUSTER")

    def rule(self, project: str, name: str) -> Mapping[str, Any]:
        """A firewall rule as the API shows it."""
        return self.ask(f"compute/v1/projects/{project}/global/firewalls/{name}")

    def ask(self, path: str) -> Mapping[str, Any]:
        """The answer to a GET."""
        credentials = service_account.Credentials.from_service_account_file(self.key_file, scopes=_SCOPES)
        answer = AuthorizedSession(credentials).get(f"{self.api.url}/{path}", timeout=60)
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
        return found

    def inventory(self, name: str, count: int) -> Path:
        """An inventory of so many clusters, spread over zones, whose names begin alike."""
        hosts = {f"{name}{number:03}": {"zone": ZONES[number % len(ZONES)]} for number in range(count)}
        # Modules, where no action stands in for them, need the libraries of this environment.
        common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        return self._written(f"{name}{count}-hosts.yml", {"all": {"hosts": hosts, "vars": common}})

    def play(self, name: str, tasks: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any] | None = None) -> str:
        """A playbook of these tasks on all hosts; its path."""
        play = {"name": name, "hosts": "all", "gather_facts": False, "module_defaults": defaults or {}, "tasks": tasks}
        return str(self._written(f"{name}.yml", [play]))

    def _written(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def _lab(self, method: str, path: str, body: object = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        call = urllib.request.Request(f"{self.api.url}/lab/{path}", method=method, data=data)
        urllib.request.urlopen(call, timeout=30).close()


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    """A lab of its own with this folder as its home, up inside of the block; no root needed, no other lab disturbed."""
    home, port = folder / "lab", _free_port()
    environment = os.environ | {"GKELAB_HOME": str(home)}
    _gkelab(environment, "up", "--depth", "api", "--port", str(port), "--operation-seconds", "0")
    try:
        yield Fleet(folder, port, json.loads((home / "env.json").read_text(encoding="utf-8")))
    finally:
        _gkelab(environment, "down")


def _gkelab(environment: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run(
        ["gkelab", *arguments], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RunFailed(f"gkelab {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _seconds(operation: Mapping[str, Any]) -> float:
    start, end = (datetime.datetime.fromisoformat(operation[field]) for field in ("startTime", "endTime"))
    return (end - start).total_seconds()
