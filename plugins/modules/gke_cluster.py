#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gke_cluster: documentation and wiring; the work is in _core/gke_cluster.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cluster
short_description: Create, change and delete GKE clusters
description:
  - Brings one cluster to the declared state, with as many changes as that takes, one feature a call, each waited for.
  - Only what is declared is compared, so the service's own defaults are never drift. A difference that no call can
    settle is an error
    that names every such field; nothing is written then. O(replace_node_pools) and O(allow_recreate) say when
    something new may take the place of what cannot be changed.
  - A cluster that is being created is adopted, one that is being deleted is waited for, and an operation of somebody
    else, or of
    Google itself, is waited for before the next change. A run that was killed is continued by running again.
  - An operation that ends in failure is a failure of the task, with Google's words.
version_added: 0.1.0
author: The mcistio.gke authors (@mcistio)
options:
  name:
    description: Name of the cluster, at most 40 lower-case letters, digits and hyphens.
    type: str
    required: true
  location:
    description:
      - Zone (V(us-central1-a)) or region (V(us-central1)). It cannot be changed.
      - In a region every node count is for each of its zones.
    type: str
    required: true
  state:
    description: Whether the cluster should exist.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: A description. It cannot be changed.
    type: str
  cluster_version:
    description:
      - Kubernetes version of the control plane, exact (V(1.33.5-gke.1162000)) or the beginning of one (V(1.33)), or
        V(latest).
      - A control plane that is newer already stays as it is, since GKE does not go back. V(latest) is never a wish to
        upgrade.
    type: str
  release_channel:
    description: Release channel; V(none) for no channel, which is deprecated. GKE's default is V(regular).
    type: str
    choices: [rapid, regular, stable, extended, none]
  node_locations:
    description: Zones of the nodes. A zonal cluster's own zone must be among them.
    type: list
    elements: str
  network:
    description: VPC network, by name, or by path where it is another project's (Shared VPC). It cannot be changed.
    type: str
  subnetwork:
    description: Subnetwork, by name or path. It cannot be changed.
    type: str
  cluster_ipv4_cidr:
    description: Range of the pods, as a range (V(10.4.0.0/14)) or a size (V(/14)). It cannot be changed.
    type: str
  services_ipv4_cidr:
    description: Range of the Services, likewise. It cannot be changed.
    type: str
  cluster_secondary_range_name:
    description: Name of the subnetwork's secondary range for the pods, in place of O(cluster_ipv4_cidr). It cannot be
      changed.
    type: str
  services_secondary_range_name:
    description: Name of the subnetwork's secondary range for the Services. It cannot be changed.
    type: str
  additional_pod_ranges:
    description: Names of further secondary ranges for pods, all of them.
    type: list
    elements: str
  stack_type:
    description: IP families.
    type: str
    choices: [IPV4, IPV4_IPV6]
  default_max_pods_per_node:
    description: Pods a node, for pools that do not say. It cannot be changed.
    type: int
  logging:
    description: Components whose logs are collected, for example V(SYSTEM_COMPONENTS) and V(WORKLOADS); an empty list
      for none.
    type: list
    elements: str
  monitoring:
    description: Components whose metrics are collected, for example V(SYSTEM_COMPONENTS); an empty list for none.
    type: list
    elements: str
  managed_prometheus:
    description: Whether Google's Managed Service for Prometheus collects metrics.
    type: bool
  enable_cloud_logging:
    description: The old switch for O(logging), taken as V(SYSTEM_COMPONENTS) and V(WORKLOADS), or nothing.
    type: bool
  enable_cloud_monitoring:
    description: The old switch for O(monitoring), taken as V(SYSTEM_COMPONENTS), or nothing.
    type: bool
  labels:
    description: Labels of the cluster.
    type: dict
  purge_labels:
    description: Whether labels that O(labels) does not list are removed. Google's own (C(goog-)) always stay.
    type: bool
    default: true
  autopilot:
    description: Whether Google runs the nodes; options of node pools have no effect then. It cannot be changed.
    type: bool
  workload_identity:
    description: Whether pods log in to Google as service accounts of their own, with the project's pool.
    type: bool
  private_nodes:
    description: Whether nodes have no public addresses.
    type: bool
  control_plane:
    description: How the API server is reached.
    type: dict
    suboptions:
      ip_endpoints:
        description: Whether it has IP addresses at all.
        type: bool
      public_endpoint:
        description: Whether one of them is public.
        type: bool
      global_access:
        description: Whether the private one is reached from other regions.
        type: bool
      private_endpoint_subnetwork:
        description: Subnetwork of the private endpoint. It cannot be changed.
        type: str
      authorized_networks:
        description: Ranges that may reach its IP addresses, all of them; an empty list admits none but the cluster's
          own.
        type: list
        elements: dict
        suboptions:
          cidr_block:
            description: The range.
            type: str
            required: true
          name:
            description: A name for it.
            type: str
      dns_external_traffic:
        description: Whether its DNS endpoint is reached from outside of Google's network.
        type: bool
      dns_kubernetes_tokens:
        description: Whether its DNS endpoint takes service account tokens, as istiod of another cluster has them.
        type: bool
  control_plane_ipv4_cidr:
    description: Range of a private cluster's control plane. It cannot be changed.
    type: str
  dataplane_v2:
    description: Whether eBPF (Dataplane V2) carries the traffic. Changing it makes all nodes anew, so
      O(allow_node_recreation) is needed.
    type: bool
  intra_node_visibility:
    description: Whether traffic between pods of one node passes the VPC.
    type: bool
  gateway_api:
    description: Channel of the Gateway API.
    type: str
    choices: [standard, disabled]
  autoscaling_profile:
    description: How readily nodes are removed.
    type: str
    choices: [BALANCED, OPTIMIZE_UTILIZATION]
  node_auto_provisioning:
    description: Whether GKE makes node pools by itself. These get O(node_tags) too, also where the cluster has the
      feature and this option is not set.
    type: dict
    suboptions:
      enabled:
        description: Whether it does.
        type: bool
        default: true
      service_account:
        description: Service account of such nodes.
        type: str
      limits:
        description: How much it may use, all limits.
        type: list
        elements: dict
        suboptions:
          resource:
            description: What, for example V(cpu) or V(memory).
            type: str
            required: true
          minimum:
            description: At least so much.
            type: int
          maximum:
            description: At most so much.
            type: int
            required: true
  vertical_pod_autoscaling:
    description: Whether pods' requests are adapted.
    type: bool
  binary_authorization:
    description: Which images may run.
    type: str
    choices: [DISABLED, PROJECT_SINGLETON_POLICY_ENFORCE]
  shielded_nodes:
    description: Whether nodes prove what they booted.
    type: bool
  confidential_nodes:
    description: Whether nodes' memory is encrypted. It cannot be changed.
    type: bool
  database_encryption_key:
    description: Key of Cloud KMS for the cluster's secrets; empty for Google's own encryption.
    type: str
  fleet_project:
    description: Project of the fleet to register with. A cluster does not change its fleet.
    type: str
  maintenance:
    description: When Google may work on the cluster.
    type: dict
    suboptions:
      daily_start:
        description: Time of day (V(03:00), UTC) of a window of four hours.
        type: str
      start_time:
        description: Start of the first window (RFC 3339), with O(maintenance.recurrence).
        type: str
      end_time:
        description: End of the first window.
        type: str
      recurrence:
        description: When it recurs (RFC 5545), for example V(FREQ=WEEKLY;BYDAY=SA).
        type: str
      exclusions:
        description: Times without maintenance, all of them.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the exclusion.
            type: str
            required: true
          start_time:
            description: Start (RFC 3339).
            type: str
            required: true
          end_time:
            description: End (RFC 3339).
            type: str
            required: true
          scope:
            description: What is excluded.
            type: str
            choices: [NO_UPGRADES, NO_MINOR_UPGRADES, NO_MINOR_OR_NODE_UPGRADES]
  node_count:
    description:
      - Nodes in each zone. A new pool gets 4 where this is not set, an autoscaled one its minimum.
      - It is compared unless the pool is autoscaled.
    type: int
  autoscaling:
    description: Let the pool grow and shrink. Bounds a zone and bounds for all zones exclude each other.
    type: dict
    suboptions:
      enabled:
        description: Whether it does.
        type: bool
        default: true
      minimum:
        description: Least nodes a zone.
        type: int
      maximum:
        description: Most nodes a zone.
        type: int
      total_minimum:
        description: Least nodes in all zones together.
        type: int
      total_maximum:
        description: Most nodes in all zones together.
        type: int
      location_policy:
        description: How nodes are spread over zones.
        type: str
        choices: [BALANCED, ANY]
  machine_type:
    description: Machine type of the nodes.
    type: str
  disk_size_gb:
    description: Size of the boot disk in GB.
    type: int
  disk_type:
    description: Type of the boot disk.
    type: str
  image_type:
    description: Image of the nodes, for example V(COS_CONTAINERD).
    type: str
  oauth_scopes:
    description: Scopes of the nodes' account, as URLs or by gcloud's short names. It cannot be changed
      but by O(replace_node_pools).
    type: list
    elements: str
  service_account:
    description: Service account of the nodes. It cannot be changed but by O(replace_node_pools).
    type: str
  node_tags:
    description:
      - Network tags of the nodes. They are added to those that are there; none is ever taken away.
      - Those given for the cluster are put on all its pools, also on pools that are not listed.
    type: list
    elements: str
  node_labels:
    description: Kubernetes labels of the nodes.
    type: dict
  node_taints:
    description: Taints of the nodes, all of them.
    type: list
    elements: dict
    suboptions:
      key:
        description: Key of the taint.
        type: str
        required: true
      value:
        description: Its value.
        type: str
      effect:
        description: What it does.
        type: str
        required: true
        choices: [NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE]
  spot:
    description: Whether the nodes are spot machines. It cannot be changed but by O(replace_node_pools).
    type: bool
  auto_repair:
    description: Whether broken nodes are replaced. New pools do.
    type: bool
  auto_upgrade:
    description: Whether nodes follow the control plane's version. New pools do.
    type: bool
  max_surge:
    description: How many nodes more there may be during an upgrade.
    type: int
  max_unavailable:
    description: How many nodes may be missing during an upgrade.
    type: int
  max_pods_per_node:
    description: Pods a node. It cannot be changed but by O(replace_node_pools).
    type: int
  node_pools:
    description:
      - Node pools. What a pool does not set it takes from the options of the same names above.
      - Without this option these describe one pool, C(default-pool). It is not added to a cluster that has other pools
        (a warning says so), unless O(remove_other_node_pools) is set.
      - Pools that are not listed stay as they are but for O(node_tags), unless O(remove_other_node_pools) is set.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the pool.
        type: str
        required: true
      node_count:
        description:
          - Nodes in each zone. A new pool gets 4 where this is not set, an autoscaled one its minimum.
          - It is compared unless the pool is autoscaled.
        type: int
      autoscaling:
        description: Let the pool grow and shrink. Bounds a zone and bounds for all zones exclude each other.
        type: dict
        suboptions:
          enabled:
            description: Whether it does.
            type: bool
            default: true
          minimum:
            description: Least nodes a zone.
            type: int
          maximum:
            description: Most nodes a zone.
            type: int
          total_minimum:
            description: Least nodes in all zones together.
            type: int
          total_maximum:
            description: Most nodes in all zones together.
            type: int
          location_policy:
            description: How nodes are spread over zones.
            type: str
            choices: [BALANCED, ANY]
      machine_type:
        description: Machine type of the nodes.
        type: str
      disk_size_gb:
        description: Size of the boot disk in GB.
        type: int
      disk_type:
        description: Type of the boot disk.
        type: str
      image_type:
        description: Image of the nodes, for example V(COS_CONTAINERD).
        type: str
      oauth_scopes:
        description: Scopes of the nodes' account, as URLs or by gcloud's short names. It cannot be changed
          but by O(replace_node_pools).
        type: list
        elements: str
      service_account:
        description: Service account of the nodes. It cannot be changed but by O(replace_node_pools).
        type: str
      node_tags:
        description:
          - Network tags of the nodes. They are added to those that are there; none is ever taken away.
          - Those given for the cluster are put on all its pools, also on pools that are not listed.
        type: list
        elements: str
      node_labels:
        description: Kubernetes labels of the nodes.
        type: dict
      node_taints:
        description: Taints of the nodes, all of them.
        type: list
        elements: dict
        suboptions:
          key:
            description: Key of the taint.
            type: str
            required: true
          value:
            description: Its value.
            type: str
          effect:
            description: What it does.
            type: str
            required: true
            choices: [NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE]
      spot:
        description: Whether the nodes are spot machines. It cannot be changed but by O(replace_node_pools).
        type: bool
      auto_repair:
        description: Whether broken nodes are replaced. New pools do.
        type: bool
      auto_upgrade:
        description: Whether nodes follow the control plane's version. New pools do.
        type: bool
      max_surge:
        description: How many nodes more there may be during an upgrade.
        type: int
      max_unavailable:
        description: How many nodes may be missing during an upgrade.
        type: int
      max_pods_per_node:
        description: Pods a node. It cannot be changed but by O(replace_node_pools).
        type: int
      node_locations:
        description: Zones of its nodes.
        type: list
        elements: str
      version:
        description: Kubernetes version of its nodes, exact or the beginning of one. Newer nodes stay as they are.
        type: str
      pod_range:
        description: Name of the secondary range for its pods. It cannot be changed but by O(replace_node_pools).
        type: str
      private_nodes:
        description: Whether its nodes have no public addresses.
        type: bool
      extra:
        description: Further fields of the API's NodePool, as for O(extra).
        type: dict
  remove_other_node_pools:
    description: Whether node pools that O(node_pools) does not list are deleted, with all that runs on them.
    type: bool
    default: false
  allow_node_recreation:
    description: Whether changes that make all nodes of the cluster anew are made (see O(dataplane_v2)).
    type: bool
    default: false
  replace_node_pools:
    description:
      - Whether a new node pool takes the place of one that differs in what cannot be changed. It is created, the old
        pool is drained, and deleted when nothing is left on it.
      - Names of pools are unique in a cluster, so the new one is called after the old with a few digits, for example
        C(work-1f3a9c), and carries the resource label C(mcistio-gke-node-pool) with the name that O(node_pools) uses.
        Under that name it is compared from then on.
      - What the options do not say of the new pool is taken over from the old, but for its version. Unless its size is
        declared it starts with as many nodes as the old has.
      - Draining closes all nodes of the old pool and asks pod by pod for its end (the Eviction API), so
        PodDisruptionBudgets hold; from as many nodes at a time as an upgrade of the pool would take, that is
        O(max_surge) and O(max_unavailable) together.
      - Pods of DaemonSets, static pods and those that have ended are left. Pods that nobody makes anew are gone for
        good, as is what they kept on the node.
      - A run that ends early is continued by running again. Without this option a replacement that is not finished
        is a warning.
      - Needs the Python package C(kubernetes), and rights in the cluster as C(roles/container.admin) has them. Whether
        the API server is reached and the account may drain is looked at before the new pool is created.
    type: bool
    default: false
  drain_timeout:
    description:
      - How long draining one node pool may take, in seconds; it does not count for O(wait_timeout).
      - When it is over the pods that stay are named with what holds them. The pool is not deleted then, and its nodes
        take in no new pods.
    type: int
    default: 3600
  drain_endpoint:
    description: Which of the cluster's endpoints is called for draining.
    type: str
    choices: [public, private, dns]
    default: public
  allow_recreate:
    description:
      - Whether a cluster that differs in what cannot be changed is deleted, with all that runs in it, and created anew.
      - Never with O(deletion_protection), and never for what O(allow_node_recreation) or O(replace_node_pools) is for.
    type: bool
    default: false
  extra:
    description:
      - Further fields of the API's Cluster, as JSON. They are compared and updated as the options are.
      - Fields that the installed google-cloud-container knows are checked first. Others are sent as they stand, with
        a warning.
    type: dict
  deletion_protection:
    description: Refuse O(state=absent) and what O(allow_recreate) allows.
    type: bool
    default: false
  recreate_on_error:
    description: Whether a cluster in state ERROR is deleted and created anew.
    type: bool
    default: false
  fail_on_degraded:
    description: Whether a cluster in state DEGRADED is an error; otherwise it is a warning.
    type: bool
    default: true
  wait:
    description:
      - Whether to wait until the cluster is as declared.
      - Without waiting the first operation is started and returned. Run again to go on; what is under way is adopted.
        Draining is then one round of evictions.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds. The operation goes on when the time is over, and the next run adopts it.
    type: int
    default: 5400
attributes:
  check_mode:
    support: full
    description: Plans with reading calls only; also before the cluster exists.
  diff_mode:
    support: full
    description: Shows what the options manage, before and after.
  action:
    support: full
    description: Runs in Ansible's own process with a local connection.
extends_documentation_fragment:
  - mcistio.gke.gcp
seealso:
  - module: mcistio.gke.gke_cluster_info
  - module: mcistio.gke.mesh_firewall
"""

EXAMPLES = r"""
- name: A zonal cluster of four nodes, ready for a mesh
  mcistio.gke.gke_cluster:
    project: my-project
    name: central
    location: us-central1-a
    release_channel: regular
    node_count: 4
    machine_type: e2-standard-4
    node_tags: [mesh1-node]
    labels: {mesh: mesh1}
    logging: [SYSTEM_COMPONENTS, WORKLOADS]
    monitoring: [SYSTEM_COMPONENTS]

- name: A regional private cluster with two pools in a Shared VPC
  mcistio.gke.gke_cluster:
    project: my-project
    name: production
    location: us-central1
    node_locations: [us-central1-a, us-central1-b]
    network: projects/host-project/global/networks/shared
    subnetwork: projects/host-project/regions/us-central1/subnetworks/gke
    cluster_secondary_range_name: pods
    services_secondary_range_name: services
    private_nodes: true
    workload_identity: true
    control_plane:
      dns_external_traffic: true
      authorized_networks:
        - {cidr_block: 203.0.113.0/24, name: office}
    node_tags: [mesh1-node]
    node_pools:
      - name: system
        node_count: 1
      - name: work
        machine_type: n2-standard-8
        spot: true
        autoscaling: {minimum: 0, maximum: 10}
    deletion_protection: true

- name: See what it takes to get the second pool off spot machines, which no call does; without check_mode it is done
  mcistio.gke.gke_cluster:
    project: my-project
    name: production
    location: us-central1
    node_pools:
      - name: system
        node_count: 1
      - name: work
        spot: false
    replace_node_pools: true
    drain_timeout: 1800
  check_mode: true

- name: A feature that has no option here
  mcistio.gke.gke_cluster:
    project: my-project
    name: central
    location: us-central1-a
    extra:
      costManagementConfig: {enabled: true}

- name: Delete it
  mcistio.gke.gke_cluster:
    project: my-project
    name: central
    location: us-central1-a
    state: absent
"""

RETURN = r"""
cluster:
  description: The cluster after the run; in check mode as it is now.
  returned: success
  type: dict
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
operation:
  description: The last operation that this run started or waited for; null when there was none.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: operation-1795455307984-6f1c2f0e
    type:
      description: What it does.
      type: str
      returned: always
      sample: CREATE_CLUSTER
    status:
      description: Its state.
      type: str
      returned: always
      sample: DONE
    start_time:
      description: When it began.
      type: str
      returned: always
      sample: "2026-11-23T17:35:07Z"
    end_time:
      description: When it ended; null while it runs.
      type: str
      returned: always
      sample: "2026-11-23T17:41:13Z"
changes:
  description: What was changed, or would be, in order.
  returned: success
  type: list
  elements: str
  sample: ["releaseChannel.channel: REGULAR -> STABLE"]
"""

from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._shell import main

if __name__ == "__main__":
    main(gke_cluster)
