# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a primary's istiod read a remote cluster: the credential goes from one to the other inside one call."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._istio import remote_secret as rules
from ansible_collections.mcistio.gke.plugins.module_utils._istio.remote_secret import Credential
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import CLUSTER_REF, connect, require
from ansible_collections.mcistio.gke.plugins.module_utils._kube.waiting import Report, told_by

Object = dict[str, Any]

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "primary": CLUSTER_REF,
    "remote": CLUSTER_REF,
    "namespace": {"type": "str", "default": "istio-system"},
    "service_account": {"type": "str", "default": "istio-reader-service-account"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "server": {"type": "str"},
    "tls_server_name": {"type": "str"},
    "ca": {"type": "str"},
    "omit_ca": {"type": "bool"},
    "keep_token": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 30},
}
SPEC_KWARGS: dict[str, Any] = {"mutually_exclusive": [("ca", "omit_ca")]}


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Report) -> dict[str, Any]:
    """Make or remove the remote secret; see the module's documentation for options and result."""
    cluster = params["remote"]["name"]
    report = told_by(cluster, report)
    rules.check_cluster_name(cluster)
    if cluster == params["primary"]["name"]:
        raise MeshError(
            "make",
            f"a remote secret for cluster {cluster}",
            "primary and remote have the same name",
            "istiod ignores a remote secret that carries its own cluster's name.",
        )
    primary, remote = connect(params["primary"], params), connect(params["remote"], params)
    if params["state"] == "absent":
        return _absent(primary, remote, params, check_mode, diff, report)
    return _present(primary, remote, params, check_mode, diff, report)


def _present(
    primary: KubeClient | None,
    remote: KubeClient | None,
    params: dict[str, Any],
    check_mode: bool,
    diff: bool,
    report: Report,
) -> dict[str, Any]:
    cluster, namespace = params["remote"]["name"], params["namespace"]
    held = _remote_secrets(primary, namespace) if primary else []
    _refuse_second_holder(held, cluster, params["primary"]["name"])
    live = next((secret for secret in held if secret["metadata"]["name"] == rules.secret_name(cluster)), None)
    if check_mode:
        credential = _predicted(remote, params)
    else:
        primary, remote = require(primary, params["primary"]), require(remote, params["remote"])
        credential = _credential(remote, params, _token_data(remote, params, report, SYSTEM))
    desired = rules.remote_secret(credential, namespace) if credential else None
    changed = desired is None or live is None or not rules.says_the_same(live, desired)
    if changed and not check_mode and primary and desired:
        report(f"Secret {rules.secret_name(cluster)}: writing to {primary.name}")
        primary.apply(desired)
    server = credential.server if credential else ""
    result = _result(changed, cluster, namespace, server)
    if diff and changed:
        before = rules.stored_credential(live, cluster) if live else None
        after = rules.shown(credential) if credential else {"server": "(known once the cluster and its charts exist)"}
        result["diff"] = _diff(cluster, namespace, rules.shown(before), after)
    return result


def _result(changed: bool, cluster: str, namespace: str, server: str) -> dict[str, Any]:
    secret = {"name": rules.secret_name(cluster), "namespace": namespace, "cluster": cluster, "server": server}
    return {"changed": changed, "secret": secret}


def _diff(cluster: str, namespace: str, before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    header = f"Secret {namespace}/{rules.secret_name(cluster)}"
    return {"before": before, "after": after, "before_header": header, "after_header": header}


def _remote_secrets(primary: KubeClient, namespace: str) -> list[Object]:
    return primary.list("v1", "Secret", namespace, labels=f"{rules.LABEL}=true")


def _refuse_second_holder(held: list[Object], cluster: str, primary: str) -> None:
    other = rules.other_holder(held, cluster)
    if other:
        raise MeshError(
            "make",
            f"the remote secret of cluster {cluster} on {primary}",
            f"Secret {other} already holds that cluster",
            "istiod takes only the first one. Delete the other one, or its key.",
        )


def _predicted(remote: KubeClient | None, params: dict[str, Any]) -> Credential | None:
    """The credential as it is now; None when part of it would only come into being in a real run."""
    secret = _token_secret(remote, params) if remote else None
    data = rules.token_data(secret) if secret else None
    return _credential(remote, params, data) if remote and data else None


def _token_secret(remote: KubeClient, params: dict[str, Any]) -> Object | None:
    """The first token Secret of the service account, as istioctl chooses it."""
    secrets = remote.list("v1", "Secret", params["namespace"], fields=f"type={rules.TOKEN_TYPE}")
    return next((secret for secret in secrets if rules.is_token_of(secret, params["service_account"])), None)


def _token_data(remote: KubeClient, params: dict[str, Any], report: Report, clock: Clock) -> tuple[str, str]:
    """CA and token of the service account; a token Secret is made when there is none."""
    account, namespace = params["service_account"], params["namespace"]
    secret = _token_secret(remote, params)
    if secret is None:
        if remote.get("v1", "ServiceAccount", account, namespace) is None:
            raise MeshError(
                "find",
                f"service account {namespace}/{account} in cluster {remote.name}",
                "it is not there",
                "Install the Istio charts of the remote first (base makes the account).",
            )
        report(f"Secret {rules.token_secret_name(account)}: creating")
        secret = remote.apply(rules.token_secret(account, namespace))
    return _filled(remote, secret, params["wait_timeout"], clock)


def _filled(remote: KubeClient, secret: Object, seconds: float, clock: Clock) -> tuple[str, str]:
    deadline, name, namespace = Deadline(seconds, clock), secret["metadata"]["name"], secret["metadata"]["namespace"]
    current: Object | None = secret
    while True:
        data = rules.token_data(current) if current else None
        if data:
            return data
        if deadline.passed:
            raise MeshError(
                "read",
                f"token Secret {namespace}/{name} in cluster {remote.name}",
                f"still empty after {seconds:g} s",
                "The cluster's controller manager fills it; is it running?",
            )
        deadline.pause()
        current = remote.get("v1", "Secret", name, namespace)


def _credential(remote: KubeClient, params: dict[str, Any], data: tuple[str, str]) -> Credential:
    ca, token = data
    dns = params["remote"].get("endpoint") == "dns" and not params.get("server")
    if dns:
        _refuse_dns_without_tokens(remote)
    omit = params["omit_ca"] if params.get("omit_ca") is not None else dns
    return Credential(
        cluster=remote.name,
        server=params.get("server") or remote.server,
        token=token,
        ca="" if omit and not params.get("ca") else params.get("ca") or ca,
        tls_server_name=params.get("tls_server_name") or "",
    )


def _refuse_dns_without_tokens(remote: KubeClient) -> None:
    """GKE's DNS endpoint refuses service account tokens unless told otherwise; istiod would only find out later."""
    settings = (remote.gke.get("controlPlaneEndpointsConfig") or {}).get("dnsEndpointConfig") or {}
    if not settings.get("enableK8sTokensViaDns"):
        raise MeshError(
            "use",
            f"the DNS endpoint of cluster {remote.name} for istiod",
            "it does not take service account tokens",
            "Set controlPlaneEndpointsConfig.dnsEndpointConfig.enableK8sTokensViaDns, or use another endpoint.",
        )


def _absent(
    primary: KubeClient | None,
    remote: KubeClient | None,
    params: dict[str, Any],
    check_mode: bool,
    diff: bool,
    report: Report,
) -> dict[str, Any]:
    """Take the Secret away first, so that istiod lets go before its token stops working."""
    cluster, namespace = params["remote"]["name"], params["namespace"]
    live = primary.get("v1", "Secret", rules.secret_name(cluster), namespace) if primary else None
    if primary and live and not check_mode:
        report(f"Secret {rules.secret_name(cluster)}: deleting from {primary.name}")
        primary.delete(live)
    tokens = [] if params["keep_token"] or remote is None else _our_tokens(remote, params)
    for token in tokens:
        if remote and not check_mode:
            remote.delete(token)
    stored = rules.stored_credential(live, cluster) if live else None
    result = _result(bool(live or tokens), cluster, namespace, stored.server if stored else "")
    if diff and live:
        result["diff"] = _diff(cluster, namespace, rules.shown(stored), {})
    return result


def _our_tokens(remote: KubeClient, params: dict[str, Any]) -> list[Object]:
    """Token Secrets of the account that carry our label; one that a person or istioctl made stays."""
    labels = ",".join(f"{key}={value}" for key, value in rules.MADE_BY_US.items())
    secrets = remote.list("v1", "Secret", params["namespace"], labels=labels, fields=f"type={rules.TOKEN_TYPE}")
    return [secret for secret in secrets if rules.is_token_of(secret, params["service_account"])]
