"""``ostiary break-glass`` and ``ostiary access``: from an empty data directory to what is closed and taken back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]
CATALOGUE = "resources: [{type: document, id: plan, sensitivity: 0}]\nsubjects: [{type: user, id: zoe}]\n"
WHAT = ("--replace", "off-network", "--resource", "database:orders")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_ACCESS_REQUESTS__TYPES", '["document"]')
    data = str(tmp_path / "data")

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()([*words, "--data", data], result_action="return_value", exit_on_error=False)
        except OstiaryError as no:
            return no.exit_code, f"{no.code}: {no.message}"
        return 0, capsys.readouterr().out

    (tmp_path / "data").mkdir(mode=0o700)
    return call


def told(answer: tuple[int, str]) -> Any:
    assert answer[0] == 0, answer[1]
    return json.loads(answer[1])


def test_codes_open_it_and_one_person_closes_it(run: Run) -> None:
    made = told(
        run(
            "break-glass", "codes", "make", "--person", "user:eve", "--person", "user:joe", *WHAT,
            "--subject", "user:*", "--minutes", "60", "--json",
        )
    )  # fmt: skip
    codes = [one["code"] for one in made["codes"]]
    listed = told(run("break-glass", "codes", "list", "--json"))
    assert [one["id"] for one in listed] == [made["set"]["id"]]
    assert codes[0] not in json.dumps(listed)
    opening = ("break-glass", "open", *WHAT, "--subject", "user:ann", "--reason", "the office is dark", "--json")
    assert run(*opening, "--minutes", "30")[1].startswith("approval_needed"), "nobody opens one alone"
    assert run(*opening)[1].startswith("usage")
    assert run(*opening, "--minutes", "61", *_each(codes))[1].startswith("break_glass_codes_wrong")
    opened = told(run(*opening, "--minutes", "30", *_each(codes)))
    assert (opened["state"], opened["how"], opened["people"]) == ("open", "codes", ["user:eve", "user:joe"])
    again = run(*opening, "--minutes", "30", *_each(codes))
    assert (again[0], again[1].partition(":")[0]) == (3, "break_glass_codes_wrong")
    closed = told(run("break-glass", "close", opened["id"], "--reason", "light is back", "--json"))
    assert (closed["state"], closed["closed_by"]) == ("ended", "command line")
    assert [one["state"] for one in told(run("break-glass", "list", "--json"))] == ["ended"]
    assert "user:ann" in run("break-glass", "list")[1]
    assert run("break-glass", "codes", "call-back", made["set"]["id"])[0] == 0
    assert told(run("break-glass", "codes", "list", "--json")) == []


def test_the_refusal_is_the_command_that_proposes_it(run: Run) -> None:
    now = datetime.fromtimestamp(SystemClock().now_ns() // 10**9, UTC)
    since, until = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}Z" for hours in (1, 2))
    words = ("break-glass", "open", *WHAT, "--subject", "user:ann", "--reason", "the office is dark")
    code, text = run(*words, "--since", since, "--until", until)
    assert code in {2, 3}, text
    assert run(*words, "--since", "yesterday", "--until", until)[1].startswith("time_invalid")
    assert run(*words, "--since", since.rstrip("Z"), "--until", until)[1].startswith("time_invalid")
    _, text = run(*words, "--minutes", "30")
    command = text.split("`")[1]
    assert command.startswith("ostiary approvals propose break_glass.open database:orders --tenant default --bind ")
    assert "--author user:ann" in command


def test_access_that_was_denied_is_asked_for_granted_and_taken_back(run: Run, tmp_path: Path) -> None:
    from ostiary.server.places import Places  # noqa: PLC0415 - as the command line
    from ostiary.server.settings import load  # noqa: PLC0415
    from ostiary.server.wiring import open_house  # noqa: PLC0415
    from ostiary.vocabulary.clock import SystemClock  # noqa: PLC0415

    decided = _denied(tmp_path, open_house, Places, load, SystemClock)
    asking = ("access", "request", decided, "--reason", "the renewal is today", "--hours", "1", "--json")
    asked = told(run(*asking))
    assert (asked["status"], asked["subject"], asked["resource"]) == ("pending", "user:zoe", "document:plan")
    assert told(run(*asking))["id"] == asked["id"]
    assert run("access", "request", "dec_none", "--reason", "the renewal is today")[1].startswith("invalid_denial")
    granted = told(run("access", "grant", asked["id"], "--json"))
    assert granted["status"] == "approved"
    assert run("access", "deny", asked["id"])[1].startswith("access_request_answered")
    assert told(run("access", "show", asked["id"], "--json"))["grant"] == granted["grant"]
    assert [one["status"] for one in told(run("access", "list", "--grants", "--json"))] == ["holds"]
    assert run("access", "revoke", granted["grant"])[0] == 0
    assert [one["status"] for one in told(run("access", "list", "--grants", "--json"))] == ["revoked"]
    assert [one["id"] for one in told(run("access", "list", "--json"))] == [asked["id"]]
    assert "access requests" in run("access", "list")[1]


def _each(codes: list[str]) -> list[str]:
    return [word for code in codes for word in ("--code", code)]


def _denied(tmp_path: Path, open_house: Any, places: Any, load: Any, clock: Any) -> str:
    from ostiary.decision.parts import Call  # noqa: PLC0415
    from ostiary.identity.types import PepIdentity, PresentedSubject  # noqa: PLC0415
    from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject  # noqa: PLC0415

    (tmp_path / "data" / "catalogue").mkdir()
    (tmp_path / "data" / "catalogue" / "default.yaml").write_text(CATALOGUE)
    with open_house(places(tmp_path / "data"), load(None).settings, clock(), lambda *_told: None) as house:
        house.policies.load("default")
        request = EvaluationRequest(Subject("user", "zoe"), Action("read"), Resource("document", "plan"), {})
        pep = PepIdentity(pep_id="pep-1", tenant="default", subjects="asserted", method="api_key")
        receipt = Receipt("dec_01HF7YAT000000000000000001", house.clock.now_ns(), None)
        decided = house.decider.decide(receipt, Call(pep, request, PresentedSubject()))
        decided.durable.result(timeout=10)
        assert decided.record.outcome.effect.name == "DENY", decided.record
    return "dec_01HF7YAT000000000000000001"
