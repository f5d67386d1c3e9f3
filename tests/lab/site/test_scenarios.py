# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh has to live through, on real clusters.

The tests run in this order, and each leaves a whole mesh behind.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.lab.site import playbooks
from tests.lab.site.laboratory import Lab

pytestmark = pytest.mark.lab

RULE = "istio-multicluster-pod-fw"
HOSTS = {"central", "east", "west"}
MOVED = json.dumps({"bookinfo_placement": {"details-v1": ["west"], "reviews-v3": ["west"]}})


def test_check_of_an_empty_project_says_what_it_would_make_and_writes_nothing(full_lab: Lab) -> None:
    full_lab.forget_requests()
    run = playbooks.run("site.yml", "--check", "--diff").held()
    assert full_lab.writes() == []
    assert all(run.changed[host] > 0 for host in HOSTS), run.output
    for said in (RULE, "istiod-ilb", "istio-remote-secret-east", "istio-remote-secret-west", "details-v1"):
        assert said in run.output, f"no word of {said}:\n{run.output}"
    assert full_lab.clusters() == {}


def test_the_second_run_changes_nothing(mesh: Lab) -> None:
    mesh.forget_requests()
    assert playbooks.run("site.yml").held().changed_nothing()
    assert mesh.writes() == []


def test_check_of_a_finished_mesh_predicts_nothing(mesh: Lab) -> None:
    mesh.forget_requests()
    assert playbooks.run("site.yml", "--check", "--diff").held().changed_nothing()
    assert mesh.writes() == []


@pytest.mark.parametrize(
    "part",
    [["--tags", tag] for tag in ("provision", "firewall", "control", "remote", "bookinfo", "verify")]
    + [["--limit", "east"], ["--limit", "central"], ["--limit", "east", "--tags", "remote"]],
    ids=" ".join,
)
def test_a_part_runs_alone_on_a_finished_mesh(mesh: Lab, part: list[str]) -> None:
    mesh.forget_requests()
    assert playbooks.run("site.yml", *part).held().changed_nothing()
    assert mesh.writes() == []


def test_no_secret_is_told_even_to_who_asks_for_everything(mesh: Lab) -> None:
    secret = ("--context", "central", "-n", "istio-system", "secret", "istio-remote-secret-east")
    _kubectl(mesh, "delete", *secret)
    run = playbooks.run("site.yml", "--tags", "remote", "-vvvv", "--diff").held()
    assert run.changed["east"] > 0
    stored = json.loads(_kubectl(mesh, "get", *secret, "-o", "json"))["data"]["east"]
    text = base64.b64decode(stored).decode()
    token = text.split("token: ")[1].strip()
    assert token.count(".") == 2, "a service account's token has three parts"
    key = json.loads(Path(mesh.environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text(encoding="utf-8"))
    told = {
        "the remote's token": token,
        "the token as the cluster stores it": base64.b64encode(token.encode()).decode(),
        "the kubeconfig as the cluster stores it": stored[:200],
        "the account's key": key["private_key"].splitlines()[1],
    }
    assert [name for name, value in told.items() if value in run.output] == []


def test_a_firewall_rule_deleted_by_hand_is_named_and_repaired(mesh: Lab) -> None:
    operation = mesh.google("DELETE", f"/compute/v1/projects/{mesh.project}/global/firewalls/{RULE}")
    mesh.google("POST", f"/compute/v1/projects/{mesh.project}/global/operations/{operation['name']}/wait")
    verdict = playbooks.run("playbooks/verify.yml")
    assert verdict.status != 0
    told = [line for line in verdict.output.splitlines() if "firewall" in line.lower()]
    assert any("central" in line and ("east" in line or "west" in line) for line in told), verdict.output

    repaired = playbooks.run("site.yml", "--tags", "firewall").held()
    assert sum(repaired.changed.values()) == 1, repaired.output
    assert RULE in mesh.firewalls()
    playbooks.run("playbooks/verify.yml").held()


def test_a_cluster_deleted_by_hand_comes_back_and_the_others_are_not_touched(mesh: Lab) -> None:
    before = mesh.clusters()
    mesh.google("DELETE", _path(mesh, before["east"]))
    _wait_until(lambda: "east" not in mesh.clusters())
    mesh.forget_requests()

    playbooks.run("site.yml").held()
    after = mesh.clusters()
    assert set(after) == HOSTS
    assert after["east"]["id"] != before["east"]["id"]
    for name in ("central", "west"):
        assert after[name]["id"] == before[name]["id"]
        assert after[name]["etag"] == before[name]["etag"], f"{name} was written to"
    assert playbooks.run("site.yml").held().changed_nothing()


def test_a_workload_moves_without_a_lost_request(mesh: Lab) -> None:
    page = _page_address()
    load = _Load(f"{page}/api/v1/products/0")
    with load:
        playbooks.run("site.yml", "--tags", "bookinfo,verify", "-e", MOVED).held()
        playbooks.run("site.yml", "--tags", "bookinfo,verify").held()
    assert load.sent > 100
    assert load.failed == [], f"{len(load.failed)} of {load.sent}"


def test_one_cluster_carries_the_whole_application_and_gives_it_back(mesh: Lab) -> None:
    alone = json.dumps({"bookinfo_placement": {}})
    playbooks.run("site.yml", "--tags", "bookinfo,verify", "-e", alone).held()
    assert playbooks.run("site.yml", "--tags", "bookinfo", "-e", alone).held().changed_nothing()
    playbooks.run("site.yml", "--tags", "bookinfo,verify").held()


def test_a_remote_is_taken_out_alone(mesh: Lab) -> None:
    central = mesh.clusters()["central"]["id"]
    playbooks.run("playbooks/teardown.yml", "--limit", "east").held()
    assert set(mesh.clusters()) == HOSTS - {"east"}
    assert RULE in mesh.firewalls()
    playbooks.run("site.yml").held()
    assert mesh.clusters()["central"]["id"] == central


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_run_killed_at_a_random_moment_is_finished_by_the_next(mesh: Lab, attempt: int) -> None:
    playbooks.run("playbooks/teardown.yml").held()
    seconds = random.uniform(2, 70)
    killed = playbooks.run_and_kill("site.yml", seconds)
    print(f"attempt {attempt}: {'killed' if killed else 'ended by itself'} after {seconds:.1f} s")
    playbooks.run("site.yml").held()
    assert playbooks.run("site.yml").held().changed_nothing()


def test_a_mesh_is_taken_out_of_clusters_that_stay(mesh: Lab) -> None:
    clusters = {name: cluster["id"] for name, cluster in mesh.clusters().items()}
    keep = ("-e", "mesh_keep_clusters=true")
    playbooks.run("playbooks/teardown.yml", *keep).held()
    assert playbooks.run("playbooks/teardown.yml", *keep).held().changed_nothing()
    assert {name: cluster["id"] for name, cluster in mesh.clusters().items()} == clusters
    playbooks.run("site.yml").held()


def test_teardown_leaves_nothing_and_a_second_one_changes_nothing(mesh: Lab) -> None:
    playbooks.run("playbooks/teardown.yml").held()
    assert mesh.clusters() == {}
    assert RULE not in mesh.firewalls()
    assert not (_home(mesh) / "kubeconfig").exists()
    mesh.forget_requests()
    assert playbooks.run("playbooks/teardown.yml").held().changed_nothing()
    assert mesh.writes() == []


def test_teardown_of_a_half_made_mesh(mesh: Lab) -> None:
    playbooks.run("site.yml", "--tags", "provision,control", "--limit", "central").held()
    playbooks.run("playbooks/teardown.yml").held()
    assert mesh.clusters() == {}


class _Load:
    """Requests one after the other for as long as the block lasts."""

    def __init__(self, url: str) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self._url = url
        self._over = Event()
        self._thread = Thread(target=self._send)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._over.wait(0.01):
            self.sent += 1
            try:
                with urlopen(self._url, timeout=10) as response:
                    response.read()
            except (URLError, OSError) as error:
                self.failed.append(str(error))


def _page_address() -> str:
    """Scheme and host of the page, from the summary that verify ends with."""
    run = playbooks.run("playbooks/verify.yml").held()
    found = [word for word in run.output.split() if word.startswith("http://") and word.endswith("/productpage")]
    assert found, run.output
    return found[0].removesuffix("/productpage")


def _kubectl(lab: Lab, *arguments: str) -> str:
    """What kubectl says, as a person with the kubeconfig would ask."""
    home = _home(lab)
    command = [str(home / "bin" / "kubectl"), "--kubeconfig", str(home / "kubeconfig"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def _path(lab: Lab, cluster: dict[str, str]) -> str:
    return f"/v1/projects/{lab.project}/locations/{cluster['location']}/clusters/{cluster['name']}"


def _home(lab: Lab) -> Path:
    return Path(lab.environment["GKELAB_HOME"])


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)
