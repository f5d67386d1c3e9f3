# SPDX-License-Identifier: GPL-3.0-or-later
"""How many GETs a long creation costs: the whole module on a clock that runs many times as fast as the wall's.

The lab's operation is shortened by the same factor. So nothing is simulated but time: module, waiter, jitter and the
lab's answers are the real ones, and the lab's request log counts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import session

from tests.bench.fleet import Fleet
from tests.bench.options import connection, wish

CREATION_SECONDS = 480.0
FACTOR = 20.0
"""The waiter's shortest pause, half a second, is then 25 ms: still several times what a request takes."""
SAMPLES = 8


def gets_of_a_creation(fleet: Fleet) -> Mapping[str, float]:
    """GETs by kind that a creation of CREATION_SECONDS takes, the mean of some that run at the same time."""
    fleet.slow_creations([CREATION_SECONDS / FACTOR] * SAMPLES)
    fleet.api.forget()
    fast = Clock(now=lambda: time.monotonic() * FACTOR, sleep=lambda seconds: time.sleep(seconds / FACTOR))
    with mock.patch.object(session, "Clock", lambda: fast), ThreadPoolExecutor(SAMPLES) as pool:
        for outcome in [pool.submit(_create, fleet, f"slow{number}") for number in range(SAMPLES)]:
            outcome.result()
    kinds = Counter(request["kind"] for request in fleet.api.requests()["requests"] if request["method"] == "GET")
    return {kind: count / SAMPLES for kind, count in kinds.items()}


def _create(fleet: Fleet, name: str) -> None:
    given = {**connection(fleet), **wish(), "name": name, "location": "us-central1-a"}
    outcome = ArgumentSpecValidator(gke_cluster.ARGUMENT_SPEC).validate(given)
    gke_cluster.run(dict(outcome.validated_parameters), check_mode=False, diff=False, report=lambda line: None)
