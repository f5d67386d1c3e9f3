# SPDX-License-Identifier: GPL-3.0-or-later
"""A module run from its very entry, as Ansible starts it: arguments as JSON, the answer as one JSON on stdout."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils.testing import patch_module_args

from tests.lab.modules.in_process import PROJECT, Cloud, Run

JSON = dict[str, Any]
_MODULES = "ansible_collections.mcistio.gke.plugins.modules"


def run_module(cloud: Cloud, name: str, options: JSON, folder: Path, *, check_mode: bool = False) -> Run:
    """What the module printed; any exception but the exit is the test's to see."""
    given = {
        "project": PROJECT, "access_token": "token", **options,
        "_ansible_check_mode": check_mode, "_ansible_diff": True, "_ansible_remote_tmp": str(folder),
    }  # fmt: skip
    before, out, code = len(cloud.requests), io.StringIO(), 1
    with cloud.reached(), _process_of_its_own(), patch_module_args(given), contextlib.redirect_stdout(out):
        try:
            runpy.run_module(f"{_MODULES}.{name}", run_name="__main__")
        except SystemExit as end:
            code = int(end.code or 0)
    cloud.settle()
    printed = json.loads(out.getvalue())
    assert bool(printed.get("failed")) == bool(code)
    return Run(printed, printed["msg"] if code else "", cloud.requests[before:])


@contextlib.contextmanager
def _process_of_its_own() -> Iterator[None]:
    """What a module has of Ansible when it is started: no warning yet, and no controller in the same process."""
    fresh = mock.patch.dict("ansible.module_utils.common.warnings._global_warnings", clear=True)
    with fresh, mock.patch("ansible.module_utils._internal.is_controller", False):
        yield


def said(run: Run) -> list[str]:
    """The notices of a run, as a person reads them."""
    return [str(one["event"]["msg"]) for one in run.result.get("warnings", [])]
