#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gke_kubeconfig: documentation and wiring; the work is in _core/gke_kubeconfig.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_kubeconfig
short_description: Keep a kubeconfig whose contexts are named as the clusters
description:
  - Adds, renews and removes contexts of GKE clusters in a kubeconfig, without gcloud. Context, cluster and user all
    have the
    cluster's name.
  - The file is replaced in one step, readable by its owner alone. What others put into it stays, and the current
    context is left
    alone unless asked otherwise. A context of somebody else that leads to another server is never overwritten.
  - There is no insecure way, so a cluster without a CA certificate is an error.
  - For people and their tools. The modules of this collection need no kubeconfig.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
options:
  path:
    description: The file. By default one of its own, which E(KUBECONFIG) can name beside others.
    type: path
    default: ~/.kube/mcistio.gke.yaml
  state:
    description: Whether the contexts should be there. A file in which nothing is left is deleted.
    type: str
    choices: [present, absent]
    default: present
  clusters:
    description: The clusters. The names are enough with O(state=absent), and the clusters may be gone by then.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster, and of its context.
        type: str
        required: true
      location:
        description: Its zone or region.
        type: str
      project:
        description: Its project, where it is another one than O(project).
        type: str
      kubeconfig:
        description: A cluster with a kubeconfig of its own is left out.
        type: path
      context:
        description: Of no use here; it is accepted so that one list of clusters serves all modules.
        type: str
      endpoint:
        description: Which of its addresses to use. V(dns) has a publicly trusted certificate.
        type: str
        choices: [public, private, dns]
        default: public
  auth:
    description:
      - V(exec) logs in by Google's C(gke-gcloud-auth-plugin) with Application Default Credentials, or with
        O(service_account_file).
      - V(token) writes an access token of an hour into the file, for tools without the plugin. Every run renews it; a
        fresh token
        alone does not count as a change.
    type: str
    choices: [exec, token]
    default: exec
  set_current_context:
    description: Whether the first of O(clusters) becomes the current context.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Also before the clusters exist.
  diff_mode:
    support: full
    description: Shows address, way of logging in and a digest of the CA; never a token.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
seealso:
  - module: mcistio.gke.gke_cluster
"""

EXAMPLES = r"""
- name: Contexts for three clusters
  mcistio.gke.gke_kubeconfig:
    project: my-project
    clusters:
      - {name: central, location: us-central1-a}
      - {name: west, location: us-west1-b}
      - {name: east, location: us-east1-b}

- name: For an hour, without Google's plugin
  mcistio.gke.gke_kubeconfig:
    project: my-project
    path: /tmp/mesh.kubeconfig
    auth: token
    clusters:
      - {name: central, location: us-central1-a}

- name: Remove them again
  mcistio.gke.gke_kubeconfig:
    state: absent
    clusters:
      - name: central
      - name: west
      - name: east
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /home/me/.kube/mcistio.gke.yaml
contexts:
  description: Our contexts in it after the run.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the context.
      type: str
      returned: always
      sample: central
    server:
      description: URL of the API server.
      type: str
      returned: always
      sample: https://203.0.113.7
    auth:
      description: How it logs in.
      type: str
      returned: always
      sample: exec
changes:
  description: What was changed, or would be, in order.
  returned: success
  type: list
  elements: str
  sample: ["context central: add"]
"""

from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_kubeconfig
from ansible_collections.mcistio.gke.plugins.module_utils._shell import main

if __name__ == "__main__":
    main(gke_kubeconfig)
