#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module mesh_objects: documentation and wiring; the work is in _core/mesh_objects.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_objects
short_description: Make or remove a batch of Kubernetes objects of one cluster
description:
  - Applies a list of objects to one cluster by server-side apply as field manager C(mcistio.gke), in the order given,
    or removes them in the reverse order.
  - An object that already says what is declared costs one read and no write.
  - Fields that other managers own and the definition does not name stay as they are, so that a label or an annotation
    can be declared on a namespace that somebody else made. A field that was declared in an earlier run and is
    declared no more goes away.
  - Needs neither kubectl nor a kubeconfig on disk, reaches clusters whose old CA Python 3.13 refuses, and predicts
    creations in check mode while the cluster, the namespace or the kind is still missing, which
    C(kubernetes.core.k8s) cannot.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
requirements:
  - Python package kubernetes 30.1 or newer, but not 36.0.0 or 36.0.1
options:
  definitions:
    description:
      - The objects. An empty value (null) in one means that the field is not set.
      - For O(state=absent) only C(apiVersion), C(kind), C(metadata.name) and C(metadata.namespace) matter.
    type: list
    elements: dict
    default: []
  selectors:
    description: For O(state=absent), objects to remove by label, after O(definitions).
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: API version of the kind.
        type: str
        default: v1
      kind:
        description: The kind. One that the cluster does not know has no objects.
        type: str
        required: true
      namespace:
        description: Where to look; in all namespaces by default.
        type: str
      labels:
        description: The labels that an object must have, at least one.
        type: dict
        required: true
  namespace:
    description: Namespace of namespaced objects whose definition names none.
    type: str
    default: default
  state:
    description: Whether the objects should be there.
    type: str
    choices: [present, absent]
    default: present
  force_conflicts:
    description:
      - Take over a declared field that another manager set to another value. What is declared is meant, so this is
        the default; do not declare fields that a controller should own (C(spec.replicas) under an autoscaler).
    type: bool
    default: true
  propagation:
    description: What happens to the objects that a removed one owns.
    type: str
    choices: [Background, Foreground, Orphan]
    default: Background
  wait:
    description:
      - For O(state=present), wait until Deployments, StatefulSets and DaemonSets are rolled out, LoadBalancer
        Services and Gateways have an address, and new kinds are served.
      - For O(state=absent), wait until the objects are gone, with all that is in a namespace.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait for all of them together, in seconds.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: Creations and changes are judged by the API server in a dry run where it can, else predicted from the
      definition.
  diff_mode:
    support: full
    description: Shows the changed objects without what only the server writes; the values of Secrets are hidden.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
  - mcistio.gke.cluster
seealso:
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Prepare a remote's namespace
  mcistio.gke.mesh_objects:
    cluster: {name: east, location: us-east1-b}
    definitions:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: istio-system
          annotations: {topology.istio.io/controlPlaneClusters: central}

- name: Get an address for istiod
  mcistio.gke.mesh_objects:
    cluster: {name: central, location: us-central1-a}
    definitions: "{{ services }}"
    wait: true
  register: made

- name: Remove what istiod left in all namespaces
  mcistio.gke.mesh_objects:
    cluster: {name: east, location: us-east1-b}
    state: absent
    selectors:
      - kind: ConfigMap
        labels: {istio.io/config: "true"}
"""

RETURN = r"""
objects:
  description: What happened to each object, or would happen in check mode.
  returned: success
  type: list
  elements: dict
  sample:
    - {api_version: v1, kind: Service, namespace: istio-system, name: istiod-ilb, action: unchanged, changed: false}
  contains:
    api_version:
      description: API version.
      type: str
      returned: always
      sample: v1
    kind:
      description: Kind.
      type: str
      returned: always
      sample: Service
    namespace:
      description: Namespace; empty for objects of the cluster.
      type: str
      returned: always
      sample: istio-system
    name:
      description: Name.
      type: str
      returned: always
      sample: istiod-ilb
    action:
      description: One of C(created), C(updated), C(unchanged), C(deleted) and C(absent).
      type: str
      returned: always
      sample: unchanged
    changed:
      description: Whether the object is not as it was.
      type: bool
      returned: always
      sample: false
addresses:
  description: First address of each LoadBalancer Service and Gateway among them that has one, by namespace/name.
  returned: success
  type: dict
  sample: {istio-system/istiod-ilb: 10.128.8.10}
"""

from ansible_collections.mcistio.gke.plugins.module_utils import _shell
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_objects


def main() -> None:
    """Ansible's entry point."""
    _shell.main(mesh_objects)


if __name__ == "__main__":
    main()
