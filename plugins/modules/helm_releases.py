#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""helm_releases: documentation of the action of this name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_releases
short_description: Make the Helm releases of one cluster as declared
description:
  - Installs, upgrades and uninstalls Helm releases in the order given, by module M(kubernetes.core.helm).
  - Reads Helm's own records first, one request a namespace, and starts helm only for a release that differs in chart,
    chart version or values, or that is not deployed. A run that finds everything in place starts no helm at all.
  - Brings releases back to life that a killed run left in a pending state, where helm itself only says that another
    operation is in progress. The unfinished record is dropped, and helm adopts the objects that the release had made
    already.
  - Helm gets a kubeconfig of its own for the moment, readable by its user alone and removed afterwards.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
requirements:
  - Python package kubernetes 30.1 or newer, but not 36.0.0 or 36.0.1
  - helm 3.14 or newer, 4 preferred
  - collection kubernetes.core 6.6 or newer
options:
  releases:
    description: The releases, in the order in which they are to be settled.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the release.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
      state:
        description: Whether it should be there.
        type: str
        choices: [present, absent]
        default: present
      chart_ref:
        description:
          - A folder or a packed chart on this machine, a chart of O(releases[].chart_repo_url), or an C(oci://)
            address.
          - Needed for O(releases[].state=present).
          - A local chart is recognised by the name and version in its C(Chart.yaml). If its content changes and its
            version does not, the change is not seen.
        type: str
      chart_version:
        description:
          - The version, to be pinned for charts that are not local. Without it, whatever version is installed stays.
        type: str
      chart_repo_url:
        description: Address of the chart repository.
        type: str
      values:
        description:
          - The values, all of them. What an earlier run set and this one does not is unset.
          - Null is a value here. It unsets a default of the chart.
        type: dict
        default: {}
      create_namespace:
        description: Let helm create the namespace.
        type: bool
        default: false
      skip_crds:
        description: Do not install what is in the chart's C(crds) folder.
        type: bool
        default: false
      take_ownership:
        description: Adopt objects that exist already without belonging to this release (helm 3.17 or newer).
        type: bool
        default: false
      server_side:
        description: Whether helm uses server-side apply (helm 4).
        type: str
        choices: ["true", "false", auto]
      force_conflicts:
        description:
          - With server-side apply, take over fields that somebody else set to another value (helm 4). istiod sets
            C(failurePolicy) of its validating webhook, so that an upgrade of Istio's charts by helm 4 may need this.
        type: bool
        default: false
      wait:
        description:
          - Wait until the Deployments, StatefulSets and DaemonSets of the release are rolled out, also when nothing
            had to be changed.
          - The waiting is done here and not by helm, because helm, killed while it waits, leaves a pending record.
        type: bool
        default: false
      wait_timeout:
        description: How long to wait for this release, in seconds.
        type: int
        default: 300
  helm_binary:
    description: The helm program; the one on E(PATH) by default.
    type: path
  pending_grace:
    description:
      - How many seconds a pending record must have been left alone before it counts as left behind by a killed run.
        Until then the action watches whether a helm that is still running brings it to an end.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Needs no helm, and works before the cluster exists.
  diff_mode:
    support: full
    description: Shows chart, version, status and values; strings under keys that sound like secrets are hidden.
  action:
    support: full
    description: An action without a module behind it. It runs on the controller, with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
  - mcistio.gke.cluster
notes:
  - Helm must keep its records in Secrets, which is its default. E(HELM_DRIVER) set to anything else is not supported.
seealso:
  - module: kubernetes.core.helm
"""

EXAMPLES = r"""
- name: Install Istio's control plane
  mcistio.gke.helm_releases:
    cluster: {name: central, location: us-central1-a}
    releases:
      - name: istio-base
        namespace: istio-system
        chart_ref: base
        chart_repo_url: https://istio-release.storage.googleapis.com/charts
        chart_version: 1.31.0
        values: {global: {externalIstiod: true}}
      - name: istiod
        namespace: istio-system
        chart_ref: istiod
        chart_repo_url: https://istio-release.storage.googleapis.com/charts
        chart_version: 1.31.0
        values: {global: {externalIstiod: true, meshID: mesh1}}
        wait: true
"""

RETURN = r"""
releases:
  description: What happened to each release, or would happen in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
      returned: always
      sample: istiod
    namespace:
      description: Namespace.
      type: str
      returned: always
      sample: istio-system
    action:
      description: One of C(installed), C(upgraded), C(unchanged), C(uninstalled) and C(absent).
      type: str
      returned: always
      sample: unchanged
    changed:
      description: Whether helm had something to do.
      type: bool
      returned: always
      sample: false
    chart:
      description: Name of the chart, where it is known.
      type: str
      returned: always
      sample: istiod
    chart_version:
      description: Version of the chart, where it is known.
      type: str
      returned: always
      sample: 1.31.0
    status_before:
      description: Helm's status of the release as it was found; empty if there was none.
      type: str
      returned: always
      sample: deployed
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcistio.gke.plugins.module_utils._core import helm_releases


def main() -> None:
    """Say that only the action plugin can do this: it runs another module, which no module can."""
    module = AnsibleModule(
        argument_spec=helm_releases.ARGUMENT_SPEC, supports_check_mode=True, **helm_releases.SPEC_KWARGS
    )
    module.fail_json(msg="helm_releases is an action plugin: use it in a task with a local connection.")


if __name__ == "__main__":
    main()
