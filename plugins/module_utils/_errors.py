# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that crosses the edge of ``_core``: what was being done, to what, what came back, what to do next."""

from __future__ import annotations


class MeshError(Exception):
    """Something outside this program prevented the work; ``str()`` is one line for a person.

    Args:
        doing: a bare verb phrase, for example ``create``.
        subject: what it was done to, for example ``cluster central in us-central1-a``.
        answer: what the service, the file system or the check said.
        hint: what to do next; may be empty.
    """

    def __init__(self, doing: str, subject: str, answer: str, hint: str = "") -> None:
        self.doing = doing
        self.subject = subject
        self.answer = one_line(answer)
        self.hint = one_line(hint)
        super().__init__(doing, subject, answer, hint)

    def __str__(self) -> str:
        text = one_line(f"Failed to {self.doing} {self.subject}: {self.answer or 'no reason was given'}")
        text = text if text.endswith((".", "!", "?")) else f"{text}."
        return f"{text} {self.hint}" if self.hint else text


def one_line(text: str) -> str:
    """Every run of white space becomes one space: an error must fit Ansible's single ``msg`` line."""
    return " ".join(text.split())
