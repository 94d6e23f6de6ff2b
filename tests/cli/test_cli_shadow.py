"""shadow start, stop, list and report as a user types them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.effects import Effect

Run = Callable[..., tuple[int, str]]
HOUR = 3_600 * 10**9
CANDIDATE = """package ostiary.guardrails
allow contains {"rule": "may"} if input.subject.id != ""
decision := {"allow": allow}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with three decisions of the last hours, two of which the model would have stopped."""
    home = tmp_path_factory.mktemp("cli") / "data"
    clock = SystemClock()
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(home), settings, clock, lambda _reason, _fault: None) as house:
        for number, proposal in enumerate((Effect.STEP_UP, Effect.STEP_UP, Effect.ALLOW)):
            at = clock.now_ns() - HOUR + number
            record = record_of(f"dec_{number}", "user:ada", at, proposal, score=0.5)
            payload = msgspec.json.encode(record)
            house.log.append("default", "decision", f"dec_{number}", at, payload, "user:ada").result(10)
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(data))

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
        except OstiaryError as fault:
            return fault.exit_code, fault.code
        return 0, capsys.readouterr().out

    return call


def test_a_candidate_is_started_listed_and_stopped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "guardrails.rego").write_text(CANDIDATE)
    (tmp_path / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    assert run("shadow", "stop", "bundle") == (3, "candidate_not_running")
    assert run("shadow", "start", "bundle") == (1, "candidate_absent")
    code, told = run("shadow", "start", "bundle", "--from", str(tmp_path), "--json")
    assert (code, json.loads(told)["what"]) == (0, "bundle")
    digest = json.loads(told)["digest"]
    (one,) = json.loads(run("shadow", "list", "--json")[1])
    assert (one["digest"], one["state"], one["compared"], one["warning"]) == (digest, "starting", 0, "")
    assert digest[7:15] in run("shadow", "list")[1]
    code, told = run("shadow", "report", "--candidate", "bundle", "--json")
    assert (code, json.loads(told)["about"], json.loads(told)["decisions"]) == (0, digest, 0)
    assert run("shadow", "stop", "bundle")[0] == 0
    assert json.loads(run("shadow", "list", "--json")[1]) == []


def test_a_report_is_told_in_every_form_and_names_its_kept_copy(run: Run, tmp_path: Path) -> None:
    html, pdf = tmp_path / "in" / "report.html", tmp_path / "report.pdf"
    code, told = run("shadow", "report", "--days", "1", "--html", str(html), "--pdf", str(pdf), "--json")
    sheet = json.loads(told)
    assert code == 0
    assert (sheet["about"], sheet["would_interrupt"], sheet["users_affected"], sheet["decisions"]) == (
        "step_up",
        2,
        1,
        3,
    )
    assert sheet["digest"].startswith("sha256:")
    assert sheet["digest"] in html.read_text("utf-8")
    assert "user:ada" in html.read_text("utf-8")
    assert pdf.read_bytes().startswith(b"%PDF-")
    code, told = run("shadow", "report", "--days", "1", "--budget", "1")
    assert code == 0
    assert "step_up would have interrupted 2 of 3 accesses, of 1 person or account" in told
    assert "report sha256:" in told
    code, told = run("shadow", "report", "--days", "1", "--anonymous")
    assert re.search(r"\bada\b", told) is None, "its bare letters may stand in a digest's hex"


def test_faults_are_told_by_their_codes(run: Run, tmp_path: Path) -> None:
    assert run("shadow", "report", "--control", "frob") == (1, "control_unknown")
    assert run("shadow", "report", "--control", "deny", "--candidate", "model") == (1, "report_of_what")
    assert run("shadow", "report", "--candidate", "model") == (3, "candidate_not_running")
    assert run("shadow", "report", "--budget", "-1") == (1, "budget_invalid")
    assert run("shadow", "report", "--tenant", "nobody") == (3, "tenant_unknown")
    bad = tmp_path / "verdicts.csv"
    bad.write_text("a,b\n")
    assert run("shadow", "report", "--verdicts", str(bad)) == (1, "labels_malformed")
