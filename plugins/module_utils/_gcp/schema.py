# SPDX-License-Identifier: GPL-3.0-or-later
"""The Container API's own model of its messages, as google-cloud-container has it.

Used to check and spell every body before it is sent: a mistake in a pass-through option is found here, by its path, and
not by a refused create. What the library does not know is sent as it stands: an API is always newer than its library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import api_model
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.api_model import Field, Model

# Here and not at first use: what is there before Ansible forks is not read again by every worker.
try:
    MODEL: Model | None = api_model.load()
    MISSING = ""
except ImportError as _error:
    MODEL, MISSING = None, str(_error)


@dataclass
class Checked:
    """A body in the API's spelling, what is wrong with it, and which of its paths the library does not know."""

    body: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def check(message: str, body: dict[str, Any]) -> Checked:
    """Spell a body as the API does: camelCase keys, enum names in capitals; collect wrong types and unknown fields.

    Args:
        message: name of a message of ``google.container.v1``, for example ``Cluster``.
        body: JSON as a person wrote it.
    """
    checked = Checked({})
    model = _model()
    checked.body = _Check(model, checked).message(model.message(message), body, "")
    return checked


def update_field(cluster_field: str) -> str:
    """Name of the ClusterUpdate field that changes a top-level Cluster field; empty when the API has none.

    A field that the library does not know is taken to follow the API's rule (``fooConfig`` by ``desiredFooConfig``).
    """
    model, name = _model(), f"desired{cluster_field[:1].upper()}{cluster_field[1:]}"
    update, known = model.message("ClusterUpdate").get(name), model.message("Cluster").get(cluster_field)
    if known is None:
        return name
    return name if update is not None and (update.kind, update.of) == (known.kind, known.of) else ""


def _model() -> Model:
    if MODEL is None:
        raise MeshError(
            "load",
            "google-cloud-container",
            MISSING,
            "Install it into the Python that runs this task: google-cloud-container.",
        )
    return MODEL


class _Check:
    """One walk over a body; what it finds goes into ``found``."""

    def __init__(self, model: Model, found: Checked) -> None:
        self._model = model
        self._found = found

    def message(self, fields: dict[str, Field], body: dict[str, Any], path: str) -> dict[str, Any]:
        """The body in the API's spelling."""
        by_name = {one.name: one for one in fields.values()}
        spelled: dict[str, Any] = {}
        for key, value in body.items():
            where = f"{path}.{key}" if path else str(key)
            known = fields.get(key) or by_name.get(key)
            if known is None:
                self._found.unknown.append(where)
                spelled[key] = value
            elif value is not None:
                spelled[known.json_name] = self._field(known, value, where)
        return spelled

    def _field(self, known: Field, value: Any, where: str) -> Any:
        if known.kind == "map":
            return self._map(known, value, where)
        if not known.repeated:
            return self._single(known.kind, known.of, value, where)
        if not isinstance(value, list):
            return self._wrong(value, f"{where} must be a list")
        return [self._single(known.kind, known.of, entry, f"{where}[{index}]") for index, entry in enumerate(value)]

    def _map(self, known: Field, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong(value, f"{where} must be a mapping")
        kind, _space, of = known.of.partition(" ")
        return {key: self._single(kind, of, entry, f"{where}.{key}") for key, entry in value.items()}

    def _single(self, kind: str, of: str, value: Any, where: str) -> Any:
        if kind == "message":
            if not isinstance(value, dict):
                return self._wrong(value, f"{where} must be a mapping")
            return self.message(self._model.message(of), value, where)
        if kind == "enum":
            return self._enum(self._model.enum(of), value, where)
        if kind == "bool" and not isinstance(value, bool):
            return self._wrong(value, f"{where} must be true or false")
        if kind == "number":
            return self._number(value, where)
        if kind == "string" and not isinstance(value, str):
            if isinstance(value, (dict, list, bool)):
                return self._wrong(value, f"{where} must be a string")
            return str(value)  # YAML reads 1.31 as a number
        return value

    def _enum(self, names: list[str], value: Any, where: str) -> Any:
        if isinstance(value, str) and value.upper() in names:
            return value.upper()
        if isinstance(value, str):
            self._found.unknown.append(f"{where}={value}")
            return value
        return self._wrong(value, f"{where} must be one of {', '.join(sorted(names))}")

    def _number(self, value: Any, where: str) -> Any:
        text = str(value)
        if isinstance(value, (bool, dict, list)) or not text.lstrip("-").isdigit():
            return self._wrong(value, f"{where} must be a whole number")
        return int(text)

    def _wrong(self, value: Any, problem: str) -> Any:
        self._found.problems.append(problem)
        return value
