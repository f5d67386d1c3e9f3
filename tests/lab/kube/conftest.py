# SPDX-License-Identifier: GPL-3.0-or-later
"""One API server for all tests of this folder, a namespace of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gkelab.build import Artifacts, artifacts
from tests.lab.kube.api_server import ApiServer, api_server


@pytest.fixture(scope="session")
def built() -> Artifacts:
    """The lab's programs and Istio's charts and samples."""
    return artifacts()


@pytest.fixture(scope="session")
def server(built: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The API server."""
    folder: Path = tmp_path_factory.mktemp("api-server")
    with api_server(built.bin, folder) as running:
        yield running


@pytest.fixture
def namespace(server: ApiServer) -> str:
    """A fresh namespace."""
    name = f"test-{secrets.token_hex(4)}"
    server.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name
