# SPDX-License-Identifier: GPL-3.0-or-later
"""What module mesh_firewall does: lets the pods of a mesh's clusters reach the mesh's nodes, and no more."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import compute, firewall_rule, networks
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC, require_project
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.firewall_rule import Rule, Side, Step, Style
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.members import Member, read_members
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import RangeRef, SubnetRef, Vpc
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.node_tag import node_tag
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.option_checks import is_tag
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "name": {"type": "str", "default": "istio-multicluster-pod-fw"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "clusters": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "location": {"type": "str"},
            "project": {"type": "str"},
            "kubeconfig": {"type": "path"},
            "context": {"type": "str"},
            "endpoint": {"type": "str", "choices": ["public", "private", "dns"], "default": "public"},
        },
        "required_one_of": [("location", "kubeconfig")],
    },
    "node_tag": {"type": "str"},
    "network_project": {"type": "str"},
    "priority": {"type": "int", "default": 900},
    "protocols": {"type": "list", "elements": "str", "default": ["tcp", "udp", "icmp", "esp", "ah", "sctp"]},
    "extra_source_ranges": {"type": "list", "elements": "str", "default": []},
    "node_ranges": {"type": "bool", "default": False},
    "peered_networks": {"type": "bool", "default": False},
    "webhooks": {"type": "bool", "default": True},
    "max_source_ranges": {"type": "int", "default": 256},
    "log": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
}
SPEC_KWARGS: dict[str, Any] = {}

MOST_ROUNDS = 4
"""How often one run puts right what somebody else has spoiled since."""
MOST_PORT = 65535
MOST_PROTOCOL = 255
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_PROTOCOL = re.compile(r"(tcp|udp|sctp)(:\d+(-\d+)?(,\d+(-\d+)?)*)?|icmp|esp|ah|ipip|all|\d{1,3}")
Present = dict[tuple[str, str], Rule]


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """Make the mesh's rules as they must be, or remove them.

    Args:
        params: validated options.
        check_mode: predict only; nothing is written.
        diff: whether to return the rules before and after.
        report: takes a line of progress.

    Returns:
        ``changed``, ``rules``, ``changes``, ``warnings`` and perhaps ``diff``.

    Raises:
        MeshError: a cluster is missing, ranges overlap, no tag is known, a rule is somebody else's, a call failed.
    """
    _check(params)
    return _Firewall(params, check_mode, report).run(diff)


class _Firewall:
    """One run."""

    def __init__(self, params: dict[str, Any], check_mode: bool, report: Callable[[str], None]) -> None:
        self._params = params
        self._check_mode = check_mode
        self._report = report
        self._session = GoogleSession(params)
        self._style = Style(
            params["name"], params["priority"], tuple(params["protocols"]), params["max_source_ranges"], params["log"]
        )
        self._notices: list[str] = []
        self._subnets: dict[SubnetRef, dict[str, Any]] = {}

    def run(self, diff: bool) -> dict[str, Any]:
        """The module's result."""
        members = self._members()
        unborn = [member for member in members if member.cluster is None] if self._wanted else []
        wanted = self._wanted_rules([member for member in members if member.cluster is not None])
        projects = self._projects(members)
        before = self._read(projects)
        changes = self._predict(wanted, before, unborn) if self._check_mode else self._settle(wanted, before, projects)
        result: dict[str, Any] = {
            "changed": bool(changes),
            "rules": [_summary(project, rule) for (project, name), rule in sorted(wanted.items())],
            "changes": changes,
            "warnings": self._notices,
        }
        if diff:
            result["diff"] = self._diff(before, wanted, unborn)
        return result

    @property
    def _wanted(self) -> bool:
        return bool(self._params["state"] == "present")

    def _members(self) -> list[Member]:
        refs = [ref for ref in self._params["clusters"] if ref.get("location")]
        others = [ref["name"] for ref in self._params["clusters"] if not ref.get("location")]
        if others and self._wanted:
            self._notices.append(
                f"{', '.join(others)}: no location, so not GKE's; their networks are not opened by this."
            )
        if not self._wanted:
            return [] if self._params["network_project"] else self._existing(refs)
        members = read_members(self._session, refs, self._params)
        missing = [member for member in members if member.cluster is None]
        if missing and not self._check_mode:
            one = missing[0]
            raise MeshError(
                "open", f"the firewall for {', '.join(member.name for member in missing)}",
                f"cluster {one.name} does not exist in {one.location}", one.hint,
            )  # fmt: skip
        return members

    def _existing(self, refs: list[dict[str, Any]]) -> list[Member]:
        """Clusters that still tell in which project their network is; that may be another one than theirs."""
        return [member for member in read_members(self._session, refs, self._params) if member.cluster is not None]

    def _projects(self, members: list[Member]) -> list[str]:
        """Projects in which the mesh's rules are, or may be."""
        if self._params["network_project"]:
            return [str(self._params["network_project"])]
        found = {self._vpc(member).project for member in members if member.cluster is not None}
        if not found or not self._wanted:
            found.add(require_project(self._params))
        return sorted(found)

    def _vpc(self, member: Member) -> Vpc:
        vpc = networks.vpc_of(member.cluster or {}, member.project)
        override = self._params["network_project"]
        return Vpc(str(override), vpc.name) if override else vpc

    def _wanted_rules(self, members: list[Member]) -> Present:
        if not self._wanted or not members:
            return {}
        pods = {member.label: self._pod_ranges(member) for member in members}
        by_vpc: dict[Vpc, list[Member]] = {}
        for member in members:
            by_vpc.setdefault(self._vpc(member), []).append(member)
        peered = self._params["peered_networks"]
        for group in [members] if peered else by_vpc.values():
            networks.check_overlaps({member.label: pods[member.label] for member in group})
        ranges = {member.label: {*pods[member.label], *self._node_ranges(member)} for member in members}
        extra = self._params["extra_source_ranges"]
        return firewall_rule.rules(
            self._style,
            [
                Side(
                    vpc,
                    frozenset(one for member in (members if peered else group) for one in ranges[member.label])
                    | set(extra),
                    frozenset(self._tag(member, vpc) for member in group),
                    frozenset(self._control_planes(group)),
                )
                for vpc, group in sorted(by_vpc.items())
            ],
        )

    def _pod_ranges(self, member: Member) -> dict[str, RangeRef | None]:
        """Everything that the cluster's pods may come from, but for those on their node's network; and its home."""
        cluster = member.cluster or {}
        homes = networks.homes(cluster, member.project)
        found = {text: homes.get(text) for text in networks.plain_ranges(cluster)}
        for ref, names in networks.named_ranges(cluster, member.project).items():
            listed = self._subnet(ref).get("secondaryIpRanges") or ()
            known = {str(one.get("rangeName")): str(one.get("ipCidrRange")) for one in listed}
            for name in sorted(names):
                if name not in known:
                    raise MeshError(
                        "read", f"pod range {name} of cluster {member.name}", f"subnetwork {ref.name} has no such range"
                    )
                found[known[name]] = (ref, name)
        return found

    def _node_ranges(self, member: Member) -> set[str]:
        """Where its nodes have addresses, if these are to be admitted; other clusters may have nodes there too."""
        if not self._params["node_ranges"]:
            return set()
        refs = networks.node_subnets(member.cluster or {}, member.project)
        return {str(self._subnet(ref)["ipCidrRange"]) for ref in refs}

    def _subnet(self, ref: SubnetRef) -> dict[str, Any]:
        """A subnetwork, read once, whatever the number of clusters in it."""
        if ref not in self._subnets:
            self._subnets[ref] = compute.get_subnetwork(self._session, ref.path)
        return self._subnets[ref]

    def _tag(self, member: Member, vpc: Vpc) -> str:
        tag, notices = node_tag(self._session, member.cluster or {}, vpc, self._params["node_tag"])
        self._notices += notices
        return tag

    def _control_planes(self, group: list[Member]) -> set[str]:
        if not self._params["webhooks"]:
            return set()
        return {one for member in group if (one := networks.control_plane_range(member.cluster or {}))}

    def _read(self, projects: list[str]) -> Present:
        found: Present = {}
        for project in projects:
            for rule in compute.list_firewalls(self._session, project, f"{self._style.name}.*"):
                found[project, str(rule["name"])] = rule
        return found

    def _predict(self, wanted: Present, present: Present, unborn: list[Member]) -> list[str]:
        """What a real run would change; clusters still to be created will bring ranges that nobody knows yet."""
        if not unborn:
            return [step.text for step in self._plan(wanted, present)]
        names = ", ".join(member.name for member in unborn)
        if not wanted or (set(wanted) - set(present)):
            return [f"firewall rule {self._style.name}: create, with the pod ranges of {names} once they are there"]
        return [f"firewall rule {self._style.name}: add the pod ranges of {names} once they are there"]

    def _settle(self, wanted: Present, present: Present, projects: list[str]) -> list[str]:
        """Write until what is there is what must be; somebody else may write at the same time."""
        changes: list[str] = []
        deadline = Deadline(self._session.clock, float(self._params["wait_timeout"]))
        rounds = 0
        while steps := self._plan(wanted, present):
            if rounds == MOST_ROUNDS:
                raise MeshError(
                    "settle", f"firewall rule {self._style.name}", "somebody else keeps changing it",
                    "Look for a second controller.",
                )  # fmt: skip
            refusal = self._write(steps, deadline, changes)
            if refusal is None:
                rounds += 1
            elif deadline.passed:
                raise refusal
            else:
                # Somebody else's write, perhaps our own killed run's, may be seen only when it is done.
                deadline.pause(deadline.elapsed)
            present = self._read(projects)
        return changes

    def _write(self, steps: list[Step], deadline: Deadline, changes: list[str]) -> ApiError | None:
        """Carry out steps and note them; the refusal when a rule has come or gone since it was read."""
        for step in steps:
            self._report(step.text)
            try:
                compute.write_firewall(self._session, step, deadline)
            except ApiError as error:
                if error.status in (404, 409) and "firewalls/" in error.message:
                    return error
                raise
            if step.text not in changes:
                changes.append(step.text)
        return None

    def _plan(self, wanted: Present, present: Present) -> list[Step]:
        return firewall_rule.plan(self._style, wanted, present, adopt=self._params["adopt"])

    def _diff(self, before: Present, wanted: Present, unborn: list[Member]) -> dict[str, Any]:
        name = self._style.name
        foreign = {key for key, body in before.items() if not firewall_rule.is_ours(body, name)}
        after = {key[1]: _side(body, told=key in foreign) for key, body in sorted(wanted.items())}
        if unborn:
            after.setdefault(name, {})["known after creation"] = [member.name for member in unborn]
        ours = {
            key[1]: _side(body, told=key in foreign)
            for key, body in sorted(before.items())
            if key not in foreign or key in wanted or key[1] == name
        }
        return {"before": ours, "after": after}


def _side(rule: Rule, *, told: bool) -> Rule:
    """A rule in a diff; its description too where the mark in it is what changes: when it is taken over."""
    return firewall_rule.managed(rule) | ({"description": str(rule.get("description") or "")} if told else {})


def _check(params: dict[str, Any]) -> None:
    name, subject = str(params["name"]), f"firewall rule {params['name']}"
    if not _NAME.fullmatch(name):
        raise MeshError(
            "name", subject, "the name is not allowed", "Use at most 63 lower-case letters, digits and hyphens."
        )
    if params["state"] == "present" and not params["clusters"]:
        raise MeshError("make", subject, "no clusters were given", "List the mesh's clusters.")
    if not 0 <= params["priority"] <= 65535:
        raise MeshError("make", subject, f"priority {params['priority']} is not in 0..65535")
    if params["max_source_ranges"] < 1:
        raise MeshError("make", subject, "max_source_ranges must be at least 1")
    if params["node_tag"] is not None and not is_tag(params["node_tag"]):
        raise MeshError("make", subject, f"node_tag {params['node_tag']!r} is no network tag")
    for text in params["protocols"]:
        if not _is_protocol(text.replace(" ", "").lower()):
            raise MeshError(
                "make", subject, f"{text!r} is no protocol", "Write tcp, udp, icmp, esp, ah, sctp, or tcp:15012,15017."
            )
    if not params["protocols"]:
        raise MeshError("make", subject, "no protocols were given", "A rule must allow something.")
    for text in params["extra_source_ranges"]:
        try:
            everything = ipaddress.ip_network(text).prefixlen == 0
        except ValueError as error:
            raise MeshError("make", subject, f"extra_source_ranges: {error}") from error
        if everything:
            raise MeshError("make", subject, f"source range {text} is the whole internet", "Name what is meant.")


def _is_protocol(text: str) -> bool:
    """``tcp``, ``6`` or ``tcp:15012,20000-20100``; numbers and ports within limits, ranges the right way round."""
    if not _PROTOCOL.fullmatch(text):
        return False
    protocol, ports = text.split(":") if ":" in text else (text, "")
    spans = [[int(end) for end in span.split("-")] for span in ports.split(",") if span]
    fine = all(span == sorted(span) and span[-1] <= MOST_PORT for span in spans)
    return fine and not (protocol.isdigit() and int(protocol) > MOST_PROTOCOL)


def _summary(project: str, rule: Rule) -> dict[str, Any]:
    """A rule as the module returns it."""
    return {
        "name": rule["name"],
        "project": project,
        "network": rule["network"].rsplit("/", 1)[-1],
        "priority": rule["priority"],
        "source_ranges": list(rule["sourceRanges"]),
        "target_tags": list(rule["targetTags"]),
        "protocols": firewall_rule.managed(rule)["allowed"],
    }
