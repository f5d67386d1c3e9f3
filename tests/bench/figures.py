# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures with their aims, as a table and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Aim:
    """What a figure should be: ``at most`` or ``at least`` a number."""

    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str
    aim: Aim | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """``met``, ``MISSED``, or nothing where nothing is aimed at."""
        if self.aim is None:
            return ""
        return "met" if self.aim.met(self.value) else "MISSED"

    def data(self) -> dict[str, object]:
        """For JSON."""
        told: dict[str, object] = {"what": self.what, "value": round(self.value, 4), "unit": self.unit}
        if self.aim:
            told |= {"aim": str(self.aim), "met": self.aim.met(self.value)}
        return told | ({"note": self.note} if self.note else {})


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns."""
    width = max(len(figure.what) for figure in figures)
    lines = []
    for figure in figures:
        value = f"{figure.value:>9.2f} {figure.unit:<5}"
        aim = str(figure.aim) if figure.aim else ""
        lines.append(f"{figure.what:<{width}}  {value}  {aim:<7}  {figure.verdict:<6}  {figure.note}".rstrip())
    return "\n".join(lines)
