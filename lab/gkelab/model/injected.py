# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that act inside the model: those that matched the request being handled, by action name.

Known here: ``operation_error``, ``stuck``, ``operation_seconds``, ``auto_operation``, ``missing_zones``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

actions: ContextVar[Mapping[str, Any]] = ContextVar(
    "gkelab_injected_actions",
    default=MappingProxyType({}),
)
