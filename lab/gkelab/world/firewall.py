# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute firewall resources as an nftables ruleset for the router.

As on Google's network: ingress is judged at the instance that receives, by its network and tags; the rule of the
lowest priority number that matches decides, deny before allow on a tie; ingress that nothing matches is denied and
egress that nothing matches is allowed; the answers of an allowed connection pass. A rule that goes takes its open
connections with it, since only answers pass without being judged.

Limits: IPv4 only, and a rule for service accounts matches nothing, because the lab's instances have none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gkelab.world.commands import run
from gkelab.world.network import HOST_ADDRESS, HOST_LINK, ROUTER, enter

_TABLE = "inet gkelab"
_EXTERNAL_RANGE = "198.19.0.0/16"
"""Addresses of external load balancers; reachable from every network, as the internet is."""

_DEFAULT_PRIORITY = 1000
_PROTOCOLS = {"icmp": 1, "ipip": 4, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "sctp": 132}
_WITH_PORTS = {6: "tcp", 17: "udp", 132: "sctp"}
_ANYWHERE = "0.0.0.0/0"

Rule = Mapping[str, Any]
"""A Compute `firewall` resource as the API shows it."""


@dataclass(frozen=True)
class Instance:
    """A node as the firewall sees it: what comes over `link` goes to the node, its pods or its load balancers."""

    link: str
    address: str
    network: str
    region: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Master:
    """A control plane: its link, its public address, and what it reaches in its own cluster."""

    link: str
    endpoint: str
    region: str
    nodes: tuple[str, ...]
    pod_cidrs: tuple[str, ...]
    private_cidr: str = ""
    """Under this range firewall rules know the control plane of a private cluster."""


@dataclass(frozen=True)
class RegionalFrontend:
    """An internal load balancer without global access: only its own region reaches it."""

    address: str
    region: str


@dataclass(frozen=True)
class Vpc:
    """All that the ruleset depends on."""

    masters: Sequence[Master]
    instances: Sequence[Instance]
    rules: Sequence[Rule]
    frontends: Sequence[RegionalFrontend]
    token_review_port: int


def apply(vpc: Vpc) -> None:
    """Replace the router's ruleset in one transaction: no packet sees half of it."""
    run([*enter(ROUTER), "nft", "-f", "-"], stdin=ruleset(vpc))


def ruleset(vpc: Vpc) -> str:
    """The whole ruleset as text for `nft -f`."""
    networks = sorted({instance.network for instance in vpc.instances})
    lines = [f"table {_TABLE}", f"delete table {_TABLE}", f"table {_TABLE} {{", *_input_chain(), *_forward_chain(vpc)]
    for number, network in enumerate(networks):
        members = [instance for instance in vpc.instances if instance.network == network]
        rules = [_name_masters(rule, vpc.masters) for rule in vpc.rules if _in_network(rule, network)]
        lines += _network_chain(f"egress-{number}", members, rules, "EGRESS")
        lines += _network_chain(f"ingress-{number}", members, rules, "INGRESS")
    return "\n".join([*lines, "}", ""])


def _input_chain() -> list[str]:
    """Nothing inside may talk to the router itself."""
    return [
        "  chain input {",
        "    type filter hook input priority filter; policy drop;",
        "    ct state established,related accept",
        f'    iifname {{ "lo", "{HOST_LINK}" }} accept',
        "    icmp type echo-request accept",
        "  }",
    ]


def _forward_chain(vpc: Vpc) -> list[str]:
    lines = [
        "  chain forward {",
        "    type filter hook forward priority filter; policy drop;",
        # Answers only: a packet of the asking side is judged every time.
        "    ct direction reply ct state established accept",
        "    ct state related accept",
    ]
    networks = sorted({instance.network for instance in vpc.instances})
    for number, network in enumerate(networks):
        links = [instance.link for instance in vpc.instances if instance.network == network]
        lines.append(f"    iifname {_links(links)} jump egress-{number}")
    for master in vpc.masters:
        lines.append(f'    oifname "{master.link}" ip daddr {master.endpoint} tcp dport 443 accept comment "endpoint"')
        lines += _from_master(master, vpc.token_review_port)
    lines += _regional_frontends(vpc)
    for number, network in enumerate(networks):
        own = [instance.link for instance in vpc.instances if instance.network == network]
        others = [instance.link for instance in vpc.instances if instance.network != network]
        if others:
            lines.append(f"    iifname {_links(others)} oifname {_links(own)} ip daddr != {_EXTERNAL_RANGE} drop")
        lines.append(f"    oifname {_links(own)} jump ingress-{number}")
    return [*lines, "  }"]


def _from_master(master: Master, token_review_port: int) -> list[str]:
    source = f'    iifname "{master.link}"'
    lines = [f'{source} oifname "{HOST_LINK}" ip daddr {HOST_ADDRESS} tcp dport {token_review_port} accept']
    if master.private_cidr:
        return lines
    if master.nodes:
        lines.append(f"{source} ip daddr {_ranges(master.nodes)} tcp dport {{ 443, 10250 }} accept")
    # The control plane of a public cluster reaches its pods through konnectivity's agents.
    lines.append(f'{source} ip daddr {_ranges(master.pod_cidrs)} accept comment "konnectivity"')
    return lines


def _regional_frontends(vpc: Vpc) -> list[str]:
    lines = []
    for frontend in vpc.frontends:
        near = [instance.link for instance in vpc.instances if instance.region == frontend.region]
        near += [master.link for master in vpc.masters if master.region == frontend.region]
        lines.append(f'    ip daddr {frontend.address} iifname != {_links(near)} drop comment "no global access"')
    return lines


def _network_chain(name: str, members: Sequence[Instance], rules: Sequence[Rule], direction: str) -> list[str]:
    lines = [f"  chain {name} {{"]
    applicable = [rule for rule in rules if rule.get("direction", "INGRESS") == direction and not rule.get("disabled")]
    for rule in sorted(applicable, key=_order):
        lines += [f"    {line}" for line in _rule_lines(rule, members, direction)]
    return [*lines, "  }"]


def _order(rule: Rule) -> tuple[int, bool, str]:
    return int(rule.get("priority", _DEFAULT_PRIORITY)), not rule.get("denied"), str(rule.get("name", ""))


def _rule_lines(rule: Rule, members: Sequence[Instance], direction: str) -> list[str]:
    """One line for each protocol of the rule; none if it can match nothing here."""
    targets = _targets(rule, members)
    sources = _sources(rule, members, direction)
    destinations = _clean(rule.get("destinationRanges", ())) if rule.get("destinationRanges") else [_ANYWHERE]
    if not targets or not sources or not destinations:
        return []
    match = [f"{'oifname' if direction == 'INGRESS' else 'iifname'} {_links([target.link for target in targets])}"]
    for word, ranges in (("saddr", sources), ("daddr", destinations)):
        if _ANYWHERE not in ranges:
            match.append(f"ip {word} {_ranges(ranges)}")
    # What egress rules allow still has to be let in at the other end.
    allowed = "accept" if direction == "INGRESS" else "return"
    verdict = "drop" if rule.get("denied") else allowed
    comment = f'comment "{_comment(rule)}"'
    entries = rule.get("denied") or rule.get("allowed") or ()
    return [" ".join([*match, *part, verdict, comment]) for part in map(_protocol, entries) if part is not None]


def _name_masters(rule: Rule, masters: Sequence[Master]) -> Rule:
    """A range that holds a private control plane's also means its address in the lab."""
    ranges = _clean(rule.get("sourceRanges", ()))
    held = [master.endpoint for master in masters if master.private_cidr and _holds(ranges, master.private_cidr)]
    return {**rule, "sourceRanges": [*ranges, *held]} if held else rule


def _holds(ranges: Sequence[str], part: str) -> bool:
    inner = ipaddress.IPv4Network(part)
    return any(inner.subnet_of(ipaddress.IPv4Network(text)) for text in ranges)


def _targets(rule: Rule, members: Sequence[Instance]) -> list[Instance]:
    if rule.get("targetServiceAccounts"):
        return []
    tags = set(rule.get("targetTags", ()))
    return [member for member in members if not tags or tags & set(member.tags)]


def _sources(rule: Rule, members: Sequence[Instance], direction: str) -> list[str]:
    """Ranges and tags add up; a tag means the instances' own addresses, never those of their pods."""
    if direction == "EGRESS":
        return _clean(rule.get("sourceRanges", ())) if rule.get("sourceRanges") else [_ANYWHERE]
    if not any(rule.get(name) for name in ("sourceRanges", "sourceTags", "sourceServiceAccounts")):
        return [_ANYWHERE]
    tags = set(rule.get("sourceTags", ()))
    tagged = [member.address for member in members if tags & set(member.tags)]
    return _clean([*rule.get("sourceRanges", ()), *tagged])


def _protocol(entry: Mapping[str, Any]) -> list[str] | None:
    """The match for one `allowed` or `denied` entry; None for a protocol that IPv4 does not know by this name."""
    name = str(entry["IPProtocol"]).lower()
    if name == "all":
        return []
    number = int(name) if name.isdigit() else _PROTOCOLS.get(name)
    if number is None:
        return None
    ports = entry.get("ports")
    if ports and number in _WITH_PORTS:
        return [f"{_WITH_PORTS[number]} dport {_set(_merge_ports(ports))}"]
    return [f"meta l4proto {number}"]


def _merge_ports(ports: Iterable[str]) -> list[str]:
    """Ports and port ranges without overlaps, which a set refuses."""
    spans = sorted((int(first), int(last or first)) for first, _, last in (str(port).partition("-") for port in ports))
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return [str(first) if first == last else f"{first}-{last}" for first, last in merged]


def _clean(ranges: Iterable[str]) -> list[str]:
    """IPv4 ranges without overlaps, which a set refuses."""
    parsed = [ipaddress.ip_network(text, strict=False) for text in ranges]
    collapsed = ipaddress.collapse_addresses(net for net in parsed if isinstance(net, ipaddress.IPv4Network))
    return [str(net) for net in collapsed]


def _ranges(ranges: Iterable[str]) -> str:
    return _set(_clean(ranges))


def _links(links: Iterable[str]) -> str:
    return _set(f'"{link}"' for link in sorted(set(links)))


def _set(elements: Iterable[str]) -> str:
    return "{ " + ", ".join(elements) + " }"


def _in_network(rule: Rule, network: str) -> bool:
    return str(rule.get("network", "default")).rsplit("/", 1)[-1] == network


def _comment(rule: Rule) -> str:
    """nft takes up to 128 characters and no quotes."""
    return "".join(char for char in str(rule.get("name", "")) if char.isalnum() or char in "-_.")[:100]
