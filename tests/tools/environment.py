# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a fit Python, make the project's environment once, and run a command in it.

Runs under any Python from 3.9 on and needs nothing but the standard library, because it is what finds the Python that
the rest needs. The environment lies outside the checkout and is named for what went into it (the requirement files and
the interpreter), so a change of either makes a new one and an unchanged one costs a few milliseconds:

    <cache>/env-<key>/venv                  Python packages, pinned
    <cache>/env-<key>/collections           kubernetes.core, out of the `ansible` wheel
    <cache>/env-<key>/trees/<checkout>      ansible_collections tree in which mcistio.gke is a link to this checkout
    <cache>/env-<key>/complete              written last; without it the environment is half made and is made anew
    <cache>/env-<key>/peers                 google.cloud, out of the same wheel; made when the benchmarks ask for it

<cache> is $GKE_MESH_CACHE, else mcistio-gke in the user's cache folder.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIREMENTS = CHECKOUT / "requirements"
VERSIONS = ("3.13", "3.12", "3.14")
"""Pythons that ansible-core 2.21 runs on, best first."""
SYSTEM_FOLDERS = (Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin"))
PROBE = "import ctypes, sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"


class EnvironmentFailure(Exception):
    """The environment cannot be made; the text is the one line that a person needs."""


def cache() -> Path:
    """Folder that holds the environments and all that the project's tools keep between runs."""
    own = os.environ.get("GKE_MESH_CACHE")
    if own:
        return Path(own).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser().resolve() / "mcistio-gke"


def _folders() -> list[Path]:
    """Folders in which a Python may lie: PATH without pyenv's shims, then pyenv's, uv's and the system's."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    on_path = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    return [
        *(folder for folder in on_path if folder.name != "shims"),
        *sorted(pyenv.glob("versions/*/bin"), reverse=True),
        *sorted(uv.glob("*/bin"), reverse=True),
        *SYSTEM_FOLDERS,
    ]


def candidates() -> Iterator[Path]:
    """Interpreters that may do, best first, each once and without the symbolic links of a virtual environment."""
    asked = os.environ.get("GKE_MESH_PYTHON")
    if asked:
        yield Path(shutil.which(asked) or asked).resolve()
        return
    seen: set[Path] = set()
    folders = _folders()
    for version in VERSIONS:
        for folder in folders:
            path = (folder / f"python{version}").resolve()
            if path not in seen and path.is_file() and os.access(path, os.X_OK):
                seen.add(path)
                yield path


def is_fit(python: Path) -> bool:
    """Whether the interpreter starts, is of a version that we run on and has the parts of the library that we need."""
    try:
        answer = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() in VERSIONS


def key(python: Path) -> str:
    """Name of the environment that this interpreter and today's requirement files make."""
    digest = hashlib.sha256()
    for path in sorted(REQUIREMENTS.glob("*.txt")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    stat = python.stat()
    digest.update(f"{python}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _call(doing: str, command: Sequence[str | Path]) -> None:
    """Run a command quietly; if it fails, show all it said and raise with one line."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise EnvironmentFailure(f"Failed to {doing}: exit {done.returncode}.")


def _works(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make_venv(python: Path, venv: Path) -> None:
    """Make the virtual environment with pip in it, also where Debian split ensurepip off the interpreter."""
    if _works([python, "-m", "venv", venv]):
        return
    shutil.rmtree(venv, ignore_errors=True)
    others: tuple[Sequence[str | Path], ...] = (
        [python, "-m", "virtualenv", "-q", venv],
        ["virtualenv", "-q", "-p", python, venv],
        ["uv", "venv", "-q", "--seed", "-p", python, venv],
    )
    for command in others:
        if _works(command) and (venv / "bin" / "pip").exists():
            return
        shutil.rmtree(venv, ignore_errors=True)
    raise EnvironmentFailure(
        f"{python} cannot make a virtual environment with pip in it: install its venv package"
        f" (on Debian: {python.name}-venv), or virtualenv, or uv."
    )


def _unpack_collection(python: Path, target: Path, name: str) -> None:
    """Take a collection (`kubernetes/core`) out of the `ansible` wheel: their one source that is a Python package."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        pin = REQUIREMENTS / "ansible-wheel.txt"
        options = ["-q", "--no-deps", "--ignore-requires-python", "--only-binary", ":all:"]
        _call("download the ansible wheel", [python, "-m", "pip", "download", *options, "-d", folder, "-r", pin])
        (wheel,) = Path(folder).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            prefix = f"ansible_collections/{name}/"
            archive.extractall(target, [member for member in archive.namelist() if member.startswith(prefix)])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file's lock; the system lets go of it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(python: Path, env: Path) -> None:
    """Fill an empty folder with the environment. It is made in place: a virtual environment cannot be moved."""
    _say(f"Making the Python environment with {python} (about a minute, once) …")
    venv = env / "venv"
    _make_venv(python, venv)
    files: list[str | Path] = ["-r", REQUIREMENTS / "all.txt", "-c", REQUIREMENTS / "constraints.txt"]
    pip: list[str | Path] = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    _call("install the pinned Python packages", [*pip, *files])
    _unpack_collection(venv / "bin" / "python", env / "collections", "kubernetes/core")
    (env / "complete").touch()


def _complete(python: Path, env: Path) -> None:
    """Make the environment unless it is there; two calls at once make it once, a half-made one is made anew."""
    if (env / "complete").exists():
        return
    with _locked(env.with_suffix(".lock")):
        if (env / "complete").exists():
            return
        if env.exists():
            shutil.rmtree(env)
        env.mkdir(parents=True)
        _make(python, env)


def ensure() -> Path:
    """The environment's folder, made if need be."""
    for python in candidates():
        env = cache() / f"env-{key(python)}" if python.is_file() else None
        if env and ((env / "complete").exists() or is_fit(python)):
            _complete(python, env)
            return env
    asked = os.environ.get("GKE_MESH_PYTHON")
    if asked:
        raise EnvironmentFailure(f"GKE_MESH_PYTHON={asked} is no working Python {', '.join(VERSIONS)}.")
    raise EnvironmentFailure(
        f"No fit Python found: the project needs one of {', '.join(VERSIONS)} (PATH, pyenv, uv and the system's"
        " folders were searched). Install one, or name it in GKE_MESH_PYTHON."
    )


def peers(env: Path) -> Path:
    """Folder whose ansible_collections holds google.cloud, which only benchmarks use; unpacked at the first call."""
    target = env / "peers"
    with _locked(env / "peers.lock"):
        if not target.exists():
            draft = Path(tempfile.mkdtemp(dir=env))
            try:
                _unpack_collection(env / "venv" / "bin" / "python", draft, "google/cloud")
                draft.rename(target)
            except BaseException:
                shutil.rmtree(draft)
                raise
    return target


def tree(env: Path) -> Path:
    """This checkout's ansible_collections tree, with a launcher for its lab; made whole or not at all."""
    target = env / "trees" / hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:16]
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=target.parent))
    made.chmod(0o755)
    collections = made / "ansible_collections"
    (collections / "mcistio").mkdir(parents=True)
    (collections / "mcistio" / "gke").symlink_to(CHECKOUT)
    (collections / "kubernetes").symlink_to(env / "collections" / "ansible_collections" / "kubernetes")
    (made / "bin").mkdir()
    launcher = made / "bin" / "gkelab"
    launcher.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(CHECKOUT / 'lab'))}${{PYTHONPATH:+:$PYTHONPATH}}"
        f' exec {shlex.quote(str(env / "venv" / "bin" / "python"))} -m gkelab "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    try:
        made.rename(target)
    except OSError:
        # Another call was quicker; its tree is the same.
        shutil.rmtree(made)
    return target


def variables(env: Path, base: Mapping[str, str]) -> dict[str, str]:
    """What the environment sets, given the variables that are set already."""
    here = tree(env)
    search = [str(env / "venv" / "bin"), str(here / "bin")]
    rest = [part for part in base.get("PATH", os.defpath).split(os.pathsep) if part not in search]
    found = {
        "ANSIBLE_COLLECTIONS_PATH": str(here),
        "GKE_MESH_ENV": str(env),
        "MYPYPATH": os.pathsep.join([str(CHECKOUT), str(here), str(CHECKOUT / "lab")]),
        "PATH": os.pathsep.join(search + rest),
        "PYTHONPATH": os.pathsep.join([str(here), str(CHECKOUT / "lab")]),
        "VIRTUAL_ENV": str(env / "venv"),
    }
    locale = base.get("LC_ALL") or base.get("LC_CTYPE") or base.get("LANG") or ""
    if "utf" not in locale.lower():
        # Ansible refuses to start in any other locale.
        found["LC_ALL"] = "C.UTF-8"
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: `run COMMAND…` becomes COMMAND in the environment; `exports` prints what a shell can evaluate."""
    parser = argparse.ArgumentParser(prog="environment", description=(__doc__ or "").splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("exports", help="print the environment as shell exports")
    actions.add_parser("forget", help="remove every environment")
    run = actions.add_parser("run", help="run a command in the environment")
    run.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    if chosen.action == "forget":
        shutil.rmtree(cache(), ignore_errors=True)
        return 0
    try:
        env = ensure()
        added = variables(env, os.environ)
    except EnvironmentFailure as failure:
        _say(str(failure))
        return 1
    if chosen.action == "exports":
        for name, value in added.items():
            print(f"export {name}={shlex.quote(value)}")
        return 0
    os.environ.update(added)
    os.environ.pop("PYTHONHOME", None)
    try:
        os.execvp(chosen.command[0], chosen.command)
    except OSError as error:
        _say(f"Failed to start {chosen.command[0]}: {error.strerror}.")
        return 127


if __name__ == "__main__":
    sys.exit(main())
