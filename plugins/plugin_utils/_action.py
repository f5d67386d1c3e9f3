# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of our action plugins: a module's work inside Ansible's worker, ten times cheaper than a module."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mcistio.gke.plugins.module_utils._arguments import misplaced
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.plugin_utils._warm import warm

display = Display()
warm()


class InProcessAction(ActionBase):  # type: ignore[misc]
    """Runs ``CORE.run`` in the worker, or the module of the same name where that would not be the same thing.

    A subclass sets CORE to a file of ``_core`` and imports it at its top: what is imported before Ansible forks is paid
    for once, not once a host. ``become`` and ``ansible_python_interpreter`` do not apply in the worker.
    """

    CORE: ClassVar[Any]
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point; the result is the core's, with the values of ``no_log`` options masked."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._needs_module():
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            return result
        wrong = misplaced(self.CORE.ARGUMENT_SPEC, self._task.args)
        if wrong:
            result.update(failed=True, changed=False, msg="; ".join(wrong))
            return result
        validated, params = self.validate_argument_spec(
            argument_spec=self.CORE.ARGUMENT_SPEC, **getattr(self.CORE, "SPEC_KWARGS", {})
        )
        secrets: set[str] = validated._no_log_values
        try:
            result.update(
                self.CORE.run(
                    params,
                    check_mode=self._task.check_mode,
                    diff=self._task.diff,
                    report=lambda line: display.display(remove_values(line, secrets)),
                )
            )
        except MeshError as error:
            result.update(failed=True, changed=False, msg=str(error))
        # Ansible masks no_log values in what modules return, but not in what actions return.
        masked: dict[str, Any] = remove_values(result, secrets)
        return masked

    def _needs_module(self) -> bool:
        """Another machine, a background job, or an environment that this process does not have."""
        remote = self._connection.transport != "local"
        return bool(remote or self._task.async_val or any(self._task.environment or []))
