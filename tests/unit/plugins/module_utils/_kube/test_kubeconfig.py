# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a kubeconfig: ours comes and goes, what is others' stays."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube import kubeconfig
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig import Entry
from hypothesis import given
from hypothesis import strategies as st

CENTRAL = Entry("central", "https://203.0.113.7", "Q0E=")
EAST = Entry("east", "https://203.0.113.8", "Q0E=", token="secret")
FOREIGN: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "x-unknown": [1],
    "clusters": [{"name": "kind", "cluster": {"server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": True}}],
    "users": [{"name": "kind", "user": {"client-key-data": "a"}}],
    "contexts": [{"name": "kind", "context": {"cluster": "kind", "user": "kind", "namespace": "x"}}],
    "current-context": "kind",
}


def put(config: dict[str, Any], *entries: Entry, current: str = "") -> dict[str, Any]:
    return kubeconfig.with_entries(config, entries, "/f", current=current)


def test_context_cluster_and_user_have_the_clusters_name() -> None:
    config = put({}, CENTRAL)
    assert [config[plural][0]["name"] for plural in ("contexts", "clusters", "users")] == ["central"] * 3
    context = config["contexts"][0]["context"]
    assert (context["cluster"], context["user"]) == ("central", "central")
    assert config["clusters"][0]["cluster"] == {"server": "https://203.0.113.7", "certificate-authority-data": "Q0E="}
    assert config["current-context"] == ""


def test_the_plugin_logs_in_unless_there_is_a_token() -> None:
    config = put(
        {}, Entry("central", "https://x", "Q0E=", environment=(("GOOGLE_APPLICATION_CREDENTIALS", "/k"),)), EAST
    )
    plugin = config["users"][0]["user"]["exec"]
    assert plugin["command"] == "gke-gcloud-auth-plugin"
    assert plugin["apiVersion"] == "client.authentication.k8s.io/v1beta1" and plugin["provideClusterInfo"]
    assert plugin["env"] == [{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/k"}]
    assert config["users"][1]["user"] == {"token": "secret"}


def test_a_public_certificate_needs_no_ca_and_nothing_is_insecure() -> None:
    config = put({}, Entry("central", "https://x.gke.goog", ""))
    assert config["clusters"][0]["cluster"] == {"server": "https://x.gke.goog"}
    assert "insecure" not in kubeconfig.render(config)


def test_what_is_others_stays() -> None:
    before = copy.deepcopy(FOREIGN)
    config = put(FOREIGN, CENTRAL)
    assert before == FOREIGN
    assert config["current-context"] == "kind" and config["x-unknown"] == [1]
    assert kubeconfig.without_entries(config, ["central", "kind"]) == FOREIGN | {"preferences": {}}


def test_the_current_context_is_set_when_asked_and_cleared_when_it_goes() -> None:
    config = put(FOREIGN, CENTRAL, current="central")
    assert config["current-context"] == "central"
    assert kubeconfig.without_entries(config, ["central"])["current-context"] == ""


def test_twice_is_once() -> None:
    config = put(FOREIGN, CENTRAL, EAST)
    assert put(config, CENTRAL, EAST) == config


def test_a_namespace_that_the_user_set_stays() -> None:
    config = put({}, CENTRAL)
    config["contexts"][0]["context"]["namespace"] = "shop"
    assert put(config, CENTRAL)["contexts"][0]["context"]["namespace"] == "shop"


def test_a_name_that_is_taken_is_an_error_unless_it_is_the_same_server() -> None:
    taken = Entry("kind", "https://203.0.113.7", "Q0E=")
    with pytest.raises(MeshError, match=r"context kind is there and leads to https://127.0.0.1:6443"):
        put(FOREIGN, taken)
    assert put(FOREIGN, Entry("kind", "https://127.0.0.1:6443", "Q0E="))["users"][0]["user"].get("exec")


def test_parts_that_other_contexts_use_stay() -> None:
    config = put({}, CENTRAL)
    config["contexts"].append({"name": "mine", "context": {"cluster": "central", "user": "central"}})
    left = kubeconfig.without_entries(config, ["central"])
    assert [entry["name"] for entry in left["contexts"]] == ["mine"]
    assert left["clusters"] and left["users"]


def test_nothing_left_is_empty() -> None:
    assert kubeconfig.is_empty(kubeconfig.without_entries(put({}, CENTRAL, EAST), ["central", "east"]))
    assert not kubeconfig.is_empty(FOREIGN)


def test_a_fresh_token_alone_is_no_change() -> None:
    one, other = put({}, EAST), put({}, Entry("east", EAST.server, EAST.ca, token="newer"))
    assert one != other and kubeconfig.without_tokens(one) == kubeconfig.without_tokens(other)
    assert kubeconfig.without_tokens(FOREIGN | {"users": [{"name": "kind", "user": {"token": "a"}}]})["users"][0][
        "user"
    ] == {"token": "a"}


def test_nothing_secret_is_shown() -> None:
    shown = kubeconfig.view(put({}, CENTRAL, EAST), ["central", "east", "gone"])
    assert {name: entry["auth"] for name, entry in shown.items()} == {"central": "exec", "east": "token"}
    assert "secret" not in str(shown) and "secret" not in repr(EAST)


@pytest.mark.parametrize(
    "text", ["a: [", "- a", "kind: Pod", "clusters: 5", "contexts: [1]", "just words", "users: {a: b}"]
)
def test_what_is_no_kubeconfig_is_left_alone(text: str) -> None:
    with pytest.raises(MeshError, match="kubeconfig /f"):
        kubeconfig.parse(text, "/f")


def test_empty_text_is_an_empty_config() -> None:
    assert kubeconfig.parse("", "/f") == {} == kubeconfig.parse("\n", "/f")


NAMES = st.lists(st.sampled_from(["a", "b", "c", "kind"]), unique=True)


@given(NAMES, NAMES, st.booleans())
def test_coming_and_going_never_harms_what_is_others(put_in: list[str], taken_out: list[str], foreign: bool) -> None:
    start: dict[str, Any] = FOREIGN if foreign else {}
    entries = [Entry(name, f"https://{name}", "Q0E=") for name in put_in if name != "kind"]
    config = kubeconfig.parse(kubeconfig.render(put(start, *entries)), "/f")
    left = kubeconfig.without_entries(config, taken_out)
    names = {entry["name"] for entry in left["contexts"]}
    assert names == ({"kind"} if foreign else set()) | ({entry.name for entry in entries} - set(taken_out))
    for plural in ("clusters", "users", "contexts"):
        assert left[plural][: len(start.get(plural, []))] == start.get(plural, [])
    assert yaml.safe_load(kubeconfig.render(left)) == left
