# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of helm_releases: the work is done in the worker, helm itself is run by module kubernetes.core.helm."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible_collections.mcistio.gke.plugins.module_utils._core import helm_releases
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig_temporary import temporary_kubeconfig
from ansible_collections.mcistio.gke.plugins.plugin_utils._action import InProcessAction


class _WithHelm:
    """The core with its way to run helm filled in."""

    ARGUMENT_SPEC = helm_releases.ARGUMENT_SPEC
    SPEC_KWARGS = helm_releases.SPEC_KWARGS

    def __init__(self, helm: helm_releases.Helm) -> None:
        self._helm = helm

    def run(self, params: dict[str, Any], **options: Any) -> dict[str, Any]:
        """``helm_releases.run`` with helm."""
        return helm_releases.run(params, helm=self._helm, **options)


class ActionModule(InProcessAction):
    """Wiring only."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point."""

        def helm(endpoint: Endpoint, options: dict[str, Any]) -> dict[str, Any]:
            # Ansible's own temporary folder is removed by its main process, even when this worker was killed
            with temporary_kubeconfig(endpoint, constants.DEFAULT_LOCAL_TMP) as kubeconfig:
                arguments = {**options, "kubeconfig": kubeconfig}
                result: dict[str, Any] = self._execute_module("kubernetes.core.helm", arguments, task_vars=task_vars)
            return result

        self.CORE = _WithHelm(helm)  # type: ignore[misc]  # one object a task, since helm needs this task's variables
        return super().run(tmp, task_vars)

    def _needs_module(self) -> bool:
        """There is no module behind this action; an ``environment`` reaches helm all the same."""
        if self._connection.transport != "local":
            raise AnsibleActionFail(
                "helm_releases runs on the controller only: use connection local (or delegate_to: localhost)."
            )
        return False
