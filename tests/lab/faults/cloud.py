# SPDX-License-Identifier: GPL-3.0-or-later
"""A project in the emulation, the modules run in it over real HTTP, and the faults that Google is known for."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster, mesh_firewall
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from google.auth.transport.requests import AuthorizedSession

from gkelab.model.errors import ApiError
from tests.lab.emulator.emulator import JSON, Emulator, Rest

ZONE = "us-central1-a"
RULE = "mesh"
OPERATIONS = r"/operations/operation-"
CREATE = r"/clusters$"
CLUSTER = r"/clusters/c$"
FIREWALLS = r"/firewalls$"
MEETING_SECONDS = 60.0
"""How long controllers wait for each other; one that never comes fails the test."""
_TARGET = re.compile(r"/((?:clusters|firewalls|nodePools|operations)(?:[/:].*)?)$")


class FastClock:
    """Real time but for pauses, which take a hundredth of what they count."""

    RATE = 100.0

    def __init__(self) -> None:
        self.slept: list[float] = []
        """Every pause that was asked for, in seconds."""
        self._skipped = 0.0
        self.clock = Clock(now=lambda: time.monotonic() + self._skipped, sleep=self._sleep, jitter=lambda: 0.5)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(seconds / self.RATE)
        self._skipped += seconds * (1 - 1 / self.RATE)


@dataclass
class Run:
    """One run of a module.

    Attributes:
        error: the sentence that it failed with; empty when it succeeded.
        calls: what it asked, such as ``GET clusters/c 200``; status 0 is a lost reply. What others did meanwhile is
            left out.
        writes: those of the calls that ask for a change.
        lines: its lines of progress.
    """

    answer: JSON = field(default_factory=dict)
    error: str = ""
    calls: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def result(self) -> JSON:
        """What it returned; the test fails when it failed."""
        assert not self.error, self.error
        return self.answer

    @property
    def warnings(self) -> str:
        return "\n".join(self.result["warnings"])

    def failed_with(self, *words: str) -> Run:
        """This run, if it failed and said all of this in one line."""
        assert self.error, self.answer
        assert "\n" not in self.error
        assert "Traceback" not in self.error
        for each in words:
            assert each in self.error, self.error
        return self


class Cloud:
    """One project, to itself."""

    def __init__(self, emulator: Emulator, project: str, clock: FastClock, others: AuthorizedSession) -> None:
        self.emulator = emulator
        self._others = others
        self.project = project
        self.clock = clock

    @cached_property
    def rest(self) -> Rest:
        """Somebody else at work in the usual zone."""
        return self.at()

    def at(self, location: str = ZONE, project: str = "") -> Rest:
        """Somebody else at work in a location."""
        return Rest(self.emulator, project or self.project, location, self._others)

    # the modules

    def run(
        self,
        core: ModuleType,
        *,
        check: bool = False,
        on: Mapping[str, Callable[[], object]] | None = None,
        **options: Any,
    ) -> Run:
        """Run a module's core as its action does.

        Args:
            core: the module's core.
            check: check mode.
            on: what happens in the world when a line of progress contains a text, once each: the line before a write
                is the moment between reading and writing.
            options: the module's.
        """
        done, coming, others = Run(), dict(on or {}), set[int]()

        def report(line: str) -> None:
            done.lines.append(line)
            for text in [text for text in coming if text in line]:
                before = len(self._log())
                coming.pop(text)()
                others.update(range(before, len(self._log())))

        params = self.validated(core, **options)
        self.emulator.lab("DELETE", "requests")
        try:
            done.answer = core.run(params, check_mode=check, diff=True, report=report)
        except MeshError as error:
            done.error = str(error)
        log = [entry for number, entry in enumerate(self._log()) if number not in others]
        done.calls = [_told(entry) for entry in log]
        done.writes = [_told(entry) for entry in log if entry["write"]]
        assert not coming, f"never came: {', '.join(coming)}; said: {done.lines}"
        return done

    def at_once(
        self, core: ModuleType, *wishes: JSON, meet: str = "", other: Callable[[], object] | None = None
    ) -> list[Run]:
        """Run a module's core several times at the same time, as controllers that know nothing of each other.

        Args:
            core: the module's core.
            wishes: each controller's options.
            meet: where all wait for each other, once: a part of the line of progress that each says before it writes.
                So all have read before any of them writes.
            other: somebody who is no controller, at work from that moment on.
        """
        jobs = len(wishes) + (other is not None)
        meeting = threading.Barrier(jobs)

        def controller(wish: JSON) -> Run:
            done, met = Run(), not meet

            def report(line: str) -> None:
                nonlocal met
                done.lines.append(line)
                if not met and meet in line:
                    met = True
                    meeting.wait(MEETING_SECONDS)

            try:
                done.answer = core.run(self.validated(core, **wish), check_mode=False, diff=True, report=report)
            except MeshError as error:
                done.error = str(error)
            assert met, f"never said {meet!r}: {done.lines}, {done.error or done.answer}"
            return done

        def stranger() -> None:
            if meet:
                meeting.wait(MEETING_SECONDS)
            if other:
                other()

        with ThreadPoolExecutor(jobs) as pool:
            strange = pool.submit(stranger) if other else None
            runs = list(pool.map(controller, wishes))
            if strange:
                strange.result()
        return runs

    def _log(self) -> list[JSON]:
        return list(self.emulator.lab("GET", "requests")["requests"])

    def validated(self, core: ModuleType, **options: Any) -> JSON:
        """Options as Ansible hands them over, with the lab as the cloud."""
        given = {
            "project": self.project,
            "service_account_file": str(self.emulator.key_file),
            "container_endpoint": self.emulator.url,
            "compute_endpoint": self.emulator.url,
            **options,
        }
        outcome = ArgumentSpecValidator(core.ARGUMENT_SPEC, **core.SPEC_KWARGS).validate(given)
        assert not outcome.error_messages, outcome.error_messages
        return dict(outcome.validated_parameters)

    def cluster(self, name: str = "c", location: str = ZONE, **options: Any) -> Run:
        """Run gke_cluster, with one node unless told otherwise."""
        return self.run(gke_cluster, **{"name": name, "location": location, "node_count": 1, **options})

    def firewall(self, *clusters: JSON, **options: Any) -> Run:
        """Run mesh_firewall, for cluster c unless told otherwise."""
        members = list(clusters) or [{"name": "c", "location": ZONE}]
        return self.run(mesh_firewall, **{"name": RULE, "clusters": members, **options})

    # the world

    def fault(self, action: JSON, **match: object) -> None:
        """Put a fault in force."""
        self.emulator.fault(action, **match)

    def heal(self) -> None:
        """End all faults; what they held goes on."""
        self.emulator.lab("DELETE", "faults")

    def edit(self, name: str = "c", location: str = ZONE, **fields: object) -> None:
        """Change what the service says of a cluster."""
        self.emulator.lab("PATCH", f"clusters/{self.project}/{location}/{name}", fields)

    def lose(self, name: str = "c", location: str = ZONE) -> None:
        """Let a cluster vanish at once, whatever works on it."""
        self.emulator.lab("DELETE", f"clusters/{self.project}/{location}/{name}")

    def exists(self, name: str = "c", location: str = ZONE) -> bool:
        return self.at(location).container("GET", f"clusters/{name}")[0] == 200

    def operations(self) -> list[JSON]:
        """Every operation that there ever was in the project, oldest first."""
        return list(self.at("-").container("GET", "operations")[1].get("operations", []))

    def rule(self, name: str = RULE, project: str = "") -> JSON | None:
        """A firewall rule as it is now."""
        status, rule = self.at(project=project).compute("GET", f"global/firewalls/{name}")
        return rule if status == 200 else None

    def rules(self, project: str = "") -> list[str]:
        """Names of the rules that begin with the mesh rule's."""
        _, listed = self.at(project=project).compute("GET", "global/firewalls")
        return sorted(rule["name"] for rule in listed.get("items", ()) if rule["name"].startswith(RULE))

    def change_rule(self, method: str, path: str, body: JSON | None = None) -> None:
        """Somebody else's write to the firewall, in force when this returns."""
        status, operation = self.rest.compute(method, f"global/firewalls{path}", body)
        assert status == 200, operation
        _, ended = self.rest.compute("POST", f"global/operations/{operation['name']}/wait")
        assert "error" not in ended, ended


def refusal(
    status: str,
    message: str,
    *,
    reason: str = "",
    details: Sequence[JSON] = (),
    headers: Mapping[str, str] | None = None,
    compute: bool = False,
) -> JSON:
    """The fault by which the service refuses a call; ``status`` is a google.rpc.Code name."""
    error = ApiError(status, message, reason=reason, details=details)
    body = error.body(compute=compute)
    return {"error": {"status": error.code, "body": body, "headers": dict(headers or {})}}


def failure(message: str, *conditions: str, **more: object) -> JSON:
    """The fault by which an operation ends badly; conditions by their codes."""
    told = [{"code": code, "message": message} for code in conditions]
    return {"operation_error": {"message": message, "conditions": told, **more}}


def _told(entry: JSON) -> str:
    target = _TARGET.search(entry["path"])
    return f"{entry['method']} {target[1] if target else entry['path']} {entry['status']}"
