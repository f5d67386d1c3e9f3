# SPDX-License-Identifier: GPL-3.0-or-later
"""The labs that the tests of playbooks run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.site import laboratory, playbooks
from tests.lab.site.laboratory import Lab


@pytest.fixture(scope="package")
def full_lab() -> Iterator[Lab]:
    """Real clusters, none made yet."""
    lab = laboratory.start()
    yield lab
    lab.down()


@pytest.fixture(scope="package")
def mesh(full_lab: Lab) -> Lab:
    """The lab with the mesh of inventory/lab.yml built in it."""
    playbooks.run("site.yml").held()
    return full_lab


@pytest.fixture(scope="module")
def api_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The APIs alone, in a folder of their own."""
    home = str(tmp_path_factory.mktemp("gkelab"))
    lab = laboratory.start("--depth", "api", "--port", "7490", "--operation-seconds", "0.1", home=home)
    yield lab
    lab.down()
