# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh's firewall rules: what they must be, and what to do about what is there. Pure.

A rule with no source would admit the world, one with no target tag would open every machine of the network: neither is
ever made. Rules that are not marked as ours are never touched.
"""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import same_resource
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import Vpc

Rule = dict[str, Any]
Opening: TypeAlias = "tuple[str, tuple[str, ...], str, str]"
"""Network, protocols, source range, target tag."""

WEBHOOK_PORT = "15017"
"""Where istiod answers the API server's injection and validation calls."""
MOST_TARGET_TAGS = 70
LONGEST_NAME = 63
ICMP_V6 = "58"
"""Firewall rules know ICMP for IPv6 only by its number."""
_NEVER_OURS = ("sourceTags", "sourceServiceAccounts", "targetServiceAccounts", "destinationRanges")
"""Lists that no rule of ours has; who adds one changes whom the rule admits, or to where."""


@dataclass(frozen=True)
class Side:
    """One network's share of the mesh.

    Attributes:
        vpc: the network.
        sources: ranges to admit.
        targets: network tags of the nodes to open.
        control_planes: ranges that private clusters' API servers call from.
    """

    vpc: Vpc
    sources: frozenset[str]
    targets: frozenset[str]
    control_planes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Style:
    """What the options say about every rule."""

    name: str
    priority: int
    protocols: tuple[str, ...]
    most_sources: int
    log: bool = False


@dataclass(frozen=True)
class Step:
    """One write: ``insert``, ``patch`` or ``delete`` of a rule in a project."""

    verb: str
    project: str
    name: str
    body: Rule = field(default_factory=dict)
    text: str = ""


def marker(name: str) -> str:
    """What a rule's description begins with when it is ours."""
    return f"mcistio.gke mesh_firewall {name}:"


def is_ours(rule: Rule, name: str) -> bool:
    """Whether this module made the rule for the mesh rule of that name."""
    return str(rule.get("description") or "").startswith(marker(name))


def rules(style: Style, sides: Sequence[Side]) -> dict[tuple[str, str], Rule]:
    """The rules that must be, by project and name.

    Raises:
        MeshError: a rule would have no source or no target.
    """
    found: dict[tuple[str, str], Rule] = {}
    for side in sides:
        _check_side(style, side)
        base = style.name if len(sides) == 1 else _suffixed(style.name, _digest(side.vpc.path))
        four, six = _by_family(side.sources)
        for family, suffix in ((four, ""), (six, "ipv6")):
            stem = _suffixed(base, suffix) if suffix else base
            for rule in _chunks(style, stem, side.vpc, family, side.targets, _allowed(style.protocols, bool(suffix))):
                found[side.vpc.project, rule["name"]] = rule
        webhooks = [{"IPProtocol": "tcp", "ports": [WEBHOOK_PORT]}]
        for rule in _chunks(
            style, _suffixed(base, "webhooks"), side.vpc, sorted(side.control_planes), side.targets, webhooks
        ):
            found[side.vpc.project, rule["name"]] = rule
    return found


def plan(
    style: Style,
    wanted: Mapping[tuple[str, str], Rule],
    present: Mapping[tuple[str, str], Rule],
    *,
    adopt: bool = False,
) -> list[Step]:
    """What to write, in order: nothing that is and stays open is closed in between.

    Args:
        style: the options.
        wanted: rules that must be; empty to remove the mesh's rules.
        present: every rule whose name begins with the mesh rule's name.
        adopt: whether a rule of our name without our mark may be taken over.

    Raises:
        MeshError: a rule of a name that we need belongs to somebody else.
    """
    steps: list[Step] = []
    for (project, name), rule in wanted.items():
        have = present.get((project, name))
        if have is None:
            steps.append(Step("insert", project, name, rule, f"firewall rule {name}: create in {project}"))
            continue
        ours = is_ours(have, style.name)
        if not ours and not adopt:
            raise _foreign(name, project)
        found = drift(rule, have)
        if not found and ours:
            continue
        text = f"firewall rule {name}: {', '.join(found) or 'description'}"
        if {"network", "direction", "denied"} & set(found):
            steps.append(Step("delete", project, name, {}, f"{text} (deleted, to be made anew)"))
            steps.append(Step("insert", project, name, rule, f"firewall rule {name}: create in {project}"))
        else:
            cleared: Rule = {other: [] for other in _NEVER_OURS if have.get(other)}  # what is left out of a patch stays
            steps.append(Step("patch", project, name, rule | cleared, text))
    for (project, name), have in present.items():
        if (project, name) not in wanted and is_ours(have, style.name):
            steps.append(Step("delete", project, name, {}, f"firewall rule {name}: delete from {project}"))
        elif name == style.name and not wanted and not is_ours(have, style.name):
            if not adopt:
                raise _foreign(name, project)
            steps.append(Step("delete", project, name, {}, f"firewall rule {name}: delete from {project}"))
    touched = {key: rule for key, rule in present.items() if key in wanted or is_ours(rule, style.name)}
    return _in_order(steps, wanted, touched)


def _in_order(
    steps: list[Step], wanted: Mapping[tuple[str, str], Rule], present: Mapping[tuple[str, str], Rule]
) -> list[Step]:
    """Ranges may move from one numbered rule to another: who gets them goes before who gives them away."""
    goal = {one for rule in wanted.values() for one in _opened(rule)}
    states = {key: _opened(rule) for key, rule in present.items()}
    times = Counter(one for some in states.values() for one in some)
    found: list[Step] = []
    waiting = list(steps)
    while waiting:
        firsts = {(step.project, step.name): step for step in reversed(waiting)}  # a rule's own steps keep their order
        free = [step for step in waiting if firsts[step.project, step.name] is step]
        step = next((one for one in free if not _closed(one, states, times, goal)), free[0])
        waiting.remove(step)
        found.append(step)
        times.subtract(states.get((step.project, step.name), ()))
        states[step.project, step.name] = _opened(step.body)
        times.update(states[step.project, step.name])
    return found


def _closed(
    step: Step, states: Mapping[tuple[str, str], frozenset[Opening]], times: Counter[Opening], goal: set[Opening]
) -> bool:
    """Whether a write would close something that must be open and that no other rule opens."""
    lost = states.get((step.project, step.name), frozenset()) - _opened(step.body)
    return any(one in goal and times[one] == 1 for one in lost)


def _opened(rule: Rule) -> frozenset[Opening]:
    """What a rule lets through: its network, protocol by protocol from each range to each tag."""
    if not rule or rule.get("disabled") or rule.get("direction") == "EGRESS":
        return frozenset()
    network = str(rule.get("network") or "").rsplit("/", 1)[-1]
    allowed = tuple(sorted(_spell(entry) for entry in rule.get("allowed") or ()))
    pairs = itertools.product(_ranges(rule.get("sourceRanges")), rule.get("targetTags") or ())
    return frozenset((network, allowed, source, tag) for source, tag in pairs)


def drift(rule: Rule, have: Rule) -> list[str]:
    """Names of the fields in which a rule is not as it must be; both too little and too much is drift."""
    found = []
    if not same_resource(str(rule["network"]), str(have.get("network") or "")):
        found.append("network")
    if str(have.get("direction") or "INGRESS") != rule["direction"]:
        found.append("direction")
    if have.get("denied"):
        found.append("denied")
    if int(have.get("priority", 1000)) != rule["priority"]:
        found.append("priority")
    if bool(have.get("disabled")) != rule["disabled"]:
        found.append("disabled")
    if _ranges(have.get("sourceRanges")) != _ranges(rule["sourceRanges"]):
        found.append("sourceRanges")
    if set(have.get("targetTags") or ()) != set(rule["targetTags"]):
        found.append("targetTags")
    for other in _NEVER_OURS:
        if have.get(other):
            found.append(other)
    if _protocols(have.get("allowed")) != _protocols(rule["allowed"]):
        found.append("allowed")
    if bool((have.get("logConfig") or {}).get("enable")) != rule["logConfig"]["enable"]:
        found.append("logConfig")
    return found


def managed(rule: Rule | None) -> Rule:
    """The part of a rule that is managed, in one order: one side of a diff."""
    if not rule:
        return {}
    return {
        "network": str(rule.get("network") or "").split("/v1/", 1)[-1],
        "direction": rule.get("direction"),
        "priority": int(rule.get("priority", 1000)),
        "disabled": bool(rule.get("disabled")),
        "sourceRanges": sorted(rule.get("sourceRanges") or ()),
        "targetTags": sorted(rule.get("targetTags") or ()),
        "allowed": sorted(_spell(entry) for entry in rule.get("allowed") or ()),
        "logging": bool((rule.get("logConfig") or {}).get("enable")),
        **{other: sorted(rule[other]) for other in _NEVER_OURS if rule.get(other)},
        **({"denied": sorted(_spell(entry) for entry in rule["denied"])} if rule.get("denied") else {}),
    }


def _check_side(style: Style, side: Side) -> None:
    subject = f"firewall rule {style.name} on network {side.vpc.name}"
    if not side.sources:
        raise MeshError(
            "make", subject, "there is no pod range to admit", "A rule without a source would admit everybody."
        )
    if not side.targets:
        raise MeshError(
            "make", subject, "there is no network tag to find the nodes by",
            "A rule without a target would open every machine of the network: set node_tags there and node_tag here.",
        )  # fmt: skip
    for text in side.sources:
        if ipaddress.ip_network(text, strict=False).prefixlen == 0:
            raise MeshError(
                "make", subject, f"source range {text} is the whole internet", "Name the ranges that are meant."
            )


def _chunks(
    style: Style, stem: str, vpc: Vpc, sources: Sequence[str], targets: Iterable[str], allowed: list[Rule]
) -> list[Rule]:
    """As many rules as the limits on lists ask for; the first has the plain name, the others a number."""
    found: list[Rule] = []
    tags = sorted(targets)
    for start in range(0, len(sources), style.most_sources):
        for first in range(0, len(tags), MOST_TARGET_TAGS):
            name = stem if not found else _suffixed(stem, str(len(found) + 1))
            found.append({
                "name": name,
                "description": f"{marker(style.name)} pods of the mesh's clusters reach its nodes",
                "network": vpc.path,
                "direction": "INGRESS",
                "priority": style.priority,
                "disabled": False,
                "sourceRanges": list(sources[start : start + style.most_sources]),
                "targetTags": tags[first : first + MOST_TARGET_TAGS],
                "allowed": allowed,
                "logConfig": {"enable": style.log},
            })  # fmt: skip
    return found


def _by_family(sources: Iterable[str]) -> tuple[list[str], list[str]]:
    """IPv4 and IPv6 ranges, which cannot stand in one rule."""
    parsed = sorted({ipaddress.ip_network(text, strict=False) for text in sources}, key=lambda one: (one.version, one))
    return [str(one) for one in parsed if one.version == 4], [str(one) for one in parsed if one.version == 6]


def _allowed(protocols: Iterable[str], six: bool) -> list[Rule]:
    """``tcp`` → all ports, ``tcp:15012,15017`` → those."""
    found: dict[str, Rule] = {}
    for text in protocols:
        protocol, dummy, ports = text.replace(" ", "").lower().partition(":")
        entry: Rule = {"IPProtocol": ICMP_V6 if six and protocol == "icmp" else protocol}
        if ports:
            entry["ports"] = list(dict.fromkeys(ports.split(",")))
        found.setdefault(_spell(entry), entry)
    return list(found.values())


def _ranges(texts: Iterable[str] | None) -> set[str]:
    return {str(ipaddress.ip_network(text, strict=False)) for text in texts or ()}


def _protocols(entries: Iterable[Rule] | None) -> set[tuple[str, frozenset[str]]]:
    return {(str(one["IPProtocol"]).lower(), frozenset(map(str, one.get("ports") or ()))) for one in entries or ()}


def _spell(entry: Rule) -> str:
    ports = ",".join(sorted(map(str, entry.get("ports") or ())))
    return f"{str(entry['IPProtocol']).lower()}{f':{ports}' if ports else ''}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _suffixed(name: str, suffix: str) -> str:
    return f"{name[: LONGEST_NAME - len(suffix) - 1]}-{suffix}"


def _foreign(name: str, project: str) -> MeshError:
    return MeshError(
        "manage", f"firewall rule {name} in project {project}", "it is there, but this module did not make it",
        "Delete it, choose another name, or set adopt: true to take it over.",
    )  # fmt: skip
