# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties: whatever a client sends is done or refused, and what came of it fits Google's schema."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.container_v1.types import Cluster
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gkelab.model.clusters import view
from gkelab.model.credentials import Issuer, write_credentials
from gkelab.model.errors import ApiError
from gkelab.model.lab import Lab
from gkelab.model.schema import canonical, message
from gkelab.model.store import Store
from gkelab.world.plan import ApiWorld

PROJECT, ZONE = "p", "us-central1-a"
WORDS = ["", "x", "pool", "default", "10.0.0.0/8", "/20", "us-central1-b", ZONE, "latest", "1.35", "-", "no such range"]
SENSIBLE = {"name": "c", "nodePools": [{"name": "pool", "initialNodeCount": 1}]}
NONSENSE: st.SearchStrategy[Any] = st.sampled_from([None, 5, "zz", [], {}, True, -1, 2**40, [{}]])
ENOUGH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _messages(descriptor: Descriptor, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """JSON of a message with a few of its fields, mostly of the right type."""
    if depth == 0:
        return st.just({})
    fields = {field.json_name: field for field in descriptor.fields}
    chosen = st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True) if fields else st.just([])
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: _values(fields[name], depth) for name in names}))


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return st.dictionaries(st.sampled_from(WORDS), st.sampled_from(WORDS), max_size=2)
    one: st.SearchStrategy[Any]
    if kind is not None and kind.full_name.startswith("google.protobuf."):
        one = st.sampled_from(["2026-01-01T00:00:00Z", "60s", True, 7, {}])
    elif kind is not None:
        one = _messages(kind, depth - 1)
    elif field.enum_type is not None:
        one = st.sampled_from([value.name for value in field.enum_type.values])
    elif field.type == FieldDescriptor.TYPE_BOOL:
        one = st.booleans()
    elif field.type == FieldDescriptor.TYPE_STRING:
        one = st.sampled_from(WORDS)
    else:
        one = st.sampled_from([0, 1, 3, 50, 5000, -5, "7"])
    proper = st.lists(one, max_size=2) if field.is_repeated else one
    # One in twenty values is of some other type.
    return st.integers(0, 19).flatmap(lambda lot: NONSENSE if lot == 7 else proper)


class Client:
    """Sends a request, waits for what it began, and reads the result."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.clusters = lab.clusters

    async def create(self, body: Any) -> None:
        with contextlib.suppress(ApiError):
            request = canonical(message("CreateClusterRequest"), {"cluster": body})
            self.clusters.create(PROJECT, ZONE, request.get("cluster", {}))
        await self.settle()

    async def update(self, body: Any) -> None:
        with contextlib.suppress(ApiError):
            self.clusters.update(PROJECT, ZONE, "c", canonical(message("ClusterUpdate"), body))
        await self.settle()

    async def update_pool(self, body: Any) -> None:
        with contextlib.suppress(ApiError):
            request = canonical(message("UpdateNodePoolRequest"), body)
            self.clusters.update_pool(PROJECT, ZONE, "c", "pool", request)
        await self.settle()

    async def create_pool(self, body: Any) -> None:
        with contextlib.suppress(ApiError):
            self.clusters.create_pool(PROJECT, ZONE, "c", canonical(message("NodePool"), body | {"name": "other"}))
        await self.settle()

    async def settle(self) -> None:
        while self.lab.operations.unfinished():
            await asyncio.sleep(0)
        for record in self.lab.cloud.clusters.values():
            shown = canonical(message("Cluster"), view(record))
            Cluster.from_json(json.dumps(shown), ignore_unknown_fields=False)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    path = tmp_path_factory.mktemp("key") / "credentials.json"
    write_credentials(path, "http://127.0.0.1:1/token", PROJECT)
    return Issuer(json.loads(path.read_text(encoding="utf-8")))


async def _play(issuer: Issuer, **steps: Any) -> None:
    lab = Lab(Store(Path(":memory:")), ApiWorld(), issuer, depth="api", seconds=0)
    await lab.start()
    client = Client(lab)
    for name, body in steps.items():
        await getattr(client, name)(body)
    await lab.leave()


@ENOUGH
@given(body=_messages(message("Cluster")), named=st.booleans())
def test_create(issuer: Issuer, body: dict[str, Any], named: bool) -> None:
    asyncio.run(_play(issuer, create=body | (SENSIBLE if named else {})))


@ENOUGH
@given(body=_messages(message("ClusterUpdate")))
def test_update(issuer: Issuer, body: dict[str, Any]) -> None:
    asyncio.run(_play(issuer, create=SENSIBLE, update=dict(list(body.items())[:1])))


@ENOUGH
@given(changed=_messages(message("UpdateNodePoolRequest")), made=_messages(message("NodePool")))
def test_node_pools(issuer: Issuer, changed: dict[str, Any], made: dict[str, Any]) -> None:
    asyncio.run(_play(issuer, create=SENSIBLE, update_pool=changed, create_pool=made))
