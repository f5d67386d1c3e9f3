# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples a property is tried with: few by default, HYPOTHESIS_PROFILE=nightly for a thousand each."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

_PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]

for _name, _examples in (("default", 20), ("nightly", 1000)):
    settings.register_profile(
        _name, max_examples=_examples, deadline=None, suppress_health_check=_SLOW_IS_FINE, phases=_PHASES
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
