# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name a cluster; one fragment a place where such an option stands."""

from __future__ import annotations

_ONE = "The cluster to work on."
_TYPE = "    type: dict\n    required: true\n"
_LIST = "    type: list\n    elements: dict\n    default: []\n"


def _elsewhere(fragment: str, option: str, description: str, many: bool = False) -> str:
    """The fragment of C(cluster) for an option of another name."""
    renamed = fragment.replace("  cluster:\n", f"  {option}:\n").replace("O(cluster.", f"O({option}.")
    return renamed.replace(_ONE, description).replace(_TYPE, _LIST if many else _TYPE)


class ModuleDocFragment:
    """C(mcistio.gke.cluster), C(mcistio.gke.cluster.primary) and so on."""

    DOCUMENTATION = r"""
options:
  cluster:
    description: The cluster to work on.
    type: dict
    required: true
    suboptions:
      name:
        description: The cluster's name, in Google Cloud and in the mesh.
        type: str
        required: true
      location:
        description:
          - Its zone or region. Address, CA and a fresh token come from the Container API and stay in memory.
          - Exactly one of O(cluster.location) and O(cluster.kubeconfig) is needed.
        type: str
      project:
        description: Its project, where it is another one than O(project).
        type: str
      kubeconfig:
        description: A kubeconfig to reach the cluster by, for clusters that are not GKE's.
        type: path
      context:
        description: The context in O(cluster.kubeconfig); its current one by default.
        type: str
      endpoint:
        description:
          - Which of its addresses to use. V(dns) is the DNS endpoint, whose certificate is publicly trusted.
        type: str
        choices: [public, private, dns]
        default: public
"""


# Made outside of the class: sanity takes each assignment in it for a text to read as it stands.
for _option, _description, _many in (
    ("primary", "The cluster whose istiod runs the mesh.", False),
    ("remote", "The cluster that istiod is to read.", False),
    ("remotes", "The remote clusters that the mesh is expected to have, all of them.", True),
    (
        "wait_for_ca",
        "Remote clusters to wait for until istiod has given them the mesh's CA (webhook and ConfigMaps).",
        True,
    ),
):
    _fragment = _elsewhere(ModuleDocFragment.DOCUMENTATION, _option, _description, many=_many)
    setattr(ModuleDocFragment, _option.upper(), _fragment)
