# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a core of the Google side over a script of calls, from its option spec to its result."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession

from tests.unit.plugins.fake_google import FakeTime, Script, validated


class Runner:
    """Calls ``run`` of one core as its module would."""

    def __init__(self, core: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self._core = core
        self._monkeypatch = monkeypatch
        self.said: list[str] = []

    def __call__(self, script: Script, *, check: bool = False, **params: Any) -> dict[str, Any]:
        """The result; the script must have been followed to its end, and in check mode nothing written."""
        clock = FakeTime().clock()
        monkeypatch = self._monkeypatch
        monkeypatch.setattr(
            self._core, "GoogleSession", lambda params: GoogleSession(params, transport=script, clock=clock)
        )
        given = validated(self._core.ARGUMENT_SPEC, **params)
        result: dict[str, Any] = self._core.run(given, check_mode=check, diff=True, report=self.said.append)
        script.done()
        assert not (check and script.writes)
        return result
