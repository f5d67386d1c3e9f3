# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig that helm gets."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig_reader import endpoint_from_kubeconfig
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig_temporary import temporary_kubeconfig

ENDPOINT = Endpoint(
    "east", "https://203.0.113.7", ca="CA", tls_server_name="n", proxy="http://p:1",
    token=lambda refresh: "t", client_certificate="C", client_key="K",
)  # fmt: skip


def test_it_says_what_the_endpoint_says_and_is_private(tmp_path: Path) -> None:
    with temporary_kubeconfig(ENDPOINT, str(tmp_path)) as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        back = endpoint_from_kubeconfig("east", path)
    for field in ("server", "ca", "tls_server_name", "proxy", "verify", "client_certificate", "client_key"):
        assert getattr(back, field) == getattr(ENDPOINT, field)
    assert back.token and back.token(False) == "t"


def test_it_is_gone_afterwards_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), temporary_kubeconfig(ENDPOINT, str(tmp_path)):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
