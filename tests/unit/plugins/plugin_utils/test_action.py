# SPDX-License-Identifier: GPL-3.0-or-later
"""The action base: in this process where that is the same thing, else the module."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import MagicMock

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.plugin_utils import _action

SECRET = "hush-hush"


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Any) -> dict[str, Any]:
    report(f"working with {SECRET}")
    if params["name"] == "bad":
        raise MeshError("create", "x", f"no, {SECRET}")
    return {"changed": True, "seen": [params["name"], params["count"], check_mode, diff], "leak": [SECRET]}


class Action(_action.InProcessAction):
    """An action over a core of a few lines."""

    CORE: ClassVar[Any] = SimpleNamespace(
        ARGUMENT_SPEC={
            "name": {"type": "str", "required": True},
            "count": {"type": "int", "default": 4},
            "token": {"type": "str", "no_log": True},
        },
        SPEC_KWARGS={"required_together": [("name", "token")]},
        run=run,
    )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(_action, "display", SimpleNamespace(display=lines.append))
    return lines


def action(transport: str = "local", **task: Any) -> Action:
    settings = {
        "args": {"name": "a", "token": SECRET},
        "check_mode": True,
        "diff": True,
        "async_val": 0,
        "environment": [],
    }
    one = Action(
        task=MagicMock(**{**settings, **task}), connection=MagicMock(transport=transport), play_context=MagicMock(),
        loader=MagicMock(), templar=MagicMock(), shared_loader_obj=MagicMock(),
    )  # fmt: skip
    one._execute_module = MagicMock(return_value={"by": "module"})
    return one


def test_in_this_process(said: list[str]) -> None:
    one = action()
    result = one.run(task_vars={})
    assert result["seen"] == ["a", 4, True, True] and result["changed"]
    one._execute_module.assert_not_called()


def test_secrets_are_masked_in_results_progress_and_errors(said: list[str]) -> None:
    assert SECRET not in str(action().run(task_vars={}))
    failed = action(args={"name": "bad", "token": SECRET}).run(task_vars={})
    assert failed["failed"] and not failed["changed"]
    assert failed["msg"].startswith("Failed to create x: no, ****") and SECRET not in failed["msg"]
    assert len(said) == 2 and SECRET not in str(said)


@pytest.mark.parametrize(
    "task", [{"transport": "ssh"}, {"async_val": 60}, {"environment": [{"HTTPS_PROXY": "http://proxy"}]}]
)
def test_where_this_process_is_not_the_same_thing_the_module_runs(task: dict[str, Any]) -> None:
    assert action(**task).run(task_vars={})["by"] == "module"


def test_empty_environments_are_none(said: list[str]) -> None:
    assert action(environment=[{}, None]).run(task_vars={})["changed"]


def test_options_are_validated_as_for_a_module(said: list[str]) -> None:
    for args in ({"name": "a", "token": SECRET, "count": "many"}, {"name": "a", "wrong": 1}, {"name": "a"}):
        with pytest.raises(Exception, match=r"int|wrong|required together"):
            action(args=args).run(task_vars={})
