# SPDX-License-Identifier: GPL-3.0-or-later
"""The one line that a person gets."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError


def test_says_what_to_what_why_and_what_next() -> None:
    error = MeshError("create", "cluster central", "quota is exhausted", "Ask for more.")
    assert str(error) == "Failed to create cluster central: quota is exhausted. Ask for more."


def test_is_one_line_with_one_full_stop() -> None:
    assert str(MeshError("read", "file\nx", "no\n  such file.\n")) == "Failed to read file x: no such file."


def test_an_empty_answer_is_said() -> None:
    assert str(MeshError("read", "x", "")) == "Failed to read x: no reason was given."
