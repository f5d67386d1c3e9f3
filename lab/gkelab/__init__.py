# SPDX-License-Identifier: GPL-3.0-or-later
"""GKE in a box: Google's container and Compute APIs emulated in front of real Kubernetes clusters on one machine."""
