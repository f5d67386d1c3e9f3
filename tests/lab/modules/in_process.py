# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated cloud inside the test's own process; modules run against it without a socket or a second lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import session
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import Reply
from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from starlette.applications import Starlette

from gkelab.api.compute import ComputeApi
from gkelab.api.container import ContainerApi
from gkelab.model import networks
from gkelab.model.cloud import cluster_key
from gkelab.model.credentials import Issuer, write_credentials
from gkelab.model.lab import Lab
from gkelab.model.store import Store
from gkelab.world.plan import ApiWorld
from tests.unit.plugins.fake_kube import FakeApi

JSON = dict[str, Any]
PROJECT = "my-project"
ZONE = "us-central1-a"
RANGES = {
    "pods": "10.64.0.0/16",
    "more-pods": "10.65.0.0/16",
    "even-more-pods": "10.66.0.0/16",
    "services": "10.99.0.0/20",
}
"""Secondary ranges of subnetwork ``gke`` of network ``shared`` in us-central1."""


@dataclass(frozen=True)
class Request:
    """One request that a module made."""

    method: str
    path: str
    body: JSON

    @property
    def writes(self) -> bool:
        """Whether it asks for a change."""
        return self.method != "GET" and not self.path.endswith("/wait")


@dataclass
class Run:
    """What a run of a module gave back, or the sentence that it failed with; what it asked the cloud for."""

    result: JSON = field(default_factory=dict)
    error: str = ""
    requests: list[Request] = field(default_factory=list)

    @property
    def writes(self) -> list[Request]:
        """The requests that change something."""
        return [one for one in self.requests if one.writes]

    @property
    def told(self) -> tuple[Any, ...]:
        """What a prediction must get right."""
        return self.error, self.result.get("changed"), self.result.get("changes"), self.result.get("diff")


class _Clock:
    """Time passes only by sleeping, which takes none."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.001)


class Killed(BaseException):
    """Nothing of ours catches this: the run is over as if its process had been killed."""


class Cloud:
    """A project's cloud: Google's rules as the lab knows them. Operations are over by the next request."""

    def __init__(self, issuer: Issuer) -> None:
        self._loop = asyncio.new_event_loop()
        self.lab = Lab(Store(Path(":memory:")), ApiWorld(), issuer, depth="api", seconds=0)
        self._app = Starlette(routes=[*ContainerApi(self.lab).routes(), *ComputeApi(self.lab).routes()])
        self.requests: list[Request] = []
        self.hold = False
        """Leave operations running instead of finishing them before the next request."""
        self.writes_to_live: int | None = None
        """After so many more writes the run is killed, before it sees the answer."""
        self.kube = FakeApi("central")
        """The API server of every cluster; a test puts nodes and pods there."""
        self.kube_reference: JSON = {}
        """How a module referred to the cluster whose API server it asked for last."""
        self._loop.run_until_complete(self.lab.start())
        networks.ensure_default(self.lab.cloud, PROJECT)
        networks.add_network(self.lab.cloud, PROJECT, {"name": "shared", "autoCreateSubnetworks": False})
        ranges = [{"rangeName": name, "ipCidrRange": cidr} for name, cidr in RANGES.items()]
        networks.add_subnetwork(
            self.lab.cloud, PROJECT, "us-central1",
            {"name": "gke", "network": "shared", "ipCidrRange": "10.8.0.0/20", "secondaryIpRanges": ranges},
        )  # fmt: skip

    def close(self) -> None:
        """End it."""
        self._loop.run_until_complete(self.lab.leave())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """Stands in for the network."""
        parts = urlsplit(url)
        self.requests.append(Request(method, parts.path, json.loads(body) if body else {}))
        if not self.hold:
            self.settle()
        status, answer = self._loop.run_until_complete(self._ask(method, parts.path, parts.query, body or b""))
        if self.requests[-1].writes and self.writes_to_live is not None:
            self.writes_to_live -= 1
            if self.writes_to_live <= 0:
                self.writes_to_live = None
                raise Killed
        return Reply(status, answer, {})

    def settle(self) -> None:
        """Let every operation end."""
        self._loop.run_until_complete(self._settle())

    async def _settle(self) -> None:
        while self.lab.operations.unfinished():
            await asyncio.sleep(0)

    async def _ask(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        sent: list[Any] = []

        async def receive() -> JSON:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(b"content-type", b"application/json")], "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await self._app(scope, receive, send)
        return int(sent[0]["status"]), b"".join(part.get("body", b"") for part in sent[1:])

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Whatever module runs inside talks to this cloud, on a clock that costs no time."""
        clock = _Clock()
        still = Clock(
            now=lambda: clock.seconds, sleep=clock.sleep, jitter=lambda: 0.5, wall=lambda: 1_000_000.0 + clock.seconds
        )
        with (
            mock.patch.object(session, "RequestsTransport", lambda: self),
            mock.patch.object(session, "Clock", lambda: still),
            mock.patch.object(connect, "connect", self._connect),
        ):
            yield

    def _connect(self, ref: JSON, params: JSON) -> KubeClient:
        self.kube_reference = ref
        return self.kube.client

    def run(self, core: ModuleType, params: JSON, *, check_mode: bool = False, diff: bool = True) -> Run:
        """Run a core as its action does."""
        options = validated(core, params)
        before, done = len(self.requests), Run()
        with self.reached():
            try:
                done.result = core.run(options, check_mode=check_mode, diff=diff, report=lambda line: None)
            except MeshError as error:
                done.error = str(error)
        if not self.hold:
            self.settle()
        done.requests = self.requests[before:]
        return done

    def cluster(self, name: str = "central", location: str = ZONE) -> JSON:
        """A cluster's record, to look at or to meddle with."""
        record = self.lab.cloud.clusters.get(cluster_key(PROJECT, location, name))
        assert record is not None
        return record

    def meddle(self, record: JSON) -> None:
        """Put a changed record back, as somebody with a console would."""
        key = cluster_key(record["project"], record["location"], record["name"])
        self.lab.cloud.clusters.put(key, record | {"revision": record["revision"] + 1})


def validated(core: ModuleType, params: JSON) -> JSON:
    """Options as Ansible hands them over: defaults filled in, types converted."""
    given = {"project": PROJECT, "access_token": "token", **json.loads(json.dumps(params))}  # it is written into
    outcome = ArgumentSpecValidator(core.ARGUMENT_SPEC, **getattr(core, "SPEC_KWARGS", {})).validate(given)
    assert not outcome.error_messages, outcome.error_messages
    return dict(outcome.validated_parameters)


def make_issuer(folder: Path) -> Issuer:
    """Keys cost a second: one for all tests."""
    path = folder / "credentials.json"
    write_credentials(path, "http://127.0.0.1:1/token", PROJECT)
    return Issuer(json.loads(path.read_text(encoding="utf-8")))
