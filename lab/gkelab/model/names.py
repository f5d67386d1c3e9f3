# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, links, times and fingerprints in Google's formats."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from gkelab.model.catalog import is_region, project_number

CONTAINER = "https://container.googleapis.com/v1"
COMPUTE = "https://www.googleapis.com/compute/v1"
_SUFFIX = "0123456789bcdfghjklmnpqrstvwxz"


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1_000_000):06d}Z"


def compute_timestamp(seconds: float) -> str:
    """Compute prints Pacific time with milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds - 8 * 3600))
    return f"{whole}.{int(seconds % 1 * 1_000):03d}-08:00"


def operation_name(now: float) -> str:
    return f"operation-{int(now * 1000)}-{uuid.uuid4()}"


def numeric_id() -> str:
    """A Compute resource id: nineteen digits, as a string like every 64-bit number."""
    return str(random.randrange(10**18, 9 * 10**18))


def hash8() -> str:
    return secrets.token_hex(4)


def instance_suffix() -> str:
    return "".join(random.choices(_SUFFIX, k=4))


def fingerprint(value: object) -> str:
    """Short opaque digest, as in ``labelFingerprint``."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest[:6]).decode()


def kind_of_place(location: str) -> str:
    """How a container link spells the location: ``zones`` or, for a region, ``locations``."""
    return "locations" if is_region(location) else "zones"


def container_parent(project: str, location: str) -> str:
    return f"projects/{project}/{kind_of_place(location)}/{location}"


def container_link(project: str, location: str, tail: str) -> str:
    """Link with the project's number, as operations carry it."""
    return f"{CONTAINER}/{container_parent(project_number(project), location)}/{tail}"


def compute_link(project: str, tail: str) -> str:
    return f"{COMPUTE}/projects/{project}/{tail}"


def last_segment(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def without_empty(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without what Google's JSON leaves out at the top level."""
    return {key: value for key, value in record.items() if value not in (None, "", [], False)}
