"""decide, why, pep, config, doctor as a user types them."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.server.body import BodyLimits

Run = Callable[..., tuple[int, str]]
ASK = {"subject": {"type": "user", "id": "alice"}, "resource": {"type": "doc", "id": "1"}}
GUARDRAILS = """package ostiary.guardrails

# METADATA
# scope: document
# description: Readers may read.
# custom:
#   id: may-read
#   remediation: Ask for reading.
allow contains {"rule": "may-read"} if input.action.name in {"read", "prove"}

# METADATA
# scope: document
# description: Proving needs a second factor.
# custom:
#   id: must-prove
step_up contains {"rule": "must-prove", "acr_values": ["urn:mfa"]} if input.action.name == "prove"

unmet contains {"rule": "may-read", "condition": "the action is read"} if not input.action.name in {"read", "prove"}
decision := {"allow": allow, "step_up": step_up, "unmet": unmet}
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    for name in ("OSTIARY_DATA", "OSTIARY_POLICY__BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "guardrails.rego").write_text(GUARDRAILS)
    (bundle / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str, stdin: bytes = b"") -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
        return code, capsys.readouterr().out

    return call


def asked(action: str, **more: Any) -> bytes:
    return json.dumps({**ASK, "action": {"name": action}, **more}).encode()


@pytest.fixture
def decide(run: Run, tmp_path: Path) -> Run:
    return lambda *words, stdin: run("decide", "--bundle", str(tmp_path / "bundle"), *words, stdin=stdin)


@pytest.mark.parametrize(
    ("action", "code", "effect"), [("read", 0, "ALLOW"), ("drop", 3, "DENY"), ("prove", 4, "STEP_UP")]
)
def test_the_exit_code_says_what_was_decided(decide: Run, action: str, code: int, effect: str) -> None:
    ended, out = decide(stdin=asked(action))
    answer = json.loads(out)
    assert (ended, answer["context"]["effect"], answer["decision"]) == (code, effect, code == 0)


def test_a_stream_answers_every_line_in_order_and_ends_well(decide: Run, run: Run) -> None:
    large = b'{"x":"' + b"y" * BodyLimits().max_bytes + b'"}'
    lines = [asked("read"), b"rubbish", asked("drop"), b"", b'{"a":1,"a":2}', large, asked("prove"), asked("read")]
    code, out = decide("--jsonl", stdin=b"\n".join(lines) + b"\n")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [answer["decision"] for answer in answers] == [True, False, False, False, False, False, True]
    assert [answer["context"].get("error", {}).get("status") for answer in answers] == [
        None, 400, None, 400, 400, None, None,
    ]  # fmt: skip
    for answer in answers:
        assert run("why", answer["context"]["id"], "--json")[0] == 0


def test_a_malformed_request_alone_is_an_error_with_a_record(decide: Run, run: Run) -> None:
    code, out = decide(stdin=b"[]")
    answer = json.loads(out)
    assert (code, answer["decision"]) == (1, False)
    assert json.loads(run("why", answer["context"]["id"], "--json")[1])["effect"] == "DENY"


def test_an_unknown_tenant_is_refused(decide: Run) -> None:
    assert decide("--tenant", "nobody", stdin=asked("read"))[0] == 3


def test_why_tells_from_the_sentence_to_the_proof(decide: Run, run: Run) -> None:
    name = json.loads(decide(stdin=asked("prove"))[1])["context"]["id"]
    code, out = run("why", name)
    assert code == 0
    assert out.splitlines()[0].startswith("user:alice was asked to prove again who they are")
    for text in (
        "must-prove (STEP_UP)",
        "max(STEP_UP, ALLOW) = STEP_UP",
        "step-up: acr_value urn:mfa",
        "proof     verified",
    ):
        assert text in out
    told = json.loads(run("why", name, "--json")[1])
    assert told["proof"]["verified"] is True
    denied = json.loads(decide(stdin=asked("drop"))[1])["context"]["id"]
    assert "unmet     may-read: the action is read" in run("why", denied)[1]


def test_why_of_an_unknown_decision_is_an_error(run: Run) -> None:
    assert run("why", "dec_nothing")[0] == 1


def test_what_is_decided_here_is_learned_by_the_next(decide: Run, run: Run) -> None:
    decide(stdin=asked("read"))
    name = json.loads(decide(stdin=asked("read"))[1])["context"]["id"]
    assert json.loads(run("why", name, "--json")[1])["effect"] == "ALLOW"


def test_enforcement_points_come_and_go(run: Run) -> None:
    code, out = run("pep", "add", "gateway", "--subjects", "asserted", "--json")
    assert (code, json.loads(out)["api_key"].partition(".")[0]) == (0, "gateway")
    assert run("pep", "add", "gateway")[0] == 3
    assert run("pep", "add", "no.dots.please")[0] == 1
    assert run("pep", "add", "by-cert", "--certificate", "ab" * 32)[0] == 0
    rows = {row["pep"]: row for row in json.loads(run("pep", "list", "--json")[1])}
    assert (rows["gateway"]["by"], rows["by-cert"]["by"]) == ("api key", "certificate")
    assert run("pep", "remove", "gateway")[0] == 0
    assert run("pep", "remove", "gateway")[0] == 3
    assert run("pep", "list", "--tenant", "nobody")[0] == 3
    assert "by-cert" in run("pep", "list")[1]


def test_settings_tell_their_origin_and_hide_secrets(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.mkdir(mode=0o700)
    (data / "ostiary.toml").write_text("[server]\nport = 9999\n")
    monkeypatch.setenv("OSTIARY_POLICY__TOKEN", "hunter2")
    rows = {row["key"]: row for row in json.loads(run("config", "show", "--origin", "--json")[1])}
    assert (rows["server.port"]["value"], rows["server.port"]["origin"]) == (9999, str(data / "ostiary.toml"))
    assert rows["policy.token"] == {
        "key": "policy.token",
        "value": "********",
        "origin": "environment OSTIARY_POLICY__TOKEN",
    }
    assert "hunter2" not in run("config", "show")[1]
    assert "server" in json.loads(run("config", "schema")[1])["properties"]
    (data / "ostiary.toml").write_text("[server]\nprot = 9999\n")
    assert run("config", "show")[0] == 1


def findings(out: str) -> dict[str, list[tuple[str, str]]]:
    told: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(out):
        told.setdefault(one["check"], []).append((one["state"], one["text"]))
    return told


def test_doctor_of_a_healthy_place(run: Run, data: Path) -> None:
    code, out = run("doctor", "--json")
    assert (code, findings(out)["data"][0][0]) == (0, "mind")  # nothing is there yet, and nothing was made
    assert not data.exists()
    run("pep", "add", "gw", "--subjects", "asserted")
    code, out = run("doctor", "--json")
    told = findings(out)
    assert code == 0
    assert {told[name][0][0] for name in ("configuration", "clock", "engine", "permissions", "log", "disk")} == {"fine"}
    assert any("`gw` is believed" in text for _, text in told["tenant default"])
    assert "fine  engine" in run("doctor")[1]


def test_doctor_names_what_is_wrong_and_what_lets_through(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("pep", "list")
    (data / "ostiary.db").chmod(0o644)
    monkeypatch.setenv("OSTIARY_AUDIT__DURABILITY", "async")
    monkeypatch.setenv("OSTIARY_SERVER__TRUSTED_PROXIES", '["0.0.0.0/0"]')
    monkeypatch.setenv("OSTIARY_SERVER__HOST", "0.0.0.0")  # noqa: S104
    code, out = run("doctor", "--json")
    told = findings(out)
    assert code == 1
    assert told["permissions"][0][0] == "wrong"
    assert {state for state, _ in told["fail-open"]} == {"mind", "wrong"}
    assert len(told["fail-open"]) == 3


def test_doctor_names_the_one_command_for_a_missing_engine(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.policy.opa_library._loaded", [])
    monkeypatch.setattr("ostiary.policy.opa_library._MODULE", "no_such_module")
    code, out = run("doctor", "--json")
    engine = next(one for one in json.loads(out) if one["check"] == "engine")
    assert (code, engine["state"]) == (1, "wrong")
    assert engine["mend"].startswith("pip install")


def test_doctor_of_a_broken_configuration_says_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_SERVER__PROT", "1")
    code, out = run("doctor", "--json")
    assert (code, json.loads(out)[0]["check"]) == (1, "configuration")


def test_a_shell_completes_every_verb(run: Run) -> None:
    code, out = run("completion", "bash")
    assert code == 0
    assert all(name in out for name in ("decide", "doctor", "why", "--jsonl"))
