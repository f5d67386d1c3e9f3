#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module mesh_firewall: documentation and wiring; the work is in _core/mesh_firewall.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_firewall
short_description: Let the pods of a mesh's clusters reach the mesh's nodes
description:
  - Makes one firewall rule for the clusters of a mesh. It admits their pods' true ranges (of clusters, of node pools
    and additional
    ones; never the range of Services) to their nodes, found by a network tag.
  - Refuses a rule without a source or a target, which would admit everybody or open every machine of the network, and
    clusters whose pod ranges overlap, unless they share a secondary range of one subnetwork. All of that is found out
    before anything is written.
  - Repairs drift in both directions, since a range or tag too many is as wrong as one too few. Rules that this module
    did not make
    are never touched.
  - Clusters on several networks get a rule each, in the project that owns the network. Lists beyond the limits of a
    rule are spread over numbered rules; a range that moves from one to another is never closed in between.
  - Several controllers may run it at the same time. A rule that one of them is making, the others wait for.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
options:
  name:
    description: Name of the rule, and the beginning of the names of further ones.
    type: str
    default: istio-multicluster-pod-fw
  state:
    description: Whether the rule should exist. Clusters that are gone are no hindrance to its removal.
    type: str
    choices: [present, absent]
    default: present
  clusters:
    description: The clusters of the mesh, all of them; needed with O(state=present).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      location:
        description: Its zone or region. A cluster without one is not GKE's and is left out.
        type: str
      project:
        description: Its project, where it is another one than O(project).
        type: str
      kubeconfig:
        description: Of no use here; it is accepted so that one list of clusters serves all modules.
        type: path
      context:
        description: Likewise.
        type: str
      endpoint:
        description: Likewise.
        type: str
        choices: [public, private, dns]
        default: public
  node_tag:
    description:
      - The network tag of the mesh's nodes, as O(mcistio.gke.gke_cluster#module:node_tags) puts it on them.
      - Where a pool lacks it, or one that GKE makes by itself would, and where this option is not set, the tag that GKE
        gave the cluster's nodes is looked up.
    type: str
  network_project:
    description:
      - Project of the rule, where it is not the one that the clusters' network names.
      - With O(state=absent) and a Shared VPC it is needed once the clusters, which tell the host project, are gone.
    type: str
  priority:
    description: Priority of the rule; lower goes first.
    type: int
    default: 900
  protocols:
    description: What to allow, as protocols (V(tcp)) or protocols with ports (V(tcp:15012,15017)).
    type: list
    elements: str
    default: [tcp, udp, icmp, esp, ah, sctp]
  extra_source_ranges:
    description: Further ranges to admit.
    type: list
    elements: str
    default: []
  node_ranges:
    description: Whether to admit the nodes' own ranges too, those of all their subnetworks, for pods on the host's
      network and masqueraded traffic.
    type: bool
    default: false
  peered_networks:
    description: Whether the clusters' networks reach each other, so that each admits the pods of all.
    type: bool
    default: false
  webhooks:
    description: Whether the control planes of private clusters are admitted to port 15017, which GKE's own rules
      leave closed.
    type: bool
    default: true
  max_source_ranges:
    description: How many ranges a rule may have; more make numbered rules.
    type: int
    default: 256
  log:
    description: Whether the rule's connections are logged.
    type: bool
    default: false
  adopt:
    description: Whether a rule of this name that somebody else made is taken over, or with O(state=absent) removed.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait for the rule to be in force, in seconds, and for a rule that somebody else is making
      at the same time.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: Also before the clusters exist.
  diff_mode:
    support: full
    description: Shows the rules, before and after.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
seealso:
  - module: mcistio.gke.gke_cluster
"""

EXAMPLES = r"""
- name: Open three clusters to each other
  mcistio.gke.mesh_firewall:
    project: my-project
    node_tag: mesh1-node
    clusters:
      - {name: central, location: us-central1-a}
      - {name: west, location: us-west1-b}
      - {name: east, location: us-east1-b}

- name: No more than what Istio needs
  mcistio.gke.mesh_firewall:
    project: my-project
    node_tag: mesh1-node
    protocols: ["tcp"]
    clusters: "{{ mesh_members }}"

- name: Close it again
  mcistio.gke.mesh_firewall:
    project: my-project
    state: absent
"""

RETURN = r"""
rules:
  description: The rules as they are, or would be, after the run; empty with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the rule.
      type: str
      returned: always
      sample: istio-multicluster-pod-fw
    project:
      description: Project that it is in.
      type: str
      returned: always
      sample: my-project
    network:
      description: Network that it is for.
      type: str
      returned: always
      sample: default
    priority:
      description: Its priority.
      type: int
      returned: always
      sample: 900
    source_ranges:
      description: Ranges that it admits.
      type: list
      elements: str
      returned: always
      sample: [10.4.0.0/14, 10.8.0.0/14]
    target_tags:
      description: Network tags of the nodes that it opens.
      type: list
      elements: str
      returned: always
      sample: [mesh1-node]
    protocols:
      description: What it allows.
      type: list
      elements: str
      returned: always
      sample: [tcp, udp]
changes:
  description: What was changed, or would be, in order.
  returned: success
  type: list
  elements: str
  sample: ["firewall rule istio-multicluster-pod-fw: sourceRanges"]
"""

from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_firewall
from ansible_collections.mcistio.gke.plugins.module_utils._shell import main

if __name__ == "__main__":
    main(mesh_firewall)
