# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile the Go programs of one module."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gkelab.build.errors import BuildError
from gkelab.build.progress import Progress
from gkelab.build.recipe import GO_FLAGS, GoModule, go_output_name, program_name
from gkelab.build.store import digest


def program_key(sources: Path, module: GoModule, architecture: str) -> str:
    """Key of a module's programs: its files, packages and flags.

    The Go version is no part of it: a patch release of the toolchain is no reason to compile for ten minutes.
    """
    folder = sources / module.name
    if not (folder / "go.mod").is_file():
        raise BuildError(f"{folder} has no go.mod: the lab is built in a checkout, install it by `pip install -e lab`")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.endswith("_test.go"))
    named = [part for path in files for part in (path.name, path)]
    return digest(architecture, *GO_FLAGS, module.ldflags, *module.packages, *named)


def environment() -> dict[str, str]:
    """Environment of every go command: what changes the result is ours, where to fetch from stays the user's."""
    # One value of CGO_ENABLED for everything, else the world is compiled twice.
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}


class _Compilation:
    """Counts what `go build -v` reports and keeps everything else, which is what went wrong."""

    def __init__(self, folder: Path, total: int) -> None:
        self._folder = folder
        self._total = total
        self._downloaded = 0
        self._compiled = 0
        self.messages: list[str] = []

    def read(self, line: str) -> None:
        if line.startswith("go: downloading "):
            self._downloaded += 1
        elif line and " " not in line and not line.startswith("#"):
            self._compiled += 1
        elif line:
            self.messages.append(line)

    def detail(self) -> str:
        ready = len(list(self._folder.iterdir()))
        counts = [f"{ready} of {self._total} programs"]
        if self._compiled:
            counts.append(f"{self._compiled} packages compiled")
        elif self._downloaded:
            counts.append(f"{self._downloaded} modules downloaded")
        return ", ".join(counts)


def compile_module(go: Path, sources: Path, module: GoModule, folder: Path, progress: Progress) -> None:
    """Build a module's programs into an existing folder. Raises BuildError with the compiler's first complaint."""
    command = [str(go), "build", "-v", *GO_FLAGS, "-ldflags", module.ldflags, "-o"]
    command += [f"{folder / module.name}" if module.packages == (".",) else f"{folder}/", *module.packages]
    state = _Compilation(folder, len(module.packages))
    with progress.step(f"Go module {module.name}", state.detail):
        process = subprocess.Popen(
            command, cwd=sources / module.name, env=environment(), stderr=subprocess.PIPE, text=True, errors="replace"
        )
        assert process.stderr is not None
        with process, process.stderr:
            for line in process.stderr:
                state.read(line.rstrip())
        if process.returncode:
            reason = _reason(state.messages, process.returncode)
            raise BuildError(f"Failed to compile Go module {module.name}: {reason}")
    for package in module.packages:
        if package != "." and go_output_name(package) != program_name(module, package):
            os.rename(folder / go_output_name(package), folder / program_name(module, package))


def _reason(messages: list[str], code: int) -> str:
    told = [line for line in messages if not line.startswith("#")]
    if not told:
        return f"go ended with code {code}"
    return "; ".join(line.strip() for line in told[:3])


def copy_from_module(go: Path, wrapper: Path, dependency: str, folders: Sequence[str], target: Path) -> None:
    """Copy folders of a dependency of the Go module in `wrapper`.

    Go's module cache may be emptied at any time, and nothing in it is writable; hence the copy.
    """
    command = [str(go), "mod", "download", "-json", dependency]
    result = subprocess.run(command, cwd=wrapper, env=environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines() or [f"go ended with code {result.returncode}"]
        raise BuildError(f"Failed to find Go module {dependency}: {lines[-1]}")
    origin = Path(json.loads(result.stdout)["Dir"])
    for name in folders:
        shutil.copytree(origin / name, target / name, copy_function=shutil.copyfile)
    for path in target.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
