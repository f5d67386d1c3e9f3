# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side of the emulation: Google's paths and wire habits over the model."""
