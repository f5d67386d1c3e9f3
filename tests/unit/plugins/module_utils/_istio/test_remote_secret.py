# SPDX-License-Identifier: GPL-3.0-or-later
"""The remote secret's bytes and rules."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._istio.remote_secret import (
    Credential,
    check_cluster_name,
    is_token_of,
    kubeconfig,
    other_holder,
    remote_secret,
    says_the_same,
    shown,
    stored_credential,
    token_data,
    token_secret,
)

CREDENTIAL = Credential("east", "https://198.18.2.2", "token.of.east", "CA of east\n")

# What `istioctl create-remote-secret --name=east` prints under stringData (istioctl 1.31), for that token and CA.
GOLDEN = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0Egb2YgZWFzdAo=
    server: https://198.18.2.2
  name: east
contexts:
- context:
    cluster: east
    user: east
  name: east
current-context: east
kind: Config
users:
- name: east
  user:
    token: token.of.east
"""


def test_the_bytes_are_istioctl_s() -> None:
    assert kubeconfig(CREDENTIAL) == GOLDEN


def test_a_tls_server_name_follows_the_server() -> None:
    named = Credential("east", "https://198.18.2.2", "token.of.east", "CA of east\n", "api.east")
    assert kubeconfig(named) == GOLDEN.replace("198.18.2.2\n", "198.18.2.2\n    tls-server-name: api.east\n")


def test_a_public_certificate_needs_no_ca() -> None:
    public = Credential("east", "https://198.18.2.2", "token.of.east")
    assert kubeconfig(public) == GOLDEN.replace("    certificate-authority-data: Q0Egb2YgZWFzdAo=\n", "")


# Which names Go's YAML writer quotes, as istioctl 1.31 printed them.
QUOTED = [
    "1e3",
    "0x1f",
    "on",
    "123",
    "y",
    "0b1",
    "0o7",
    "2001-01-01",
    "12e5",
    "12e-5",
    "0777",
    "089",
    "00",
    "true",
    "null",
]
PLAIN = ["east", "1-2", "e1", "inf", "nan", "1e", "2001-01-01t0", "0b12", "0o9", "0xg", "gke-1", "yes-1"]


@pytest.mark.parametrize("name", QUOTED + PLAIN)
def test_names_that_look_like_something_else_are_quoted(name: str) -> None:
    written = f'"{name}"' if name in QUOTED else name
    assert f"current-context: {written}\n" in kubeconfig(Credential(name, "https://x", "t"))


def test_the_secret_carries_istio_s_marks() -> None:
    secret = remote_secret(CREDENTIAL, "istio-system")
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "istio-remote-secret-east",
            "namespace": "istio-system",
            "labels": {"istio/multiCluster": "true"},
            "annotations": {"networking.istio.io/cluster": "east"},
        },
        "data": {"east": base64.b64encode(GOLDEN.encode()).decode()},
    }


def test_a_stored_credential_is_read_back() -> None:
    assert stored_credential(remote_secret(CREDENTIAL, "n"), "east") == CREDENTIAL


@pytest.mark.parametrize(
    "data",
    [{}, {"east": "!"}, {"east": base64.b64encode(b"[]").decode()}, {"east": base64.b64encode(b"a: [").decode()}],
)
def test_what_is_not_a_credential_is_none(data: dict[str, str]) -> None:
    assert stored_credential({"data": data}, "east") is None


@pytest.mark.parametrize("name", ["east", "gke-1", "1", "a" * 63])
def test_good_names(name: str) -> None:
    check_cluster_name(name)


@pytest.mark.parametrize("name", ["", "East", "-east", "east-", "ea_st", "ea.st", "a" * 64, "east\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(MeshError, match="not a DNS label"):
        check_cluster_name(name)


def _changed(**parts: Any) -> dict[str, Any]:
    live = remote_secret(CREDENTIAL, "n")
    live["metadata"].update(parts.get("metadata", {}))
    live["data"].update(parts.get("data", {}))
    return live


@pytest.mark.parametrize(
    ("live", "same"),
    [
        (_changed(), True),
        (_changed(metadata={"labels": {"istio/multiCluster": "true", "team": "a"}}), True),
        (_changed(data={"other": "AAAA"}), True),
        (_changed(metadata={"labels": {}}), False),
        (_changed(metadata={"annotations": None}), False),
        (_changed(data={"east": "AAAA"}), False),
    ],
)
def test_what_istiod_reads_decides(live: dict[str, Any], same: bool) -> None:
    assert says_the_same(live, remote_secret(CREDENTIAL, "n")) is same


def test_another_secret_with_the_same_cluster_is_found() -> None:
    ours, other = remote_secret(CREDENTIAL, "n"), {"metadata": {"name": "by-hand"}, "data": {"east": "x"}}
    assert other_holder([ours], "east") == ""
    assert other_holder([ours, other], "east") == "by-hand"
    assert other_holder([other], "west") == ""


def test_token_secrets() -> None:
    secret = token_secret("reader", "n")
    assert secret["metadata"]["name"] == "reader-istio-remote-secret-token"
    assert is_token_of(secret, "reader") and not is_token_of(secret, "other")
    assert not is_token_of({**secret, "type": "Opaque"}, "reader")
    assert token_data(secret) is None
    filled = {**secret, "data": {"ca.crt": base64.b64encode(b"CA").decode(), "token": base64.b64encode(b"t").decode()}}
    assert token_data(filled) == ("CA", "t")


def test_nothing_secret_is_shown() -> None:
    text = repr(CREDENTIAL) + repr(shown(CREDENTIAL))
    assert CREDENTIAL.token not in text
    assert shown(CREDENTIAL) != shown(Credential("east", CREDENTIAL.server, "another", CREDENTIAL.ca)), "a change shows"
    assert shown(None) == {}
