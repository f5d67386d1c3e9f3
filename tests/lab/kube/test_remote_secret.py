# SPDX-License-Identifier: GPL-3.0-or-later
"""The remote secret against the one that istioctl itself makes."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from ansible_collections.mcistio.gke.plugins.module_utils._core import istio_remote_secret

from tests.lab.kube.api_server import ApiServer
from tests.unit.plugins.params import defaults

pytestmark = pytest.mark.lab

ACCOUNT = "istio-reader-service-account"
# Beside plain ones, names that look like something else to a YAML reader.
NAMES = [
    "east",
    "gke-1",
    "1e3",
    "0x1f",
    "on",
    "y",
    "null",
    "123",
    "0b1",
    "0o7",
    "2001-01-01",
    "12e-5",
    "0777",
    "inf",
    "0o9",
]


def _run(real: ApiServer, namespace: str, name: str, **more: Any) -> dict[str, Any]:
    clusters = {"primary": real.reference("central"), "remote": real.reference(name)}
    params = defaults(istio_remote_secret, **clusters, namespace=namespace, **more)
    return istio_remote_secret.run(params, check_mode=False, diff=True, report=lambda line: None)


def _by_istioctl(server: ApiServer, namespace: str, name: str, *flags: str) -> dict[str, Any]:
    text = server.run("istioctl", "create-remote-secret", f"--name={name}", "-n", namespace, *flags)
    # everything as text: a reader that guesses types would take some of the names for numbers
    documents = [document for document in yaml.load_all(text, yaml.BaseLoader) if document]
    assert len(documents) == 1
    secret: dict[str, Any] = documents[0]
    return secret


def _ours(server: ApiServer, namespace: str, name: str) -> dict[str, Any]:
    secret = server.client.get("v1", "Secret", f"istio-remote-secret-{name}", namespace)
    assert secret is not None
    return secret


@pytest.fixture(autouse=True)
def _account(server: ApiServer, namespace: str) -> None:
    server.client.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}}
    )


def test_the_bytes_are_istioctl_s_whatever_the_name(server: ApiServer, namespace: str) -> None:
    for name in NAMES:
        assert _run(server, namespace, name)["changed"]
        theirs, ours = _by_istioctl(server, namespace, name), _ours(server, namespace, name)
        assert {key: base64.b64decode(value).decode() for key, value in ours["data"].items()} == theirs["stringData"]
        assert ours["metadata"]["labels"] == theirs["metadata"]["labels"]
        assert ours["metadata"]["annotations"] == theirs["metadata"]["annotations"]
        assert not _run(server, namespace, name)["changed"]


def test_other_addresses_too(server: ApiServer, namespace: str) -> None:
    _run(server, namespace, "east", server="https://10.0.0.2:6443", tls_server_name="api.east")
    flags = ("--server=https://10.0.0.2:6443", "--tls-server-name=api.east")
    theirs = _by_istioctl(server, namespace, "east", *flags)
    assert base64.b64decode(_ours(server, namespace, "east")["data"]["east"]).decode() == theirs["stringData"]["east"]


def test_one_that_istioctl_made_is_left_as_it_is(server: ApiServer, namespace: str) -> None:
    text = server.run("istioctl", "create-remote-secret", "--name=east", "-n", namespace)
    server.run("kubectl", "apply", "-f", "-", given=text)
    before = _ours(server, namespace, "east")
    assert not _run(server, namespace, "east")["changed"]
    assert _ours(server, namespace, "east") == before


def test_the_token_works_and_dies_with_its_removal(server: ApiServer, namespace: str) -> None:
    _run(server, namespace, "east")
    token = f"{ACCOUNT}-istio-remote-secret-token"
    stored = yaml.safe_load(base64.b64decode(_ours(server, namespace, "east")["data"]["east"]))
    flags = (f"--token={stored['users'][0]['user']['token']}", "--kubeconfig=/dev/null")
    server_flags = (f"--server={stored['clusters'][0]['cluster']['server']}", "--insecure-skip-tls-verify")
    who = server.run("kubectl", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", *flags, *server_flags)
    assert who == f"system:serviceaccount:{namespace}:{ACCOUNT}"
    assert _run(server, namespace, "east", state="absent")["changed"]
    assert server.client.get("v1", "Secret", token, namespace) is None
    assert not _run(server, namespace, "east", state="absent")["changed"]
