#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module mesh_info: documentation and wiring; the work is in _core/mesh_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_info
short_description: Read istiod's view of the mesh
description:
  - Asks every istiod replica of the primary which clusters it has, which proxies are connected to it and which
    endpoints it knows.
  - Waits for a state of that view where asked. A failure names the replica, the cluster and the likely cause.
  - Writes nothing. It runs C(pilot-discovery request) in istiod's pods, so the account needs the right to
    C(pods/exec).
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
requirements:
  - Python package kubernetes 30.1 or newer, but not 36.0.0 or 36.0.1
options:
  namespace:
    description: Istio's namespace.
    type: str
    default: istio-system
  revision:
    description: Revision of the control plane; empty for any.
    type: str
    default: ""
  views:
    description:
      - What to return. By default everything, or just what was waited for if any of the other options is used.
    type: list
    elements: str
    choices: [clusters, proxies, endpoints]
  services:
    description: Services whose load balancer address to return.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Service.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
  wait_for_synced:
    description:
      - Names of clusters that every replica must have as synced.
      - That says that a cluster was read once, not that its credential still works. See M(mcistio.gke.mesh_verify)
        for proof.
    type: list
    elements: str
    default: []
  ca_namespaces:
    description: Namespaces of O(wait_for_ca) where the root certificate must be; O(namespace) by default.
    type: list
    elements: str
  wait_for_endpoints:
    description:
      - Endpoints that every replica must know as ready. Wait for the new ones before the old ones of a workload are
        removed, and no request is lost.
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description: Name of the Service.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        default: default
      workload:
        description: Name of the Deployment behind it; any by default.
        type: str
      cluster:
        description: Where the endpoint must be.
        type: str
        required: true
  wait_timeout:
    description: How long to wait for all of it, in seconds.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Reads as ever and waits for nothing. A cluster or a control plane that is not there yet gives an
      empty view.
  diff_mode:
    support: none
    description: Changes nothing.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
  - mcistio.gke.cluster
  - mcistio.gke.cluster.wait_for_ca
"""

EXAMPLES = r"""
- name: See who is connected
  mcistio.gke.mesh_info:
    cluster: {name: central, location: us-central1-a}
  register: mesh

- name: Wait until east belongs to the mesh
  mcistio.gke.mesh_info:
    cluster: {name: central, location: us-central1-a}
    wait_for_synced: [east]
    wait_for_ca:
      - {name: east, location: us-east1-b}
"""

RETURN = r"""
replicas:
  description: Each istiod and the clusters it has.
  returned: success
  type: list
  elements: dict
  contains:
    pod:
      description: The replica.
      type: str
      returned: always
      sample: istiod-5d8c7b9f4-x2x7k
    clusters:
      description: Its clusters, its own first.
      type: list
      elements: dict
      returned: always
      sample:
        - {name: central, secret: "", status: synced}
        - {name: east, secret: istio-system/istio-remote-secret-east, status: synced}
proxies:
  description:
    - Connected proxies by cluster, of all replicas together. C(stale) names what was sent and not acknowledged,
      C(errors) what was refused.
  returned: success
  type: dict
  sample:
    east:
      - {name: details-v1-6c9f8b.default, replica: istiod-5d8c7b9f4-x2x7k, version: 1.31.0, stale: [], errors: []}
endpoints:
  description: Ready endpoints that every replica knows, by host name of the Service and by cluster.
  returned: success
  type: dict
  sample: {details.default.svc.cluster.local: {east: ["10.8.0.5:9080"]}}
addresses:
  description: Address of each of O(services) by namespace/name, empty while it has none.
  returned: success
  type: dict
  sample: {istio-system/istiod-ilb: 10.128.8.10}
"""

from ansible_collections.mcistio.gke.plugins.module_utils import _shell
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_info


def main() -> None:
    """Ansible's entry point."""
    _shell.main(mesh_info)


if __name__ == "__main__":
    main()
