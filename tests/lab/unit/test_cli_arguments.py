# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed wrong is answered in one line and with exit code 2; nothing is started for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gkelab.cli import main, parser
from gkelab.cli.errors import CommandError
from gkelab.cli.fault import description


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["start"],
        ["up", "--depth", "deep"],
        ["up", "--port", "0"],
        ["up", "--port", "65536"],
        ["up", "--port", "http"],
        ["up", "--operation-seconds", "-1"],
        ["up", "--operation-seconds", "nan"],
        ["up", "--operation-seconds", "soon"],
        ["logs", "--lines", "0"],
        ["fault"],
        ["fault", "add", "--path", "x"],
        ["fault", "add", "--delay", "1"],
        ["fault", "add", "--path", "x", "--delay", "1", "--error", "500"],
        ["fault", "add", "--path", "x", "--error", "200"],
        ["fault", "add", "--path", "x", "--drop", "sometimes"],
    ],
)
def test_bad_arguments(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GKELAB_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("gkelab")
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["env"], ["logs"], ["logs", "daemon"], ["fault", "list"], ["fault", "clear"]])
def test_commands_that_need_a_lab(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GKELAB_HOME", str(tmp_path / "home"))
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("gkelab: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (
            ["--path", "clusters", "--method", "POST", "--nth", "2", "--delay", "1.5"],
            {"match": {"method": "POST", "path": "clusters", "nth": 2}, "action": {"delay": 1.5}},
        ),
        (
            ["--path", "x", "--count", "3", "--error", "503", "--body", '{"error": {"code": 503}}'],
            {
                "match": {"path": "x", "count": 3},
                "action": {"error": {"status": 503, "body": {"error": {"code": 503}}}},
            },
        ),
        (["--path", "x", "--error", "500"], {"match": {"path": "x"}, "action": {"error": {"status": 500}}}),
        (["--path", "x", "--drop", "after"], {"match": {"path": "x"}, "action": {"drop": "after"}}),
        (["--path", "x", "--delay", "0"], {"match": {"path": "x"}, "action": {"delay": 0.0}}),
    ],
)
def test_fault_body(arguments: list[str], body: dict[str, object]) -> None:
    assert description(parser().parse_args(["fault", "add", *arguments])) == body


def test_fault_with_a_body_that_is_no_json() -> None:
    with pytest.raises(CommandError, match="--body is no JSON"):
        description(parser().parse_args(["fault", "add", "--path", "x", "--error", "500", "--body", "{"]))
