#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gke_cluster_info: documentation and wiring; the work is in _core/gke_cluster_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cluster_info
short_description: Read GKE clusters
description:
  - Reads one cluster, or all clusters of a project or location that fit, in one call.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
options:
  name:
    description: Names of the clusters; all by default.
    type: list
    elements: str
    aliases: [names]
  location:
    description: Zone or region to look in; the whole project by default.
    type: str
  labels:
    description: Labels that a cluster must have, with their values.
    type: dict
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It changes nothing.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
seealso:
  - module: mcistio.gke.gke_cluster
"""

EXAMPLES = r"""
- name: All clusters of a mesh
  mcistio.gke.gke_cluster_info:
    project: my-project
    labels: {mesh: mesh1}
  register: found

- name: Their addresses
  ansible.builtin.debug:
    msg: "{{ dict(found.clusters | map(attribute='name') | zip(found.clusters | map(attribute='endpoint'))) }}"

- name: One cluster
  mcistio.gke.gke_cluster_info:
    project: my-project
    name: central
    location: us-central1-a
"""

RETURN = r"""
clusters:
  description: The clusters, by name and location.
  returned: success
  type: list
  elements: dict
  contains:
    exists:
      description: Whether there is such a cluster. Without one all other facts but name, location and project are
        null or empty.
      type: bool
      returned: always
      sample: true
    name:
      description: Its name.
      type: str
      returned: always
      sample: central
    location:
      description: Its zone or region.
      type: str
      returned: always
      sample: us-central1-a
    project:
      description: Its project.
      type: str
      returned: always
      sample: my-project
    status:
      description: Its state.
      type: str
      returned: always
      sample: RUNNING
    status_message:
      description: More about the state.
      type: str
      returned: always
      sample: null
    endpoint:
      description: Address of its API server.
      type: str
      returned: always
      sample: 203.0.113.7
    private_endpoint:
      description: Private address of its API server.
      type: str
      returned: always
      sample: 10.128.0.2
    dns_endpoint:
      description: DNS name of its API server.
      type: str
      returned: always
      sample: gke-abc-123.us-central1-a.gke.goog
    ca_certificate:
      description: Its CA as base64 of PEM.
      type: str
      returned: always
      sample: LS0tLS1CRUdJTiBDRVJU...
    version:
      description: Kubernetes version of its control plane.
      type: str
      returned: always
      sample: 1.33.5-gke.1162000
    release_channel:
      description: Its release channel.
      type: str
      returned: always
      sample: REGULAR
    network:
      description: Its network.
      type: str
      returned: always
      sample: default
    network_project:
      description: Project that owns the network.
      type: str
      returned: always
      sample: my-project
    subnetwork:
      description: Its subnetwork.
      type: str
      returned: always
      sample: default
    pod_range:
      description: Range of its pods.
      type: str
      returned: always
      sample: 10.4.0.0/14
    services_range:
      description: Range of its Services.
      type: str
      returned: always
      sample: 34.118.224.0/20
    autopilot:
      description: Whether Google runs its nodes.
      type: bool
      returned: always
      sample: false
    labels:
      description: Its labels.
      type: dict
      returned: always
      sample: {mesh: mesh1}
    zones:
      description: Zones of its nodes.
      type: list
      elements: str
      returned: always
      sample: [us-central1-a]
    node_count:
      description: Nodes that it has, in all zones and pools.
      type: int
      returned: always
      sample: 4
    node_pools:
      description: Its node pools.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: Name of the pool.
          type: str
          returned: always
          sample: default-pool
        status:
          description: Its state.
          type: str
          returned: always
          sample: RUNNING
        version:
          description: Kubernetes version of its nodes.
          type: str
          returned: always
          sample: 1.33.5-gke.1162000
        machine_type:
          description: Machine type of its nodes.
          type: str
          returned: always
          sample: e2-medium
        tags:
          description: Network tags of its nodes.
          type: list
          elements: str
          returned: always
          sample: [mesh1-node]
        zones:
          description: Zones of its nodes.
          type: list
          elements: str
          returned: always
          sample: [us-central1-a]
        autoscaling:
          description: Whether it is autoscaled.
          type: bool
          returned: always
          sample: false
    create_time:
      description: When it was created.
      type: str
      returned: always
      sample: "2026-11-23T17:35:07Z"
    self_link:
      description: Its URL.
      type: str
      returned: always
      sample: https://container.googleapis.com/v1/projects/my-project/zones/us-central1-a/clusters/central
missing_zones:
  description: Zones that did not answer; a cluster that is not listed may be there.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster_info
from ansible_collections.mcistio.gke.plugins.module_utils._shell import main

if __name__ == "__main__":
    main(gke_cluster_info)
