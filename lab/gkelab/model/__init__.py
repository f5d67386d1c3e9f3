# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulated cloud holds: projects, networks, clusters, operations, and Google's rules about them."""
