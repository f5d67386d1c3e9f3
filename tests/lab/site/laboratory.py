# SPDX-License-Identifier: GPL-3.0-or-later
"""A running lab as the tests see it: its command line, its APIs and the record of its requests."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from google.auth.transport.requests import Request as Login
from google.oauth2 import service_account

from gkelab import paths

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@dataclass(frozen=True)
class Lab:
    """One lab. Its home is in the environment: GKELAB_HOME, or the user's own."""

    environment: Mapping[str, str]
    """What `gkelab env` tells a Google client."""
    home: str | None = None
    """GKELAB_HOME, where it is not the user's own."""

    @property
    def project(self) -> str:
        return self.environment["GCP_PROJECT"]

    @property
    def url(self) -> str:
        return self.environment["GKE_MESH_CONTAINER_ENDPOINT"]

    @property
    def child_environment(self) -> dict[str, str]:
        """What a process needs besides its own environment to use this lab."""
        return {"GKELAB_HOME": self.home} if self.home else {}

    def down(self) -> None:
        """Take it down; whatever goes wrong fails the test."""
        gkelab("down", home=self.home)

    def forget_requests(self) -> None:
        """Count from nought."""
        _lab_call("DELETE", f"{self.url}/lab/requests")

    def writes(self) -> list[str]:
        """The requests since then that meant to change something at Google, as method and path."""
        record = _lab_call("GET", f"{self.url}/lab/requests")
        return [f"{request['method']} {request['path']}" for request in record["requests"] if request["write"]]

    def google(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One call of an emulated API with the lab's credentials, as a person with gcloud would do by hand."""
        key = self.environment["GOOGLE_APPLICATION_CREDENTIALS"]
        account = service_account.Credentials.from_service_account_file(key, scopes=SCOPES)
        # Not AuthorizedSession: it looks for the account's regions at Google itself, in the background.
        account.refresh(Login())
        headers = {"Authorization": f"Bearer {account.token}"}
        data = None if body is None else json.dumps(body).encode()
        answer: dict[str, Any] = _call(Request(self.url + path, data=data, method=method, headers=headers))
        return answer

    def clusters(self, project: str = "") -> dict[str, dict[str, Any]]:
        """All clusters of a project, by default the lab's own, by name."""
        found = self.google("GET", f"/v1/projects/{project or self.project}/locations/-/clusters")
        return {cluster["name"]: cluster for cluster in found.get("clusters", [])}

    def firewalls(self, project: str = "") -> set[str]:
        """Names of all firewall rules of a project, by default the lab's own."""
        found = self.google("GET", f"/compute/v1/projects/{project or self.project}/global/firewalls")
        return {rule["name"] for rule in found.get("items", [])}


def start(*arguments: str, home: str | None = None) -> Lab:
    """Bring a lab up and know how to reach it."""
    gkelab("up", *arguments, home=home)
    state = Path(home) if home else paths.home()
    return Lab(json.loads((state / "env.json").read_text(encoding="utf-8")), home)


def gkelab(*arguments: str, home: str | None = None) -> str:
    """Run the lab's command; its output."""
    done = subprocess.run(
        ["gkelab", *arguments],
        env={**os.environ, **({"GKELAB_HOME": home} if home else {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"gkelab {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def _lab_call(method: str, url: str) -> Any:
    return _call(Request(url, method=method))


def _call(request: Request) -> Any:
    try:
        with urlopen(request, timeout=30) as response:
            body = response.read()
    except HTTPError as error:
        raise AssertionError(f"{request.method} {request.full_url}: {error.code} {error.read()!r}") from error
    return json.loads(body) if body else None
