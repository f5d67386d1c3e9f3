# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the build."""

from gkelab.errors import LabError


class BuildError(LabError):
    """Something needed cannot be built or found; the text is one line and says what to do."""
