# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m gkelab` is the `gkelab` command."""

from gkelab.cli import main

raise SystemExit(main())
