#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module mesh_verify: documentation and wiring; the work is in _core/mesh_verify.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_verify
short_description: Prove that a mesh of several clusters works
description:
  - Goes up a ladder of checks and makes all of them, also after one failed. What fails is named with its layer, its
    cluster and the likely cause, for example a firewall between two clusters.
  - C(L0 api), every API server is ready.
  - C(L1 credential), istiod's stored credential for each remote works. A canary Service and EndpointSlice are made on
    the remote, must be seen by every istiod replica, and are removed again. No proxy outside of Istio's own namespace
    gets to know of them.
  - C(L2 names), annotation and injection path of each remote agree with the names of the clusters.
  - C(L3 istiod), every replica has exactly the expected clusters, each synced.
  - C(L4 trust), webhook and namespaces of each remote have the mesh's CA, and it looks for istiod where istiod is.
  - C(L5 proxies), every placed pod runs and its sidecar is connected and up to date.
  - C(L6 endpoints), every replica knows ready endpoints of each workload in its clusters and in no others.
  - C(L7 network), a pod of each cluster gets an answer from a pod of each other one, tried from inside a sidecar,
    past Envoy.
  - C(L8 traffic), Bookinfo's page is served through the ingress gateway and every workload answers. Upstream's
    C(reviews) says which pod and cluster answered. Its C(details) and C(ratings) do not, so where those are is known
    from L6. Images that do say it are held to it.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
requirements:
  - Python package kubernetes 30.1 or newer, but not 36.0.0 or 36.0.1
options:
  istio_namespace:
    description: Istio's namespace, on all clusters.
    type: str
    default: istio-system
  revision:
    description: Revision of the control plane; empty for the default one.
    type: str
    default: ""
  workloads:
    description:
      - The placement of Bookinfo, as Deployment to the name or the names of its clusters. Without it the checks of
        the application are left out.
    type: dict
    default: {}
  namespace:
    description: Namespace of the application.
    type: str
    default: default
  gateway:
    description: Service of the ingress gateway on the primary, as namespace/name. Its load balancer's address gets
      the requests.
    type: str
    default: istio-ingress/istio-ingress
  url:
    description: Base address to send the requests to instead.
    type: str
    default: ""
  wait_timeout:
    description:
      - How long failing checks are made again before they count, in seconds, for all checks together. A mesh takes a
        moment to settle.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Makes the same checks but writes no canary; the result says that this one was skipped.
  diff_mode:
    support: none
    description: Leaves nothing changed.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
  - mcistio.gke.cluster.primary
  - mcistio.gke.cluster.remotes
notes:
  - Uses the right to C(pods/exec) on all clusters.
"""

EXAMPLES = r"""
- name: Prove the mesh
  mcistio.gke.mesh_verify:
    primary: {name: central, location: us-central1-a}
    remotes:
      - {name: east, location: us-east1-b}
      - {name: west, location: us-west1-b}
    workloads:
      productpage-v1: central
      details-v1: east
      reviews-v3: west
"""

RETURN = r"""
checks:
  description: Every check, in order, also when some failed.
  returned: always
  type: list
  elements: dict
  contains:
    layer:
      description: Its place in the ladder.
      type: str
      returned: always
      sample: L7
    name:
      description: Its name.
      type: str
      returned: always
      sample: network
    cluster:
      description: The cluster it is about.
      type: str
      returned: always
      sample: central
    ok:
      description: Whether it passed, or was skipped.
      type: bool
      returned: always
      sample: true
    skipped:
      description: Whether it could not be made.
      type: bool
      returned: always
      sample: false
    detail:
      description: What was seen.
      type: str
      returned: always
      sample: its pods reach those of east
    hint:
      description: The likely cause and what to do, where it failed.
      type: str
      returned: always
      sample: ""
summary:
  description: The outcome for a person.
  returned: always
  type: dict
  contains:
    clusters:
      description: The clusters of the mesh, the primary first.
      type: list
      elements: str
      returned: always
      sample: [central, east, west]
    page:
      description: Address of Bookinfo's page; empty if that was not tried.
      type: str
      returned: always
      sample: http://203.0.113.20/productpage
    answered:
      description: Workloads that answered, and from which clusters.
      type: dict
      returned: always
      sample: {details-v1: [east], reviews-v3: [west]}
    checks:
      description: How many passed, failed and were skipped.
      type: dict
      returned: always
      sample: {passed: 31, failed: 0, skipped: 0}
"""

from ansible_collections.mcistio.gke.plugins.module_utils import _shell
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_verify


def main() -> None:
    """Ansible's entry point."""
    _shell.main(mesh_verify)


if __name__ == "__main__":
    main()
