# SPDX-License-Identifier: GPL-3.0-or-later
"""How the action runs helm: through kubernetes.core, with a kubeconfig that does not outlive the call."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible_collections.mcistio.gke.plugins.action.helm_releases import ActionModule
from ansible_collections.mcistio.gke.plugins.module_utils._core import helm_releases
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.plugin_utils._action import InProcessAction

ENDPOINT = Endpoint("east", "https://east.example", token=lambda refresh: "the-token")


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ActionModule:
    """The action with everything of Ansible's taken away: its run goes straight to a core that uses helm once."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr(InProcessAction, "run", lambda self, tmp, task_vars: self.CORE.run({}, check_mode=False))
    options = {"release_name": "istiod"}
    monkeypatch.setattr(helm_releases, "run", lambda params, helm, **more: {**more, "helm": helm(ENDPOINT, options)})
    return ActionModule.__new__(ActionModule)


def test_helm_gets_a_private_kubeconfig_for_the_moment(action: ActionModule, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def execute(name: str, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        file = Path(arguments.pop("kubeconfig"))
        seen.update(name=name, arguments=arguments, task_vars=task_vars, mode=stat.S_IMODE(file.stat().st_mode))
        seen["token"] = json.loads(file.read_text())["users"][0]["user"]["token"]
        return {"changed": True}

    action._execute_module = execute
    result = action.run(task_vars={"a": 1})
    assert result == {"check_mode": False, "helm": {"changed": True}}
    assert seen == {
        "name": "kubernetes.core.helm",
        "arguments": {"release_name": "istiod"},
        "task_vars": {"a": 1},
        "mode": 0o600,
        "token": "the-token",
    }
    assert list(tmp_path.iterdir()) == []


def test_the_kubeconfig_goes_also_when_helm_cannot_be_run(action: ActionModule, tmp_path: Path) -> None:
    def execute(name: str, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        raise AnsibleActionFail("no such module")

    action._execute_module = execute
    with pytest.raises(AnsibleActionFail):
        action.run()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("transport", "refused"), [("local", False), ("ssh", True)])
def test_it_works_on_the_controller_only(action: ActionModule, transport: str, refused: bool) -> None:
    action._connection = SimpleNamespace(transport=transport)
    if refused:
        with pytest.raises(AnsibleActionFail, match="use connection local"):
            action._needs_module()
    else:
        assert action._needs_module() is False


def test_two_tasks_do_not_share_their_helm(action: ActionModule) -> None:
    other = ActionModule.__new__(ActionModule)
    for each in (action, other):
        each._execute_module = lambda name, arguments, task_vars: {}
        each.run()
    assert action.CORE is not other.CORE
