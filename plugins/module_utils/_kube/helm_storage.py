# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm itself remembers of its releases: a Secret a revision, read without starting helm. Pure."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

Object = dict[str, Any]

SECRET_TYPE = "helm.sh/release.v1"
CURRENT = "owner=helm,status!=superseded"
"""Label selector that leaves the history out: it keeps the revision that counts, and one in front of it at most."""


@dataclass(frozen=True)
class Release:
    """One revision of a release."""

    name: str
    namespace: str
    revision: int
    status: str
    """deployed, failed, pending-install, pending-upgrade, pending-rollback, uninstalling, uninstalled …"""
    chart: str
    chart_version: str
    values: Object
    manifest: str
    touched: float
    """When Helm last wrote the record, in seconds since 1970."""
    secret: Object
    """The Secret that it was read from."""

    @property
    def deployed(self) -> bool:
        """Whether the last operation came to its end."""
        return self.status == "deployed"

    @property
    def pending(self) -> bool:
        """Whether an operation was begun and not ended: it is running, or was killed."""
        return self.status.startswith("pending-") or self.status == "uninstalling"


def newest(secrets: list[Object]) -> dict[str, Release]:
    """The newest revision of each release among Helm's Secrets of one namespace."""
    latest: dict[str, tuple[int, Object]] = {}
    for secret in secrets:
        labels = secret["metadata"].get("labels") or {}
        name, revision = labels.get("name", ""), int(labels.get("version", 0))
        if revision > latest.get(name, (0, {}))[0]:
            latest[name] = (revision, secret)
    return {name: decoded(secret) for name, (_revision, secret) in latest.items()}


def decoded(secret: Object) -> Release:
    """Read a release record: JSON, gzipped, base64 by Helm and once more by Kubernetes."""
    metadata = secret["metadata"]
    try:
        record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        labels = metadata.get("labels") or {}
        return Release(
            name=record["name"],
            namespace=record.get("namespace") or metadata["namespace"],
            revision=int(record["version"]),
            status=record["info"]["status"],
            chart=record["chart"]["metadata"]["name"],
            chart_version=record["chart"]["metadata"]["version"],
            values=record.get("config") or {},
            manifest=record.get("manifest") or "",
            touched=float(labels.get("modifiedAt") or labels.get("createdAt") or 0),
            secret=secret,
        )
    except (KeyError, TypeError, ValueError, binascii.Error, OSError, EOFError, zlib.error) as error:
        raise MeshError(
            "read",
            f"Helm's record {metadata.get('namespace')}/{metadata.get('name')}",
            f"it is damaged ({error})",
            "Delete that Secret if the release is of no use any more.",
        ) from error


def with_status(release: Release, status: str) -> Object:
    """The record's Secret with another status, in the record and on its label, as helm itself would write it."""
    record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(release.secret["data"]["release"]))))
    record["info"]["status"] = status
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    metadata = release.secret["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": {"status": status}},
        "data": {"release": packed},
        "type": SECRET_TYPE,
    }


def same_values(one: Any, other: Any) -> bool:
    """Whether two value trees mean the same to Helm: JSON has one kind of number, and true is not 1."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    return json.dumps(_whole(value), sort_keys=True, default=str)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _whole(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
