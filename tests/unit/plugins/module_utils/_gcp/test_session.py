# SPDX-License-Identifier: GPL-3.0-or-later
"""What is repeated and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import (
    CONTAINER,
    GoogleSession,
    retry_after_seconds,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import Reply

from tests.unit.plugins.fake_google import Call, FakeTime, Script, failure, options, reply, session

PAGE = Reply(502, b"<html>Bad Gateway</html>")


def get(script: Script, time: FakeTime | None = None) -> dict[str, Any]:
    return session(script, time).call("GET", CONTAINER, "x", doing="read", subject="x")


def post(script: Script, time: FakeTime | None = None) -> dict[str, Any]:
    return session(script, time).call("POST", CONTAINER, "x", doing="create", subject="x", body={"a": 1})


@pytest.mark.parametrize("broken", [failure(503, "later"), failure(500, "oops"), failure(429, "slow"), PAGE, None])
def test_reading_is_repeated(broken: Reply | None) -> None:
    script = Script(Call("GET", "x", broken), Call("GET", "x", {"found": True}))
    assert get(script) == {"found": True}
    script.done()


def test_retry_after_is_honoured() -> None:
    time = FakeTime()
    get(Script(Call("GET", "x", failure(503, "later", retry_after="7")), Call("GET", "x")), time)
    assert time.sleeps == [7.0]


def test_pauses_grow_and_end() -> None:
    time = FakeTime()
    with pytest.raises(ApiError, match="later"):
        get(Script(*[Call("GET", "x", failure(503, "later"))] * 50), time)
    assert time.sleeps[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(time.sleeps) == 30.0
    assert time.now <= 121


@pytest.mark.parametrize("broken", [failure(503, "later"), PAGE, None])
def test_a_write_is_sent_once_and_its_fate_is_said_to_be_unknown(broken: Reply | None) -> None:
    script = Script(Call("POST", "x", broken))
    with pytest.raises(ApiError) as caught:
        post(script)
    assert caught.value.unknown_outcome
    script.done()


def test_a_write_refused_for_its_rate_is_sent_again() -> None:
    script = Script(Call("POST", "x", failure(429, "slow", retry_after="3")), Call("POST", "x", {"name": "o"}))
    assert post(script) == {"name": "o"}


def test_a_refused_write_has_a_known_fate() -> None:
    with pytest.raises(ApiError) as caught:
        post(Script(Call("POST", "x", failure(400, "bad"))))
    assert not caught.value.unknown_outcome


def test_a_success_without_json_is_no_success() -> None:
    with pytest.raises(ApiError, match="Sign in"):
        post(Script(Call("POST", "x", Reply(200, b"<html>Sign in to the proxy</html>"))))


def test_a_given_token_cannot_be_renewed() -> None:
    script = Script(Call("GET", "x", failure(401, "Request had invalid authentication credentials.")))
    with pytest.raises(ApiError, match="log in again"):
        get(script)
    script.done()


class Renewable:
    """A login with one token after another."""

    def __init__(self) -> None:
        self.round = 1

    def api_token(self, audience: str) -> str:
        return f"token{self.round} {audience}"

    def renew(self) -> bool:
        self.round += 1
        return True


def test_a_refused_token_is_renewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "login", lambda params: Renewable())
    refused = failure(401, "Request had invalid authentication credentials.")
    script = Script(Call("GET", "x", refused), Call("GET", "x", {"ok": True}))
    google = GoogleSession(options(), transport=script, clock=FakeTime().clock())
    assert google.call("GET", CONTAINER, "x", doing="read", subject="x") == {"ok": True}
    assert [token.split()[1] for token in script.tokens] == ["token1", "token2"]
    assert script.tokens[0].endswith("https://container.googleapis.com/")
    script.calls = [Call("GET", "x", refused), Call("GET", "x", refused)]
    with pytest.raises(ApiError, match="refused twice"):
        google.call("GET", CONTAINER, "x", doing="read", subject="x")
    script.done()


def test_queries_are_encoded() -> None:
    script = Script(Call("GET", "x"))
    session(script).call("GET", CONTAINER, "x", doing="read", subject="x", query={"filter": 'name eq "a.*"'})
    assert script.queries == [{"filter": ['name eq "a.*"']}]


def test_credentials_do_not_travel_in_the_clear() -> None:
    with pytest.raises(MeshError, match="plain http"):
        GoogleSession(options(container_endpoint="http://container.example"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 7.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_both_forms(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(header, 784111770.0) == seconds


def test_an_empty_body_is_an_empty_answer() -> None:
    assert post(Script(Call("POST", "x", Reply(200, b"")))) == {}
    assert post(Script(Call("POST", "x", reply({})))) == {}
