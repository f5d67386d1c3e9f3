# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts of existing kubeconfigs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig_reader import endpoint_from_kubeconfig


def _write(path: Path, user: dict[str, Any], **cluster: Any) -> str:
    config = {
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "gone", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    file = path / "config"
    file.write_text(json.dumps(config))
    return str(file)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_inline_data_and_token(tmp_path: Path) -> None:
    settings = {
        "certificate-authority-data": _encoded("CA"),
        "tls-server-name": "api.internal",
        "proxy-url": "http://p:1",
    }
    endpoint = endpoint_from_kubeconfig("east", _write(tmp_path, {"token": "t"}, **settings))
    assert (endpoint.name, endpoint.server, endpoint.ca) == ("east", "https://127.0.0.1:6443", "CA")
    assert (endpoint.tls_server_name, endpoint.proxy, endpoint.verify) == ("api.internal", "http://p:1", True)
    assert endpoint.token and endpoint.token(False) == "t"


def test_files_are_next_to_the_kubeconfig(tmp_path: Path) -> None:
    for name in ("ca", "crt", "key"):
        (tmp_path / name).write_text(name.upper())
    (tmp_path / "token").write_text("t1\n")
    user = {"client-certificate": "crt", "client-key": "key", "tokenFile": "token"}
    endpoint = endpoint_from_kubeconfig("east", _write(tmp_path, user, **{"certificate-authority": "ca"}))
    assert (endpoint.ca, endpoint.client_certificate, endpoint.client_key) == ("CA", "CRT", "KEY")
    (tmp_path / "token").write_text("t2\n")
    assert endpoint.token and endpoint.token(True) == "t2", "the file is read anew: something else renews it"


def test_a_credential_plugin_is_run_again_for_a_fresh_token(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\necho x >> $COUNT\n"
        'echo "{\\"status\\": {\\"token\\": \\"token-$1-$(wc -l < $COUNT | tr -d " ")\\"}}"\n'
    )
    plugin.chmod(0o755)
    run = {"command": "./plugin", "args": ["a"], "env": [{"name": "COUNT", "value": str(tmp_path / "count")}]}
    endpoint = endpoint_from_kubeconfig("east", _write(tmp_path, {"exec": run}))
    assert endpoint.token is not None
    assert [endpoint.token(False), endpoint.token(False), endpoint.token(True)] == [
        "token-a-1",
        "token-a-1",
        "token-a-2",
    ]


@pytest.mark.parametrize(
    ("user", "context", "text"),
    [
        ({}, "three", r"no context 'three' in it\. It has: one, two\."),
        ({}, "two", r"no cluster 'gone' in it\. It has: c\."),
        (
            {"exec": {"command": "no-such-plugin", "installHint": "Install it."}},
            "",
            r"No such file or directory\. Install it\.",
        ),
        ({"exec": {"command": "false"}}, "", r"log in to cluster east with false: it ended with 1"),
        ({"exec": {"command": "echo", "args": ["hello"]}}, "", "not an ExecCredential"),
        ({"client-certificate": "no-such-file"}, "", "No such file"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, user: dict[str, Any], context: str, text: str) -> None:
    with pytest.raises(MeshError, match=text) as caught:
        endpoint_from_kubeconfig("east", _write(tmp_path, user), context)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "a: [", "- 1"])
def test_a_broken_file_is_said_to_be_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "config").write_text(content)
    with pytest.raises(MeshError, match="read kubeconfig"):
        endpoint_from_kubeconfig("east", str(tmp_path / "config"))
