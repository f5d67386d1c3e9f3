# SPDX-License-Identifier: GPL-3.0-or-later
"""Clouds for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gkelab.model.credentials import Issuer
from tests.lab.modules.in_process import Cloud, make_issuer


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return make_issuer(tmp_path_factory.mktemp("key"))


@pytest.fixture
def cloud(issuer: Issuer) -> Iterator[Cloud]:
    """An empty cloud."""
    made = Cloud(issuer)
    yield made
    made.close()


@pytest.fixture(scope="session")
def new_cloud(issuer: Issuer) -> Callable[[], Cloud]:
    """Makes one: a property needs one an example; the caller closes it."""
    return lambda: Cloud(issuer)
