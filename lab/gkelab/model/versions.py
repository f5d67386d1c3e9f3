# SPDX-License-Identifier: GPL-3.0-or-later
"""GKE versions on offer, release channels, and what a requested version means."""

from __future__ import annotations

import re
from typing import Any

from gkelab.model.errors import invalid

NEWEST = "1.36.1-gke.1000000"
"""The version that is really built, see gkelab.build."""

MASTER_VERSIONS = (
    NEWEST,
    "1.36.0-gke.2345000",
    "1.35.4-gke.1500000",
    "1.35.2-gke.1842000",
    "1.34.7-gke.1200000",
    "1.33.9-gke.1600000",
)
"""Newest first."""

NODE_VERSIONS = (*MASTER_VERSIONS, "1.32.11-gke.1174000")

CHANNELS: dict[str, tuple[str, ...]] = {
    "RAPID": MASTER_VERSIONS[:3],
    "REGULAR": (NEWEST, "1.35.4-gke.1500000", "1.35.2-gke.1842000"),
    "STABLE": ("1.35.2-gke.1842000", "1.34.7-gke.1200000"),
    "EXTENDED": (NEWEST, "1.35.4-gke.1500000", "1.34.7-gke.1200000", "1.33.9-gke.1600000"),
}
"""Versions valid in each channel; the first is the channel's default."""

DEFAULT_CHANNEL = "REGULAR"
_EXACT = re.compile(r"\d+\.\d+\.\d+-gke\.\d+")
_PREFIX = re.compile(r"\d+(\.\d+){1,2}")


def order(version: str) -> tuple[int, ...]:
    """A key that sorts versions from old to new."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def minor(version: str) -> tuple[int, ...]:
    return order(version)[:2]


def choose(requested: str, channel: str) -> tuple[str, str]:
    """(version, channel) of a new cluster. ``channel`` is "" when unset, UNSPECIFIED for none."""
    if requested in ("", "-"):
        valid = CHANNELS.get(channel or DEFAULT_CHANNEL, (CHANNELS[DEFAULT_CHANNEL][0],))
        return valid[0], channel or DEFAULT_CHANNEL
    version = resolve(requested, CHANNELS.get(channel, MASTER_VERSIONS))
    return version, channel or channel_of(version)


def channel_of(version: str) -> str:
    """The most mature channel that offers the version, else none."""
    return next((name for name in ("STABLE", "REGULAR", "RAPID") if version in CHANNELS[name]), "UNSPECIFIED")


def resolve(requested: str, valid: tuple[str, ...]) -> str:
    """The version that ``latest``, ``1.X``, ``1.X.Y`` or an exact version stands for."""
    if requested == "latest":
        return valid[0]
    if requested in valid:
        return requested
    if _EXACT.fullmatch(requested):
        raise invalid(f'Master version "{requested}" is unsupported.')
    if _PREFIX.fullmatch(requested):
        for version in valid:
            if order(version)[: requested.count(".") + 1] == order(requested):
                return version
    raise invalid(f'No valid versions with the prefix "{requested}" found.')


def resolve_node(requested: str, master: str) -> str:
    """A node version; ``-`` and nothing mean the control plane's. Never newer than the control plane."""
    if requested in ("", "-"):
        return master
    if requested == "latest":
        requested = master
    if requested not in (*NODE_VERSIONS, master):
        candidates = tuple(version for version in NODE_VERSIONS if order(version) <= order(master))
        if _EXACT.fullmatch(requested):
            raise invalid(f'Node version "{requested}" is unsupported.')
        requested = resolve(requested, candidates)
    if order(requested) > order(master):
        raise invalid(f'Node version "{requested}" must not have a greater version than master version "{master}".')
    return requested


def server_config() -> dict[str, Any]:
    """GetServerConfig's answer."""
    channels = [
        {
            "channel": name,
            "defaultVersion": valid[0],
            "validVersions": list(valid),
            "upgradeTargetVersion": valid[0],
        }
        for name, valid in CHANNELS.items()
    ]
    return {
        "defaultClusterVersion": CHANNELS[DEFAULT_CHANNEL][0],
        "validMasterVersions": list(MASTER_VERSIONS),
        "validNodeVersions": list(NODE_VERSIONS),
        "defaultImageType": "COS_CONTAINERD",
        "validImageTypes": ["COS_CONTAINERD", "UBUNTU_CONTAINERD", "WINDOWS_LTSC_CONTAINERD"],
        "channels": channels,
    }
