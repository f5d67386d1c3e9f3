# SPDX-License-Identifier: GPL-3.0-or-later
"""The module shell, run as Ansible runs a module: arguments in, JSON out."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcistio.gke.plugins.module_utils import _shell
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError


def core(answer: Any) -> SimpleNamespace:
    def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Any) -> dict[str, Any]:
        report("progress goes nowhere")
        if isinstance(answer, Exception):
            raise answer
        return {"changed": True, "seen": [params["name"], check_mode, diff], **answer}

    spec = {
        "name": {"type": "str", "required": True},
        "other": {"type": "str"},
        "token": {"type": "str", "no_log": True},
    }
    return SimpleNamespace(ARGUMENT_SPEC=spec, SPEC_KWARGS={"mutually_exclusive": [("name", "other")]}, run=run)


def module(capsys: pytest.CaptureFixture[str], answer: Any, **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        _shell.main(core(answer))
    return dict(json.loads(capsys.readouterr().out))


def test_the_result_is_the_cores(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, line: warned.append(line))
    result = module(capsys, {"warnings": ["careful"]}, name="a", _ansible_check_mode=True, _ansible_diff=True)
    assert result["seen"] == ["a", True, True] and result["changed"]
    assert warned == ["careful"]


def test_what_went_wrong_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = module(capsys, MeshError("create", "x", "no"), name="a")
    assert result["failed"] and result["msg"] == "Failed to create x: no."


def test_the_cores_rules_for_options_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert "mutually exclusive" in module(capsys, {}, name="a", other="b")["msg"]


def test_secrets_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    assert "hush" not in str(module(capsys, {"leak": "hush-hush"}, name="a", token="hush-hush"))
