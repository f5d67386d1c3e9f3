# SPDX-License-Identifier: GPL-3.0-or-later
"""Check every file: it carries its licence and speaks of nobody's machine (no home, no checkout, no package index)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HEADER_LINES = 20
LICENCE = "SPDX-License-" + "Identifier: GPL-3.0-or-later"
WITHOUT_HEADER = re.compile(
    r"^LICENSES/|^COPYING$|^CHANGELOG\.md$|^changelogs/changelog\.yaml$|^tests/sanity/ignore-|"
    r"/go\.(mod|sum)$|\.(json|svg|png|pem)$"
)
"""Files in which a comment has no place; REUSE.toml gives their licence."""
FORBIDDEN = {
    "an absolute path of one machine": re.compile(r"(?<![\w.$}])/(?:work|home/(?!me/)\w+|Users/\w+|root)/[\w.]"),
    "a package index's host": re.compile(r"pythonhosted\.org|proxy\.golang\.org|deb\.debian\.org|pypi\.org/simple"),
}


def tracked(checkout: Path) -> list[Path]:
    """Files of the checkout that git knows or would take, relative to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=checkout, capture_output=True, check=True).stdout
    names = sorted({name for name in listing.decode().split("\0") if name})
    return [Path(name) for name in names if (checkout / name).is_file()]


def findings(name: str, text: str) -> Iterator[str]:
    """What is wrong with one file, a line each."""
    if not WITHOUT_HEADER.search(name) and LICENCE not in "\n".join(text.splitlines()[:HEADER_LINES]):
        yield f"{name}: no '{LICENCE}' in its first {HEADER_LINES} lines"
    if name.endswith("go.sum") or name.startswith("LICENSES/"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in FORBIDDEN.items():
            if pattern.search(line):
                yield f"{name}:{number}: {what}: {line.strip()[:100]}"


def main() -> int:
    """Print every finding; exit status 1 when there is one."""
    found: list[str] = []
    for path in tracked(CHECKOUT):
        try:
            text = (CHECKOUT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found.extend(findings(str(path), text))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
