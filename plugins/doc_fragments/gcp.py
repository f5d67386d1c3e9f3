# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say as whom, for which project and through which endpoints Google's APIs are called."""

from __future__ import annotations


class ModuleDocFragment:
    """C(mcistio.gke.gcp)."""

    DOCUMENTATION = r"""
options:
  project:
    description:
      - Id of the Google Cloud project.
      - The environment variable E(GCP_PROJECT) is used where the option is not set.
    type: str
  auth_kind:
    description:
      - How to log in.
      - V(application) takes Application Default Credentials, as C(gcloud auth application-default login) or
        E(GOOGLE_APPLICATION_CREDENTIALS) give them.
      - V(serviceaccount) takes a service account's key, V(accesstoken) a token as it stands, V(machineaccount) the
        account of
        the machine that this runs on.
      - By default V(accesstoken) where O(access_token) is set, V(serviceaccount) where O(service_account_file) or
        O(service_account_contents) is set, V(application) otherwise.
      - The environment variable E(GCP_AUTH_KIND) is used where the option is not set.
    type: str
    choices: [application, serviceaccount, accesstoken, machineaccount]
  service_account_file:
    description:
      - Path of a service account's JSON key.
      - The environment variable E(GCP_SERVICE_ACCOUNT_FILE) is used where the option is not set.
    type: path
  service_account_contents:
    description:
      - The JSON key itself, as text or as a mapping; it goes before O(service_account_file).
      - The environment variable E(GCP_SERVICE_ACCOUNT_CONTENTS) is used where the option is not set.
    type: jsonarg
  service_account_email:
    description:
      - With O(auth_kind=machineaccount), which of the machine's accounts to use.
      - The environment variable E(GCP_SERVICE_ACCOUNT_EMAIL) is used where the option is not set.
    type: str
  access_token:
    description:
      - An OAuth access token. It cannot be renewed, so it must outlive the run.
      - The environment variable E(GCP_ACCESS_TOKEN) is used where the option is not set.
    type: str
  scopes:
    description:
      - OAuth scopes to ask for; by default those for all of Google Cloud and for the account's e-mail address, by
        which clusters
        know it.
      - The environment variable E(GCP_SCOPES) is used where the option is not set.
    type: list
    elements: str
  container_endpoint:
    description:
      - Base URL of the Container API. Plain http is accepted for this machine's own addresses only.
      - The environment variable E(GKE_MESH_CONTAINER_ENDPOINT) is used where the option is not set.
    type: str
    default: https://container.googleapis.com
  compute_endpoint:
    description:
      - Base URL of the Compute API. Plain http is accepted for this machine's own addresses only.
      - The environment variable E(GKE_MESH_COMPUTE_ENDPOINT) is used where the option is not set.
    type: str
    default: https://compute.googleapis.com
requirements:
  - google-auth 2.40 or newer, with requests
  - google-cloud-container 2.60 or newer
"""
