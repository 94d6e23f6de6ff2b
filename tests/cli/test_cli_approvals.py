"""approvals people, rules, propose, list, show, approve, withdraw, delegate, enact as an operator types them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.approvals.deciding import Hand
from ostiary.cli.app import build_app
from ostiary.cli.places import open_data
from ostiary.errors import OstiaryError
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.identity.webauthn.types import RelyingParty
from ostiary.testing.approval_scene import enrol
from ostiary.testing.passkey import FakePasskey

PARTY = RelyingParty("localhost", "Ostiary", ("http://localhost:8181",))
PEOPLE = """
- {name: "user:ann", groups: [risk]}
- {name: "user:bob", groups: [ops], also: ["account:bob7"]}
- {name: "user:cyd", groups: [ops]}
"""
PROPOSE = ("propose", "phase.change", "deny@*", "--bind", "from=shadow", "--bind", "to=low_risk", "--as", "user:zed")
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "data"


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(data))

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(["approvals", *words], result_action="return_value", exit_on_error=False)
            code = 0
        except OstiaryError as error:
            return error.exit_code, error.code
        return code, capsys.readouterr().out

    return call


@pytest.fixture(scope="module")
def keys(data: Path) -> dict[str, FakePasskey]:
    """People are named and have passkeys."""
    file = data.parent / "people.yaml"
    file.write_text(PEOPLE)
    build_app()(
        ["approvals", "people", str(file), "--data", str(data)], result_action="return_value", exit_on_error=False
    )
    with open_data(data) as house:
        now, store = house.clock.now_ns(), house.store.authenticators
        return {name: enrol(store, name, now, party=PARTY) for name in ("user:ann", "user:bob", "user:cyd")}


def says(data: Path, keys: dict[str, FakePasskey], proposal_id: str, *who: str) -> None:
    with open_data(data) as house:
        room = house.approvals.room
        proposal = room.standing("default", proposal_id).proposal
        for name in who:
            challenge = proposal.challenge(name, name, "approve")
            answer = keys[name].get(assertion_options(PARTY, challenge, [], 60_000))
            room.sign("default", proposal_id, Hand(name, name, "approve"), answer)


def told(run: Run, *words: str) -> Any:
    code, text = run(*words, "--json")
    assert code == 0, text
    return json.loads(text)


def test_people_are_named_once_and_then_proposed(run: Run, keys: dict[str, FakePasskey], data: Path) -> None:
    assert [one["name"] for one in told(run, "people")["people"]] == sorted(keys)
    file = data.parent / "more.yaml"
    file.write_text(PEOPLE + '- {name: "user:mal", groups: [risk, ops]}\n')
    assert run("people", str(file)) == (1, "approval_malformed"), "in whose name?"
    made = told(run, "people", str(file), "--as", "user:zed")
    assert made["kind"] == "approvals.people"
    assert "user:mal" not in str(told(run, "people"))
    assert run("enact", made["id"]) == (3, "approval_too_few")
    says(data, keys, made["id"], "user:ann", "user:bob")
    assert "user:mal" in str(told(run, "enact", made["id"]))


def test_a_deed_is_proposed_shown_listed_and_withdrawn(run: Run, keys: dict[str, FakePasskey], data: Path) -> None:
    made = told(run, *PROPOSE)
    assert made["bound"] == {"from": "shadow", "to": "low_risk"}
    says(data, keys, made["id"], "user:ann")
    code, text = run("show", made["id"])
    assert code == 0
    for words in ("1 more signature needed, of another group", made["words"], "shadow -> low_risk", "user:zed"):
        assert words in text
    assert [one["id"] for one in told(run, "list", "--kind", "phase.change", "--state", "open")] == [made["id"]]
    assert made["id"] in run("list", "--kind", "phase.change")[1]
    assert told(run, "withdraw", made["id"], "--why", "not yet")["state"] == "withdrawn"
    assert run("withdraw", made["id"]) == (3, "approval_withdrawn")


def test_nobody_agrees_on_the_command_line(run: Run, keys: dict[str, FakePasskey]) -> None:
    made = told(run, *PROPOSE)
    where = told(run, "approve", made["id"], "--as", "user:ann")
    assert where["url"] == f"http://localhost:8181/approve/default/{made['id']}?as=user%3Aann"
    assert where["words"] == made["words"]
    code, text = run("reject", made["id"])
    assert (code, f"/approve/default/{made['id']}" in text) == (0, True)
    assert told(run, "show", made["id"])["voices"] == []


def test_rules_are_shown_and_proposed(run: Run, keys: dict[str, FakePasskey]) -> None:
    assert told(run, "rules")["model.promote"]["people"] == 2
    assert "break_glass.open" in run("rules")[1]
    made = told(run, "rules", "subject.erase", "--people", "3", "--group", "risk", "--as", "user:zed")
    assert {"what": "people", "before": "2", "after": "3"} in made["changes"]
    assert run("rules", "approvals.rule", "--people", "1", "--as", "user:zed") == (1, "approval_rule_invalid")


def test_a_delegation_is_asked_of_its_giver(run: Run, keys: dict[str, FakePasskey]) -> None:
    made = told(run, "delegate", "user:ann", "user:dan", "--kind", "phase.change", "--days", "3")
    assert (made["kind"], made["target"], made["proposer"]) == (
        "approvals.delegate",
        "user:ann to user:dan",
        "user:ann",
    )
    assert run("delegate", "user:ann", "user:ann", "--kind", "phase.change") == (1, "approval_malformed")


def test_a_key_that_is_nobodys_asks_for_nothing(run: Run, keys: dict[str, FakePasskey], data: Path) -> None:
    file = data.parent / "admin.key"
    with open_data(data) as house:
        file.write_text(house.admins.create("default"))
    words = [*PROPOSE[:-2], "--key-file", str(file)]
    assert run(*words) == (3, "approval_proposer_unknown")


def test_what_is_not_there_is_refused(run: Run, keys: dict[str, FakePasskey]) -> None:
    for verb in ("show", "approve", "reject", "withdraw", "enact"):
        assert run(verb, "apr_none") == (3, "approval_unknown")
    assert run("show", "apr_none", "--tenant", "nobody") == (3, "tenant_unknown")
    assert run("propose", "model.promote", "fraud", "--as", "user:zed") == (1, "approval_malformed")
    assert run("propose", "k", "t", "--bind", "x", "--as", "user:zed") == (1, "approval_malformed")
