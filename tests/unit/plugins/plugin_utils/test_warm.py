# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done before the fork, and that nothing depends on it."""

from __future__ import annotations

import gc

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth, trust
from ansible_collections.mcistio.gke.plugins.plugin_utils._warm import warm


def test_the_authorities_are_there_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_CONTEXTS", {})
    warm()
    assert trust._CONTEXTS


def test_what_cannot_be_read_is_left_to_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_CONTEXTS", {})
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    warm()
    assert not trust._CONTEXTS


def test_without_the_libraries_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_CONTEXTS", {})
    monkeypatch.setattr(auth, "MISSING", "No module named 'google'")
    warm()
    assert not trust._CONTEXTS


def test_what_is_there_is_no_longer_looked_through_for_garbage() -> None:
    gc.unfreeze()
    warm()
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()
