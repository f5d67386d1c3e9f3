# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what the lab runs: Go programs, Envoy, container images. `build()` makes them, `artifacts()` finds them."""

from gkelab.build.artifacts import Artifacts, artifacts, build
from gkelab.build.errors import BuildError

__all__ = ["Artifacts", "BuildError", "artifacts", "build"]
