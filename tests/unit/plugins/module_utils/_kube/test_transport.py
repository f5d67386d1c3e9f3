# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an API server, tried on small real servers on the loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube import transport
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint, private_file, ssl_context
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport

from tests.unit.plugins.fake_kube import FakeTime
from tests.unit.plugins.loopback import CLOSE, Authority, authority, frame, proxy, server

EXEC = "/api/v1/namespaces/istio-system/pods/istiod-1/exec"
SUCCESS = frame(3, b'{"status": "Success"}')


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Tokens:
    """A token source that counts."""

    def __init__(self) -> None:
        self.number = 1

    def __call__(self, refresh: bool) -> str:
        self.number += refresh
        return f"token-{self.number}"


def test_a_refused_token_is_renewed_once() -> None:
    with server([401]) as (port, seen):
        client = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}", token=Tokens()))
        assert client.request("GET", "/api", {"a": ["x", "y"]}).status == 200
    assert seen == [("/api?a=x&a=y", "Bearer token-1"), ("/api?a=x&a=y", "Bearer token-2")]


def test_a_token_that_stays_refused_is_the_answer() -> None:
    with server([401, 401, 401]) as (port, seen):
        assert (
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}", token=Tokens())).request("GET", "/", {}).status
            == 401
        )
    assert len(seen) == 2


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    time = FakeTime()
    with server([429, 503]) as (port, seen):
        client = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), time.clock)
        assert client.request("GET", "/", {}).status == 200
    assert len(seen) == 3 and time.seconds == 6.0


def test_a_server_that_stays_busy_is_the_answer() -> None:
    with server([503] * 9) as (port, seen):
        assert (
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), FakeTime().clock).request("GET", "/", {}).status
            == 503
        )
    assert len(seen) == 4


def test_a_budget_that_forbids_an_eviction_has_answered() -> None:
    time, body = FakeTime(), b'{"details": {"causes": [{"reason": "DisruptionBudget", "message": "not now"}]}}'
    with server([429], body=body) as (port, seen):
        client = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), time.clock)
        assert client.request("GET", "/", {}).status == 429
    assert len(seen) == 1 and time.seconds == 0


def test_a_dropped_connection_is_tried_again() -> None:
    with server([0]) as (port, seen):
        assert (
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), FakeTime().clock).request("GET", "/", {}).status
            == 200
        )
    assert len(seen) == 2


def test_the_path_in_front_of_the_api_is_kept() -> None:
    with server([]) as (port, seen):
        HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}/k8s/east/")).request("GET", "/api", {})
    assert seen[0][0] == "/k8s/east/api"


def test_no_answer_is_one_clear_line() -> None:
    with server([]) as (port, _seen):
        pass
    client = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), FakeTime().clock)
    with pytest.raises(Unreachable) as caught:
        client.request("GET", "/", {})
    assert str(caught.value).startswith(
        f"Failed to reach the API server of cluster east at http://127.0.0.1:{port}: Connection refused."
    )
    assert "\n" not in str(caught.value)


def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "HAS_LIBRARIES", False)
    with pytest.raises(MeshError, match=r"library kubernetes is missing.*pip install 'kubernetes>="):
        HttpTransport(Endpoint("east", "https://east.example"))


# Certificates: everything holds for requests and for exec, which connect on two ways of the client's


@pytest.fixture(name="east", params=["legacy", "proper"])
def _east(request: pytest.FixtureRequest, tmp_path: Path) -> Authority:
    return authority(tmp_path, legacy=request.param == "legacy")


def _get(client: HttpTransport) -> None:
    assert client.request("GET", EXEC, {}).status == 200


def _exec(client: HttpTransport) -> None:
    assert client.stream(EXEC, {}, 10.0)[2] == (3, b'{"status": "Success"}')


WAYS = pytest.mark.parametrize("ask", [_get, _exec])
Ask = Callable[[HttpTransport], None]


@WAYS
def test_the_login_arrives_over_tls_whatever_the_age_of_the_ca(ask: Ask, east: Authority) -> None:
    with server([], east.serving, SUCCESS + CLOSE) as (port, seen):
        ask(HttpTransport(Endpoint("east", f"https://127.0.0.1:{port}", ca=east.pem, token=Tokens())))
    assert seen == [(EXEC, "Bearer token-1")], "kubernetes 36.0.0 sent no login, and said nothing"


@WAYS
def test_another_ca_is_refused(ask: Ask, east: Authority, tmp_path: Path) -> None:
    stranger = authority(tmp_path, legacy=True).pem
    time = FakeTime()
    with server([], east.serving) as (port, seen):
        endpoint = Endpoint("east", f"https://127.0.0.1:{port}", ca=stranger, token=Tokens())
        with pytest.raises(
            Unreachable, match=r"its certificate was not accepted .*The CA known for this cluster does not fit"
        ):
            ask(HttpTransport(endpoint, time.clock))
    assert not seen and time.seconds == 0, "another try cannot help"


@WAYS
def test_no_ca_means_the_public_ones(ask: Ask, east: Authority) -> None:
    with server([], east.serving) as (port, seen), pytest.raises(Unreachable, match="certificate was not accepted"):
        ask(HttpTransport(Endpoint("east", f"https://127.0.0.1:{port}", token=Tokens()), FakeTime().clock))
    assert not seen


@WAYS
def test_another_name_is_refused(ask: Ask, east: Authority) -> None:
    with server([], east.serving, SUCCESS + CLOSE) as (port, seen):
        place = f"https://127.0.0.1:{port}"
        wrong = HttpTransport(Endpoint("east", place, ca=east.pem, tls_server_name="other.internal"), FakeTime().clock)
        with pytest.raises(Unreachable, match="certificate was not accepted"):
            ask(wrong)
        assert not seen
        ask(HttpTransport(Endpoint("east", place, ca=east.pem, tls_server_name="east.internal")))


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@WAYS
def test_whoever_asks_for_no_verification_gets_none(ask: Ask, east: Authority) -> None:
    with server([], east.serving, SUCCESS + CLOSE) as (port, _seen):
        ask(HttpTransport(Endpoint("east", f"https://127.0.0.1:{port}", verify=False)))


@WAYS
def test_a_client_certificate_is_shown(ask: Ask, east: Authority) -> None:
    east.serving.verify_mode = ssl.CERT_REQUIRED
    east.serving.load_verify_locations(cadata=east.pem)
    certificate, key = east.pair
    with server([], east.serving, SUCCESS + CLOSE) as (port, seen):
        place = f"https://127.0.0.1:{port}"
        ask(HttpTransport(Endpoint("east", place, ca=east.pem, client_certificate=certificate, client_key=key)))
    assert len(seen) == 1


def test_only_the_strict_flag_is_off(east: Authority) -> None:
    context = ssl_context(Endpoint("east", "https://127.0.0.1", ca=east.pem))
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED


def test_a_private_file_is_private_and_goes() -> None:
    with private_file("text") as name:
        assert name and Path(name).read_text() == "text"
        assert Path(name).stat().st_mode & 0o777 == 0o600
    assert not Path(name).exists()


def test_secrets_are_not_in_the_repr() -> None:
    endpoint = Endpoint("east", "https://x", client_certificate="certificate", client_key="key")
    assert "key" not in repr(endpoint) and "certificate" not in repr(endpoint)


# Proxies


@WAYS
def test_a_proxy_is_logged_in_at_and_passed(ask: Ask, east: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # is about proxies of the environment, not about this cluster's own
    with server([], east.serving, SUCCESS + CLOSE) as (port, seen), proxy() as (gate, passed):
        place, way = f"https://127.0.0.1:{port}", f"http://user:pass@127.0.0.1:{gate}"
        ask(HttpTransport(Endpoint("east", place, ca=east.pem, proxy=way, token=Tokens())))
    assert passed == [(f"127.0.0.1:{port}", "Basic dXNlcjpwYXNz")]
    assert seen == [(EXEC, "Bearer token-1")]


@WAYS
def test_the_environment_s_proxy_is_used_but_not_for_its_exceptions(
    ask: Ask, east: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server([], east.serving, SUCCESS + CLOSE) as (port, _seen), proxy() as (gate, passed):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{gate}")
        place = f"https://127.0.0.1:{port}"
        ask(HttpTransport(Endpoint("east", place, ca=east.pem)))
        assert passed == [(f"127.0.0.1:{port}", None)]
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        ask(HttpTransport(Endpoint("east", place, ca=east.pem)))
    assert len(passed) == 1


# Exec


def test_channels_are_joined_byte_by_byte() -> None:
    euro = "\N{EURO SIGN}".encode()
    frames = frame(1, euro[:1]) + frame(2, b"oops") + frame(1, euro[1:]) + SUCCESS + CLOSE
    with server([], frames=frames) as (port, seen):
        place = f"http://127.0.0.1:{port}/k8s/east/"
        got = HttpTransport(Endpoint("east", place)).stream(EXEC, {"command": ["ls", "-l"]}, 10.0)
    assert got == [(1, euro), (2, b"oops"), (3, b'{"status": "Success"}')]
    assert seen == [(f"/k8s/east{EXEC}?command=ls&command=-l", None)]


def test_a_refused_token_is_renewed_once_for_exec_too() -> None:
    with server([401], frames=SUCCESS + CLOSE) as (port, seen):
        _exec(HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}", token=Tokens())))
    assert seen == [(EXEC, "Bearer token-1"), (EXEC, "Bearer token-2")]


@pytest.mark.parametrize(("answers", "requests"), [([401, 401, 401], 2), ([403], 1)])
def test_a_refused_exec_names_the_pod(answers: list[int], requests: int) -> None:
    told = "run a command in pod istio-system/istiod-1 of cluster east"
    with server(answers) as (port, seen), pytest.raises(ApiError, match=told) as caught:
        _exec(HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}", token=Tokens())))
    assert caught.value.status in (401, 403) and len(seen) == requests


def test_an_exec_cut_short_is_no_success() -> None:
    with server([], frames=frame(1, b"half")) as (port, _seen), pytest.raises(Unreachable):
        _exec(HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}")))


def test_an_exec_without_end_is_given_up() -> None:
    ended = threading.Event()
    with server([], frames=frame(1, b"half"), mute=ended) as (port, _seen):
        with pytest.raises(Unreachable, match="no answer in time"):
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}")).stream(EXEC, {}, 0.05)
        ended.set()
