# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name a cluster; one fragment a place where such an option stands."""

from __future__ import annotations

_SUBOPTIONS = """
    suboptions:
      name:
        description: The cluster's name, in Google Cloud and in the mesh.
        type: str
        required: true
      location:
        description:
          - Its zone or region. Address, CA and a fresh token come from the Container API and stay in memory.
          - Exactly one of O({option}.location) and O({option}.kubeconfig) is needed.
        type: str
      project:
        description: Its project, where it is another one than O(project).
        type: str
      kubeconfig:
        description: A kubeconfig to reach the cluster by, for clusters that are not GKE's.
        type: path
      context:
        description: The context in O({option}.kubeconfig); its current one by default.
        type: str
      endpoint:
        description:
          - Which of its addresses to use. V(dns) is the DNS endpoint, whose certificate is publicly trusted.
        type: str
        choices: [public, private, dns]
        default: public
"""


def _fragment(option: str, description: str, shape: str) -> str:
    head = f"options:\n  {option}:\n    description: {description}\n{shape}"
    return head + _SUBOPTIONS.replace("{option}", option).lstrip("\n")


_ONE = "    type: dict\n    required: true\n"
_MANY = "    type: list\n    elements: dict\n    default: []\n"


class ModuleDocFragment:
    """C(mcistio.gke.cluster), C(mcistio.gke.cluster.primary) and so on."""

    DOCUMENTATION = _fragment("cluster", "The cluster to work on.", _ONE)
    PRIMARY = _fragment("primary", "The cluster whose istiod runs the mesh.", _ONE)
    REMOTE = _fragment("remote", "The cluster that istiod is to read.", _ONE)
    REMOTES = _fragment("remotes", "The remote clusters that the mesh is expected to have, all of them.", _MANY)
    WAIT_FOR_CA = _fragment(
        "wait_for_ca",
        "Remote clusters to wait for until istiod has given them the mesh's CA (webhook and ConfigMaps).",
        _MANY,
    )
