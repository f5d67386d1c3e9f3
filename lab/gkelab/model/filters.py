# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute's ``filter`` parameter: ``name = x``, ``name eq regex``, AND, OR, NOT, parentheses."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import Any

from gkelab.model.errors import ApiError

_TOKEN = re.compile(r'\s*(?:([()])|(!=|=|:)|"((?:[^"\\]|\\.)*)"|([^\s()=!:"]+|![^=]))')
Predicate = Callable[[Mapping[str, Any]], bool]


def matcher(text: str) -> Predicate:
    """A predicate on resources; everything matches an empty filter. Raises Compute's 400 for what is no filter."""
    if not text.strip():
        return lambda _: True
    parser = _Parser(text)
    predicate = parser.any_of()
    if parser.peek() is not None:
        raise _bad(text)
    return predicate


def _bad(text: str) -> ApiError:
    return ApiError(
        "INVALID_ARGUMENT",
        f"Invalid value for field 'filter': '{text}'. Invalid list filter expression.",
        reason="invalid",
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)

    def peek(self) -> tuple[str, str] | None:
        return self._tokens[0] if self._tokens else None

    def any_of(self) -> Predicate:
        parts = [self._all_of()]
        while self.peek() == ("word", "OR"):
            self._tokens.pop(0)
            parts.append(self._all_of())
        return lambda item: any(part(item) for part in parts)

    def _all_of(self) -> Predicate:
        parts = [self._one()]
        while (token := self.peek()) not in (None, ("word", "OR"), ("paren", ")")):
            if token == ("word", "AND"):
                self._tokens.pop(0)
            parts.append(self._one())
        return lambda item: all(part(item) for part in parts)

    def _one(self) -> Predicate:
        kind, value = self._next()
        if (kind, value) == ("word", "NOT"):
            inner = self._one()
            return lambda item: not inner(item)
        if (kind, value) == ("paren", "("):
            inner = self.any_of()
            if self._next() != ("paren", ")"):
                raise _bad(self._text)
            return inner
        if kind != "word":
            raise _bad(self._text)
        return _comparison(value, self._next()[1], self._operand(), self._text)

    def _operand(self) -> str:
        """A value: a quoted string, or a word, which may hold colons as URLs do."""
        kind, value = self._next()
        if kind == "paren":
            raise _bad(self._text)
        while kind == "word" and self.peek() == ("operator", ":"):
            value += self._next()[1] + self._next()[1]
        return value

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise _bad(self._text)
        return self._tokens.pop(0)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad(text)
        position = match.end()
        kind = ("paren", "operator", "string", "word")[(match.lastindex or 1) - 1]
        found.append((kind, match.group(match.lastindex or 1)))
    return found


def _comparison(field: str, operator: str, value: str, text: str) -> Predicate:
    if operator in ("eq", "ne"):
        try:
            pattern = re.compile(value)
        except re.error:
            raise _bad(text) from None
        return lambda item: (pattern.fullmatch(_text(item, field)) is not None) == (operator == "eq")
    if operator in ("=", "!="):
        return lambda item: fnmatch.fnmatchcase(_text(item, field), value) == (operator == "=")
    if operator == ":":
        return lambda item: value == "*" or value.rstrip("*") in _text(item, field)
    raise _bad(text)


def _text(item: Mapping[str, Any], field: str) -> str:
    value: Any = item
    for step in field.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
