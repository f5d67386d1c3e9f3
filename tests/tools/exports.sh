#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Print exports for a shell: the Python environment, and the lab's where it is built. Use: eval "$(make -s env)"
python tests/tools/environment.py exports
gkelab env 2>/dev/null || true
