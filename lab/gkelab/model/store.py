# SPDX-License-Identifier: GPL-3.0-or-later
"""What must survive the process: tables of JSON records, written through to one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

JSON = dict[str, Any]


class Table:
    """Records of one kind by key, held in memory; ``put`` and ``drop`` reach the file before they return."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._kind = kind
        self._rows: dict[str, JSON] = store.load(kind)

    def get(self, key: str) -> JSON | None:
        return self._rows.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def values(self) -> list[JSON]:
        return list(self._rows.values())

    def put(self, key: str, record: JSON) -> None:
        self._rows[key] = record
        self._store.save(self._kind, key, record)

    def drop(self, key: str) -> None:
        self._rows.pop(key, None)
        self._store.delete(self._kind, key)

    def clear(self) -> None:
        for key in list(self._rows):
            self.drop(key)


class Store:
    """The file. Changes made inside ``with store.together():`` become durable all at once or not at all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing this way; only a crash of the whole machine could, and that takes the lab too.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key))")
        self._depth = 0

    def table(self, kind: str) -> Table:
        return Table(self, kind)

    def load(self, kind: str) -> dict[str, JSON]:
        rows = self._db.execute("SELECT key, body FROM record WHERE kind = ? ORDER BY rowid", (kind,))
        return {key: json.loads(body) for key, body in rows}

    def save(self, kind: str, key: str, record: JSON) -> None:
        self._db.execute(
            "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (kind, key, json.dumps(record, separators=(",", ":"))),
        )

    def delete(self, kind: str, key: str) -> None:
        self._db.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction; nests. An exception rolls back the file but not the memory."""
        if self._depth == 0:
            self._db.execute("BEGIN")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()
