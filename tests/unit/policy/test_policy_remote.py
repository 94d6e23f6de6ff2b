"""A customer's own OPA, against a fake of its REST API: late, broken or odd means an error verdict."""

from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.policy.limits import EngineSettings
from ostiary.policy.remote import RemoteOpaEngine, check_url
from ostiary.policy.rulebook import RuleBook
from ostiary.testing.fake_opa import FakeOpa
from ostiary.vocabulary.effects import Effect

PATIENT = EngineSettings(deadline_ms=5_000)


def test_questions_and_answers() -> None:
    book = RuleBook.read({"g.rego": "# METADATA\n# description: Closed.\n# custom: {id: closed}\ndeny := 1"})
    with FakeOpa() as fake, RemoteOpaEngine(fake.url, token="t0ken", rules=book, settings=PATIENT) as engine:
        assert engine.digest == "remote:"
        fake.revision = "r7"
        fake.answers["ostiary/guardrails/decision"] = {"deny": [{"rule": "closed"}]}
        fake.answers["ostiary/adaptive/decision"] = {"proposals": [{"rule": "odd", "effect": "STEP_UP"}]}
        verdict = engine.guardrails({"subject": {"id": "ada"}})
        assert verdict.hits[0].explanation == "Closed."
        assert engine.adaptive(b'{"risk":{}}').proposal is Effect.STEP_UP
        assert engine.digest == "remote:fake@r7"
        assert engine.bundle.revision == "fake@r7"
        assert engine.busy_since() is None
        path, parameters, headers, body = fake.seen[0]
        assert path == "/v1/data/ostiary/guardrails/decision"
        assert parameters == {"strict-builtin-errors": ["true"], "provenance": ["true"]}
        assert headers["authorization"] == "Bearer t0ken"
        assert body == {"input": {"subject": {"id": "ada"}}}
        assert fake.seen[1][3] == {"input": {"risk": {}}}
    assert "t0ken" not in repr(engine)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"{}", "policy_undefined"),
        (b'{"result":{"deny":1}}', "policy_malformed_answer"),
        (b'{"result":', "policy_malformed_answer"),
        (b"", "policy_malformed_answer"),
        (b"<html>", "policy_malformed_answer"),
        (b'{"result":{"allow":[{"rule":"x"}]}' + b" " * 3_000_000 + b"}", "policy_malformed_answer"),
    ],
)
def test_odd_answers(raw: bytes, error: str) -> None:
    with FakeOpa() as fake, RemoteOpaEngine(fake.url, settings=PATIENT) as engine:
        fake.raw = raw
        assert engine.guardrails({}).error == error


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500, 503])
def test_refusals(status: int) -> None:
    with FakeOpa() as fake, RemoteOpaEngine(fake.url, settings=PATIENT) as engine:
        fake.status = status
        fake.answers["ostiary/guardrails/decision"] = {"allow": [{"rule": "x"}]}
        assert engine.guardrails({}).error == "policy_error"


def test_late_is_a_timeout() -> None:
    with FakeOpa() as fake, RemoteOpaEngine(fake.url, settings=EngineSettings(deadline_ms=60)) as engine:
        fake.delay_s = 0.5
        assert engine.guardrails({}).error == "policy_timeout"


def test_nobody_there_is_unavailable() -> None:
    with FakeOpa() as fake:
        url = fake.url
    with RemoteOpaEngine(url, settings=PATIENT) as engine:
        assert engine.guardrails({}).error == "policy_unavailable"
        assert engine.adaptive({}).error == "policy_unavailable"
    assert engine.guardrails({}).error == "policy_unavailable"


def test_what_cannot_be_encoded() -> None:
    with FakeOpa() as fake, RemoteOpaEngine(fake.url, settings=PATIENT) as engine:
        odd: dict[str, Any] = {"a": object()}
        assert engine.guardrails(odd).error == "policy_error"
        assert engine.guardrails({"a": "x" * PATIENT.max_input_bytes}).error == "policy_error"
        assert fake.seen == []


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with FakeOpa() as fake, RemoteOpaEngine(fake.url, settings=PATIENT) as engine:
        fake.answers["ostiary/guardrails/decision"] = {}
        assert engine.guardrails({}).error == ""


@pytest.mark.parametrize(
    "url", ["https://opa.example:8181", "http://127.0.0.1:8181", "http://[::1]:8181", "http://localhost"]
)
def test_places_that_may_be_asked(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://opa.example",
        "http://10.0.0.1",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "https://user:secret@opa.example",
        "https://opa.example/?x=1",
        "https://opa.example/#x",
        "https://",
        "opa.example",
        "",
    ],
)
def test_places_that_may_not(url: str) -> None:
    with pytest.raises(FaultyInputError) as refused:
        check_url(url)
    assert refused.value.code == "policy_url_invalid"
