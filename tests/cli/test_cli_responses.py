"""``ostiary response`` and ``ostiary case`` as a user types them, on a data directory without a server."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
        except OstiaryError as fault:
            code = fault.exit_code
            sys.stderr.write(fault.code)
        captured = capsys.readouterr()
        return code, captured.out or captured.err

    return call


@pytest.fixture
def house(data: Path) -> Iterator[House]:
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(data), settings, SystemClock(), lambda _reason, fault: pytest.fail(str(fault))) as opened:
        yield opened


def told(output: str) -> Any:
    return json.loads(output)


def test_the_shipped_playbooks_are_in_force(run: Run) -> None:
    code, output = run("response", "playbooks", "--json")
    names = {one["name"]: one for one in told(output)}
    assert code == 0
    assert {"credential-compromise", "session-theft", "model-tampered"} <= set(names)
    assert names["session-theft"]["approvals"] == ["quarantine_device"]
    assert "AML.T0018" in names["model-tampered"]["techniques"]


def test_a_dry_run_leaves_no_trace_and_a_run_waits_for_its_approval(run: Run, house: House) -> None:
    house.ledger.terminate("default", "none", at_ns=1, reason="x")
    words = ("response", "run", "model-tampered", "--fact", "model=sha256:aa", "--json")
    assert {one["state"] for one in told(run(*words, "--dry-run")[1])} == {"dry"}
    assert told(run("response", "journal", "--json")[1]) == []
    assert [one["state"] for one in told(run(*words)[1])] == ["waiting", "ready", "ready"]
    house.response.turn()
    (waiting,) = told(run("response", "pending", "--json")[1])
    assert (waiting["do"], waiting["others"]) == ("block_model", ["sha256:aa"])
    assert run("response", "approve", waiting["step"], "--digest", "sha256:00")[0] == 3
    assert (
        told(run("response", "approve", waiting["step"], "--digest", waiting["digest"], "--json")[1])["state"]
        == "ready"
    )
    assert run("response", "approve", waiting["step"], "--digest", waiting["digest"])[0] == 3
    house.response.turn()
    assert house.response.blocks.is_blocked("default", "sha256:aa")
    assert told(run("response", "undo", waiting["step"], "--json")[1])["by"] == "command line"
    assert not house.response.blocks.is_blocked("default", "sha256:aa")
    lines = run("response", "journal", "--state", "undone", "--jsonl")[1].splitlines()
    assert [json.loads(line)["do"] for line in lines] == ["block_model"]


def test_a_case_is_told_commented_and_closed(run: Run, house: House) -> None:
    case = house.response.cases.open(
        "default", "look", topic="t", key="k", by="playbook:x", now_ns=1, subject="user:ann"
    )
    (listed,) = told(run("case", "list", "--json")[1])
    assert (listed["case"], listed["state"]) == (case.case_id, "open")
    assert run("case", "comment", case.case_id, "seen")[0] == 0
    assert told(run("case", "assign", case.case_id, "kim", "--json")[1])["assignee"] == "kim"
    assert "seen" in run("case", "show", case.case_id)[1]
    closed = told(run("case", "close", case.case_id, "--verdict", "false-positive", "--json")[1])
    assert (closed["verdict"], closed["closed_by"]) == ("false_positive", "command line")
    assert run("case", "comment", case.case_id, "late")[0] == 3
    assert run("case", "show", "case_none")[0] == 3
    assert run("case", "list", "--tenant", "none")[0] == 3
    deeds = [json.loads(one.payload or b"")["action"] for one in house.log.iterate("default", "admin")]
    assert [deed for deed in deeds if deed.startswith("case.")][:3] == ["case.comment", "case.assign", "case.close"]


def test_faults_of_playbooks_are_told_with_their_lines(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("name: good\ntriggers: ['signal:x']\nsteps: [{do: notify}]\n")
    bad.write_text("name: bad\ntriggers: ['signal:x']\nsteps:\n  - do: grant\n")
    assert run("response", "lint", str(good))[0] == 0
    code, output = run("response", "lint", str(good), str(bad), "--json")
    assert (code, told(output)[0]["code"], told(output)[0]["line"]) == (1, "playbook_step_unknown", "4")


def test_what_is_empty_is_told_as_empty(run: Run) -> None:
    assert told(run("response", "obligations", "--unexecuted", "--json")[1]) == []
    assert told(run("response", "letters", "--json")[1]) == []
    assert run("response", "letters", "--again", "ltr_none")[0] == 3
    assert run("response", "run", "none")[0] == 3
    for words in (("playbooks",), ("pending",), ("journal",), ("obligations",), ("letters",)):
        assert run("response", *words)[0] == 0


def test_an_enforcement_point_is_registered_with_its_receipt_key(run: Run, tmp_path: Path) -> None:
    from ostiary.keys import SigningKey  # noqa: PLC0415

    key = tmp_path / "key.pem"
    key.write_bytes(SigningKey.from_seed("k", bytes(32)).public.pem())
    assert told(run("pep", "add", "gateway-1", "--receipt-key", str(key), "--json")[1])["receipts"] is True
    key.write_text("nonsense")
    assert run("pep", "add", "gateway-2", "--receipt-key", str(key))[0] == 1
