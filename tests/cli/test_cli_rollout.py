"""``ostiary rollout`` and ``ostiary events quality`` as a user types them, on a data directory without a server."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.server.places import Places
from ostiary.signals import eventfile
from ostiary.vocabulary.events import AccessEvent, EventOutcome

Run = Callable[..., tuple[int, str]]
HOUR_NS = 3_600_000_000_000
START_NS = 1_780_000_000_000_000_000


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    del data

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
        except OstiaryError as fault:
            code = fault.exit_code
            sys.stderr.write(fault.code)
        except SystemExit as leave:
            code = int(leave.code or 0)
        captured = capsys.readouterr()
        return code, captured.out or captured.err

    return call


def told(output: tuple[int, str]) -> Any:
    assert output[0] == 0, output
    return json.loads(output[1])


def test_status_promote_demote_kill_revive_history(run: Run) -> None:
    rows = {one["control"]: one for one in told(run("rollout", "status", "--json"))["controls"]}
    assert (rows["step_up"]["phase"], rows["step_up"]["live"], rows["deny"]["phase"]) == ("low_risk", True, "shadow")
    assert "playbook:session-theft" in rows

    dry = told(run("rollout", "promote", "deny", "--class", "wiki", "--percent", "5", "--dry-run", "--json"))
    assert (dry["before"], dry["after"], dry["open"], dry["approval"]) == (
        "shadow",
        "low_risk",
        False,
        "approval_missing",
    )
    assert dry["deed"]["target"] == "deny@class=wiki,percent=5"
    assert "the false-positive rate: not measured" in dry["unmet"]
    assert run("rollout", "promote", "deny") == (3, "gate_unmet")

    assert told(run("rollout", "demote", "step_up", "--why", "noisy", "--json"))["after"] == "shadow"
    would = told(run("rollout", "kill", "--dry-run", "--json"))
    assert {one["control"] for one in would} >= {"reduce", "deny"}
    assert "everything of the models" in run("rollout", "kill", "--why", "incident 7")[1]
    status = told(run("rollout", "status", "--json"))
    assert not any(one["live"] for one in status["controls"])
    assert len(status["killed"]) == 6
    assert run("rollout", "revive", "deny", "--to", "shadow") == (3, "gate_unmet")
    done = told(run("rollout", "history", "--json"))
    assert [(one["number"], one["what"], one["by"]) for one in done] == [
        (2, "kill", "command line"),
        (1, "demote", "command line"),
    ]


def test_another_tenant_is_unknown(run: Run) -> None:
    for words in (("status",), ("kill",), ("demote", "deny")):
        assert run("rollout", *words, "--tenant", "nobody") == (3, "tenant_unknown")


def _event(number: int, **more: Any) -> AccessEvent:
    who, what = f"u{number % 4}", f"d{number % 3}"
    base: dict[str, Any] = {"ip": "203.0.113.9", "outcome": EventOutcome.SUCCESS, "source": "sshd", **more}
    return AccessEvent(f"e{number}", "default", START_NS + number * HOUR_NS // 5, who, "read", "doc", what, **base)


def _history(data: Path, events: list[AccessEvent]) -> None:
    data.mkdir(mode=0o700, exist_ok=True)
    places = Places(data)
    places.history("default").parent.mkdir(parents=True, exist_ok=True)
    eventfile.write(places.history("default"), events)
    places.catalogue("default").parent.mkdir(exist_ok=True)
    subjects = ", ".join(f"{{type: user, id: u{number}}}" for number in range(4))
    resources = ", ".join(f'{{type: doc, id: "d{number}"}}' for number in range(3))
    places.catalogue("default").write_text(f"subjects: [{subjects}]\nresources: [{resources}]\n")


def test_good_events_let_a_control_leave_telemetry(run: Run, data: Path) -> None:
    _history(data, [_event(number) for number in range(1200)])
    report = told(run("events", "quality", "--json"))
    assert (report["passed"], report["failed"], report["events"]) == (True, [], 1200)
    assert report["sources"][0]["fields"]["session"] == 0.0, "what a source does not tell is told"
    assert report["report"].startswith("sha256:")
    run("rollout", "demote", "deny", "--to", "telemetry")
    assert told(run("rollout", "promote", "deny", "--json"))["after"] == "shadow"


@pytest.mark.parametrize(
    ("spoil", "failed"),
    [
        (lambda events: events[:300] + events[900:], "gaps"),
        (lambda events: events + events[:100], "duplicates"),
    ],
)
def test_bad_events_do_not_and_the_criterion_is_named(run: Run, data: Path, spoil: Any, failed: str) -> None:
    _history(data, spoil([_event(number) for number in range(1200)]))
    code, output = run("events", "quality", "--json")
    report = json.loads(output)
    assert (code, report["passed"]) == (1, False)
    assert failed in {one["name"] for one in report["criteria"] if not one["passed"]}


def test_no_events_at_all_are_told_as_that(run: Run) -> None:
    code, output = run("events", "quality")
    assert code == 1
    assert "FAIL" in output
