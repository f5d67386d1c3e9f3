#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module istio_remote_secret: documentation and wiring; the work is in _core/istio_remote_secret.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: istio_remote_secret
short_description: Let istiod of one cluster read another one
description:
  - Takes the service account token of the remote cluster and writes it to the primary as the Secret that istiod looks
    for, with the very bytes that C(istioctl create-remote-secret) would have written.
  - The credential goes from one cluster to the other inside one task. It is in no variable, no result, no diff and no
    log.
  - Rewrites the Secret when the token, the CA or the address of the remote has changed, and adopts one that istioctl
    made.
  - Never creates the service account. istioctl would, with default permissions and without Helm's ownership marks, on
    which the chart that owns the account then fails to install.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
requirements:
  - Python package kubernetes 30.1 or newer, but not 36.0.0 or 36.0.1
options:
  namespace:
    description: Istio's namespace, on both clusters.
    type: str
    default: istio-system
  service_account:
    description: The account on the remote as which istiod reads it.
    type: str
    default: istio-reader-service-account
  state:
    description:
      - Whether istiod should read the remote.
      - V(absent) removes the Secret from the primary first, then the token on the remote if this module had made it.
        A cluster that is gone has nothing to be removed.
    type: str
    choices: [present, absent]
    default: present
  server:
    description: URL of the remote's API server as istiod is to call it; by default the one that O(remote) is reached
      by.
    type: str
  tls_server_name:
    description: Name to expect in the certificate of that API server, where it is not the one in the URL.
    type: str
  ca:
    description: CA certificate for that API server as PEM; by default the cluster's own.
    type: str
  omit_ca:
    description:
      - Leave the CA out, for an API server with a publicly trusted certificate. True by default where
        O(remote.endpoint=dns) and O(server) is not given.
    type: bool
  keep_token:
    description: With O(state=absent), leave the token on the remote, because other primaries use it too.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait for the remote to fill a new token Secret, in seconds.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Also before the clusters, the charts or the token exist; then the Secret counts as one to be written.
  diff_mode:
    support: full
    description: Shows the address, and fingerprints of CA and token.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
  - mcistio.gke.cluster.primary
  - mcistio.gke.cluster.remote
notes:
  - The name of O(remote) becomes the name of the cluster in the mesh. It must be the one in the remote's
    C(istiodRemote.injectionPath).
  - Annotate the remote's Istio namespace with C(topology.istio.io/controlPlaneClusters) first. istiod reads it once.
"""

EXAMPLES = r"""
- name: Attach east to the mesh
  mcistio.gke.istio_remote_secret:
    primary: {name: central, location: us-central1-a}
    remote: {name: east, location: us-east1-b}

- name: Attach a cluster whose API server istiod reaches at its private address
  mcistio.gke.istio_remote_secret:
    primary: {name: central, location: us-central1-a}
    remote: {name: east, location: us-east1-b}
    server: https://10.0.0.2
"""

RETURN = r"""
secret:
  description: The Secret on the primary.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: istio-remote-secret-east
    namespace:
      description: Its namespace.
      type: str
      returned: always
      sample: istio-system
    cluster:
      description: The cluster it holds the key to.
      type: str
      returned: always
      sample: east
    server:
      description: The API server's URL in it; empty where it is not known yet (check mode).
      type: str
      returned: always
      sample: https://203.0.113.7
"""

from ansible_collections.mcistio.gke.plugins.module_utils import _shell
from ansible_collections.mcistio.gke.plugins.module_utils._core import istio_remote_secret


def main() -> None:
    """Ansible's entry point."""
    _shell.main(istio_remote_secret)


if __name__ == "__main__":
    main()
