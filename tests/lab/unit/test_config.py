# SPDX-License-Identifier: GPL-3.0-or-later
"""config.json: written whole, read back, refused when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from gkelab import config
from gkelab.config import Config, ConfigError


def test_round_trip(tmp_path: Path) -> None:
    settings = Config(depth="api", port=7999, operation_seconds=0.5)
    config.save(tmp_path, settings)
    assert config.load(tmp_path) == settings


def test_no_lab_no_config(tmp_path: Path) -> None:
    assert config.load(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"depth": "api", "port": "x"}', '{"depth": "api", "port": 1}'])
def test_damage_is_named_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=r"^.*config\.json is damaged .*gkelab down.*$"):
        config.load(tmp_path)


def test_url() -> None:
    assert Config(port=1234).url == "http://127.0.0.1:1234"
