# SPDX-License-Identifier: GPL-3.0-or-later
"""The module shell: wires a core's ``run`` to AnsibleModule. A module is this and its documentation."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcistio.gke.plugins.module_utils._arguments import misplaced
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError


def main(core: Any) -> None:
    """Run a core as an Ansible module.

    Args:
        core: a file of ``_core``: ARGUMENT_SPEC, perhaps SPEC_KWARGS (``required_if`` and the like), and
            ``run(params, *, check_mode, diff, report) -> dict``, which raises MeshError.
    """
    module = _module(core)
    try:
        result = core.run(module.params, check_mode=module.check_mode, diff=module._diff, report=_discard)
    except MeshError as error:
        module.fail_json(msg=str(error))
    for line in result.pop("warnings", []):
        module.warn(line)
    module.exit_json(**result)


def _module(core: Any) -> AnsibleModule:
    """The module with its arguments checked; it ends the process when they are wrong."""
    try:
        return AnsibleModule(
            argument_spec=core.ARGUMENT_SPEC, supports_check_mode=True, **getattr(core, "SPEC_KWARGS", {})
        )
    except TypeError:
        loose = {
            name: {"type": "raw", **{key: option[key] for key in ("no_log", "aliases") if key in option}}
            for name, option in core.ARGUMENT_SPEC.items()
        }
        module = AnsibleModule(argument_spec=loose, supports_check_mode=True)
        wrong = misplaced(core.ARGUMENT_SPEC, module.params)
        if not wrong:
            raise
        module.fail_json(msg="; ".join(wrong))


def _discard(_line: str) -> None:
    """Progress of a module goes nowhere: a module cannot speak before it ends."""
