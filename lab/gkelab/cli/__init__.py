# SPDX-License-Identifier: GPL-3.0-or-later
"""The `gkelab` command: one line for every error, exit code 1 for what failed and 2 for what was typed wrong.

Commands are imported when they are called, so that `gkelab status` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from gkelab import config, paths
from gkelab.errors import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except KeyboardInterrupt:
        print("gkelab: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader, head or less, has seen enough; Python must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"gkelab: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return 1
    except LabError as error:
        print(f"gkelab: {error}", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    """Says in one line what was typed wrong; the usage is there for the asking."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = _Parser(prog="gkelab", description="GKE in a box: real Kubernetes clusters behind emulated Google APIs.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _add_up(commands)
    _plain(commands, "down", "take the lab down; nothing but its logs stays", _down)
    status = _plain(commands, "status", "show what runs; exit code 1 if no lab is up", _status)
    status.add_argument("--json", action="store_true", help="as JSON")
    _plain(commands, "env", 'print exports for a shell: eval "$(gkelab env)"', _env)
    _add_logs(commands)
    _add_fault(commands)
    _plain(commands, "build", "build the programs and images; a second time this takes a moment", _build)
    return top


type _Commands = argparse._SubParsersAction[_Parser]


def _plain(commands: _Commands, name: str, text: str, command: object) -> _Parser:
    added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    added.set_defaults(command=command)
    return added


def _add_up(commands: _Commands) -> None:
    up = _plain(commands, "up", "start the lab, or heal the one that is there", _up)
    up.add_argument(
        "--depth",
        choices=config.DEPTHS,
        help=f"what stands behind the APIs: nodes and pods, API servers only, or nothing (default: {config.DEPTHS[0]})",
    )
    up.add_argument("--port", type=_port, help=f"port of the APIs on 127.0.0.1 (default: {config.DEFAULT_PORT})")
    up.add_argument(
        "--operation-seconds",
        type=_seconds,
        metavar="N",
        help=f"how long an emulated operation takes at least (default: {config.DEFAULT_OPERATION_SECONDS:g})",
    )


def _add_logs(commands: _Commands) -> None:
    logs = _plain(commands, "logs", "show which logs there are, or one of them", _logs)
    logs.add_argument("component", nargs="?", help="one of those that `gkelab logs` lists")
    logs.add_argument("-f", "--follow", action="store_true", help="show what is added, until interrupted")
    logs.add_argument("-n", "--lines", type=_count, default=100, metavar="N", help="the last N lines (default: 100)")


def _add_fault(commands: _Commands) -> None:
    fault = commands.add_parser("fault", help="make the APIs misbehave", description="Make the APIs misbehave.")
    actions = fault.add_subparsers(metavar="ACTION", required=True)
    add = _plain(actions, "add", "add a fault for matching requests", _fault_add)
    add.add_argument("--method", help="HTTP method; any if not given")
    add.add_argument("--path", required=True, help="regular expression searched in the request's path")
    add.add_argument(
        "--nth", type=_count, metavar="N", help="only the Nth matching request, or with --count from it on"
    )
    add.add_argument("--count", type=_count, metavar="N", help="for N requests, then no more")
    what = add.add_mutually_exclusive_group(required=True)
    what.add_argument("--delay", type=_seconds, metavar="SECONDS", help="answer so much later")
    what.add_argument("--error", type=_status_code, metavar="STATUS", help="answer with this HTTP status")
    what.add_argument("--drop", choices=("before", "after"), help="close the connection before or after the work")
    add.add_argument("--body", metavar="JSON", help="body of the answer, with --error")
    _plain(actions, "list", "show the faults in force", _fault_list)
    _plain(actions, "clear", "remove every fault", _fault_clear)


def _port(text: str) -> int:
    return _number(text, 1, 65535)


def _count(text: str) -> int:
    return _number(text, 1, 10**9)


def _status_code(text: str) -> int:
    return _number(text, 400, 599)


def _number(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400")
    return value


def _up(options: argparse.Namespace) -> None:
    from gkelab.build.progress import Progress
    from gkelab.cli.up import Wanted, up

    wanted = Wanted(depth=options.depth, port=options.port, operation_seconds=options.operation_seconds)
    up(paths.home(), wanted, Progress())


def _down(options: argparse.Namespace) -> None:
    from gkelab.build.progress import Progress
    from gkelab.cli.down import down

    down(paths.home(), Progress())


def _status(options: argparse.Namespace) -> int:
    from gkelab.cli import status

    return status.show(paths.home(), as_json=options.json, out=sys.stdout)


def _env(options: argparse.Namespace) -> None:
    from gkelab.cli import environment

    print(environment.exports(paths.home()))


def _logs(options: argparse.Namespace) -> None:
    from gkelab.cli import logs

    logs.show(paths.home(), options.component, options.lines, options.follow, sys.stdout)


def _fault_add(options: argparse.Namespace) -> None:
    from gkelab.cli import fault, status

    print(fault.add(status.client(paths.home()), options))


def _fault_list(options: argparse.Namespace) -> None:
    from gkelab.cli import fault, status

    print(fault.overview(status.client(paths.home())))


def _fault_clear(options: argparse.Namespace) -> None:
    from gkelab.cli import fault, status

    print(fault.clear(status.client(paths.home())))


def _build(options: argparse.Namespace) -> None:
    from gkelab.build import build
    from gkelab.build.progress import Progress

    built = build(Progress())
    print(f"Programs: {built.bin}\nImages:   {built.images[0].parent}")
