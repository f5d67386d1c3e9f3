# SPDX-License-Identifier: GPL-3.0-or-later
"""Injected faults: rules that match requests, and what they do to them.

A rule is ``{"match": {"method"?, "path"? (regular expression, searched), "nth"?, "count"?}, "action": {…}}``. Without
``nth`` and ``count`` it applies to every match; ``nth`` alone to the nth match (from 1); ``count`` bounds how many.

Actions on the request: ``delay`` (seconds), ``error`` {status, body (JSON or text), headers?, after? (true: in place of
the answer to a request that was carried out)}, ``drop`` ("before" or "after" handling: the connection closes without an
answer), ``merge`` (JSON laid over the answer).

Actions inside the model: ``operation_error`` {message, code?, status_message?, only_status_message?, conditions?,
http?}, ``stuck`` (until the faults are cleared), ``operation_seconds``, ``auto_operation`` {type?, seconds?, stuck?},
``missing_zones`` [zone, …].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]

ACTIONS = frozenset(
    [
        "delay",
        "error",
        "drop",
        "merge",
        "operation_error",
        "stuck",
        "operation_seconds",
        "auto_operation",
        "missing_zones",
    ]
)


class BadFault(ValueError):
    """A rule that cannot be understood; the text says why."""


@dataclass
class Fault:
    """One rule, and how many requests it has matched and changed."""

    number: int
    rule: JSON
    method: str
    path: re.Pattern[str]
    first: int
    count: int | None
    action: JSON
    seen: int = 0
    applied: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Count a request and say whether the rule applies to it."""
        if self.method not in ("", method) or not self.path.search(path):
            return False
        self.seen += 1
        if self.seen < self.first or (self.count is not None and self.seen >= self.first + self.count):
            return False
        self.applied += 1
        return True


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._numbers = 0

    def add(self, rule: Any) -> JSON:
        """Put a rule in force; raises BadFault."""
        fault = _parse(rule, self._numbers + 1)
        self._numbers += 1
        self._rules.append(fault)
        return _shown(fault)

    def listing(self) -> list[JSON]:
        return [_shown(fault) for fault in self._rules]

    def clear(self) -> None:
        self._rules.clear()

    def actions(self, method: str, path: str) -> JSON:
        """What is to be done to this request, by action name; an earlier rule wins."""
        found: JSON = {}
        for fault in self._rules:
            if fault.takes(method, path):
                found = {**fault.action, **found}
        return found


def _shown(fault: Fault) -> JSON:
    return {"id": fault.number, **fault.rule, "seen": fault.seen, "applied": fault.applied}


def _parse(rule: Any, number: int) -> Fault:
    if not isinstance(rule, dict) or not isinstance(rule.get("action"), dict) or not rule["action"]:
        raise BadFault('a fault is {"match": {…}, "action": {…}}')
    match, action = rule.get("match") or {}, rule["action"]
    unknown = set(match) - {"method", "path", "nth", "count"} | set(action) - ACTIONS
    if unknown:
        raise BadFault(f"unknown: {', '.join(sorted(unknown))}")
    if action.get("drop", "before") not in ("before", "after"):
        raise BadFault('drop is "before" or "after"')
    if "error" in action and not isinstance(action["error"].get("status"), int):
        raise BadFault("error needs a status")
    try:
        path = re.compile(match.get("path", ""))
        first, count = int(match.get("nth", 1)), match.get("count", 1 if "nth" in match else None)
        count = None if count is None else int(count)
    except (re.error, TypeError, ValueError) as error:
        raise BadFault(str(error)) from None
    return Fault(
        number, {"match": match, "action": action}, match.get("method", "").upper(), path, first, count, action
    )
