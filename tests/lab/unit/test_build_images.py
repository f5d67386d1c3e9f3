# SPDX-License-Identifier: GPL-3.0-or-later
"""What the images are called and what they start."""

from __future__ import annotations

from pathlib import Path

import pytest

from gkelab.build import images
from gkelab.build.archive import Image
from gkelab.build.errors import BuildError
from gkelab.build.host import libraries


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Image, ...]]:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("certificates")
    monkeypatch.setattr(images, "ca_bundle", lambda: bundle)
    monkeypatch.setattr(images, "libraries", lambda program: {f"/lib/{program.name}.so": bundle})
    monkeypatch.setattr(images, "find_tool", lambda name: tmp_path / name)
    programs = {name: tmp_path / name for name in ("pause", "coredns", "pilot-discovery", "pilot-agent", "bookinfo")}
    return images.image_archives(programs, tmp_path / "envoy", tmp_path / "istio")


def test_every_reference_of_the_labs_pods(archives: dict[str, tuple[Image, ...]]) -> None:
    assert tuple(archives) == images.ARCHIVES
    hub = "registry.istio.io/release"
    assert [image.reference for contents in archives.values() for image in contents] == [
        "registry.k8s.io/pause:3.10",
        "registry.k8s.io/coredns/coredns:v1.15.0",
        f"{hub}/pilot:1.31.0",
        f"{hub}/proxyv2:1.31.0",
        f"{hub}/examples-bookinfo-productpage-v1:1.20.3",
        f"{hub}/examples-bookinfo-details-v1:1.20.3",
        f"{hub}/examples-bookinfo-ratings-v1:1.20.3",
        f"{hub}/examples-bookinfo-reviews-v1:1.20.3",
        f"{hub}/examples-bookinfo-reviews-v2:1.20.3",
        f"{hub}/examples-bookinfo-reviews-v3:1.20.3",
    ]


def test_bookinfo_is_one_layer_in_six_roles(archives: dict[str, tuple[Image, ...]]) -> None:
    services = archives["bookinfo.tar"]
    assert len({id(image.layer) for image in services}) == 1
    assert [image.entrypoint[1] for image in services] == ["productpage", "details", "ratings", *["reviews"] * 3]
    assert [image.environment.get("STAR_COLOR") for image in services[3:]] == [None, "black", "red"]
    assert [image.environment.get("ENABLE_RATINGS") for image in services[3:]] == ["false", "true", "true"]


def test_proxy_can_run_its_agent_envoy_and_nft(archives: dict[str, tuple[Image, ...]]) -> None:
    layer = archives["istio.tar"][1].layer
    programs = {"/usr/local/bin/pilot-agent", "/usr/local/bin/envoy", "/usr/sbin/nft"}
    assert programs | {"/lib/envoy.so", "/lib/nft.so"} == layer.executables
    others = {"/var/lib/istio/envoy/envoy_bootstrap_tmpl.json", "/etc/ssl/certs/ca-certificates.crt", "/etc/passwd"}
    assert layer.executables | others <= set(layer.files)


def test_libraries_are_found_where_the_loader_looks() -> None:
    found = libraries(Path("/bin/sh"))
    assert any("libc.so" in name for name in found)
    assert all(path.is_file() and not path.is_symlink() for path in found.values())


def test_what_is_no_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(BuildError, match="text does not run on this system"):
        libraries(tmp_path / "text")
