# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's errors have in common."""


class LabError(Exception):
    """Something went wrong that a user can understand; the text is one line and says what to do."""
