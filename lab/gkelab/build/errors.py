# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the build."""


class BuildError(Exception):
    """Something needed cannot be built or found; the text is one line and says what to do."""
