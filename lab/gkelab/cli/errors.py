# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of the command line."""

from gkelab.errors import LabError


class CommandError(LabError):
    """A command cannot do what was asked; the text is the one line that the user sees."""
