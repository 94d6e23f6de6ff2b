"""Entitlement risk as a user types it: requests and grants, trained, scored and reviewed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.risk.entitlements.table import Table
from ostiary.testing.entitlements import ODD, made_grants, made_requests

Run = Callable[..., tuple[int, str, str]]


def as_csv(table: Table, leave: tuple[str, ...] = ()) -> str:
    columns = {name: cells for name, cells in table.columns.items() if name not in leave}
    rows = [",".join(row) for row in zip(*columns.values(), strict=True)]
    return "\n".join([",".join(columns), *rows]) + "\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("entitlements")
    (place / "decided.csv").write_text(as_csv(made_requests()))
    (place / "asked.csv").write_text(as_csv(made_requests(seed=6, rows=60), leave=("ACTION",)))
    (place / "grants.csv").write_text(as_csv(made_grants()))
    uses = [
        {
            "event_id": f"e{number}",
            "tenant": "default",
            "time_ns": 1_700_000_000_000_000_000 + number,
            "subject_id": user,
            "action": "open",
            "resource_type": "tool",
            "resource_id": item,
        }
        for number, (user, item) in enumerate(zip(*made_grants().columns.values(), strict=True))
        if (user, item) != ODD
    ]
    (place / "events.jsonl").write_text("\n".join(map(json.dumps, uses)) + "\n")
    return place


@pytest.fixture
def run(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(files / "data"))

    def call(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()(["risk", "entitlements", *(str(word) for word in words)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
            print(fault.code, fault.message, file=sys.stderr)  # noqa: T201 - as main() does
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def requests(files: Path, run: Run) -> Path:
    place = files / "requests"
    if not place.exists():
        words = ("--decision", "ACTION", "--id", "row", "--out", place)
        code, _, err = run("train", "--requests", files / "decided.csv", *words)
        assert code == 0, err
    return place


@pytest.fixture
def grants(files: Path, run: Run) -> Path:
    place = files / "model"
    if not place.exists():
        code, out, err = run("train", "--grants", files / "grants.csv", "--out", place, "--json")
        assert code == 0, err
        assert json.loads(out)["kind"] == "entitlement-grant-model"
    return place


def test_each_request_gets_one_line_in_order(files: Path, run: Run, requests: Path) -> None:
    code, out, _ = run("score", "--model", requests, "--requests", files / "asked.csv", "--jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["id"] for line in lines] == [str(number) for number in range(60)]
    assert all(list(line) == ["id", "score", "level", "reasons"] for line in lines)
    assert all(0 <= line["score"] <= 1 for line in lines)
    asked = made_requests(seed=6, rows=60)
    refused = [cell == "0" for cell in asked.columns["ACTION"]]
    own = [line["score"] for line, no in zip(lines, refused, strict=True) if not no]
    theirs = [line["score"] for line, no in zip(lines, refused, strict=True) if no]
    assert sum(theirs) / len(theirs) > 3 * sum(own) / len(own)
    assert all(line["reasons"] for line in lines if line["level"] == "high")


def test_a_review_puts_the_oddity_first_and_says_revoke_when_it_is_unused(files: Path, run: Run, grants: Path) -> None:
    words = ("--events", files / "events.jsonl", "--top", "3", "--jsonl")
    code, out, err = run("review", "--model", grants, *words)
    first = json.loads(out.splitlines()[0])
    assert code == 0
    assert len(out.splitlines()) == 3
    assert (first["user"], first["permission"], first["recommendation"]) == (*ODD, "revoke")
    assert "of the grants were used in the period" in err


def test_a_review_is_a_table_for_people(run: Run, grants: Path) -> None:
    code, out, _ = run("review", "--model", grants, "--user", ODD[0])
    assert code == 0
    assert ODD[0] in out
    assert "0 revoke" in out


def test_events_that_name_no_grant_are_told(files: Path, run: Run, grants: Path) -> None:
    text = (files / "events.jsonl").read_text().splitlines()[0].replace('"tool"', '"x"').replace("tool", "gone")
    (files / "other.jsonl").write_text(text + "\n")
    _, _, err = run("review", "--model", grants, "--events", files / "other.jsonl", "--top", "1", "--jsonl")
    assert "do the events name users and permissions as the grants do?" in err


def test_pairs_are_scored_and_unknown_names_are_no_fault(files: Path, run: Run, grants: Path) -> None:
    (files / "pairs.csv").write_text("id,user,permission\na,u3,t3-tool1\nb,nobody,nothing\n")
    code, out, _ = run("score", "--model", grants, "--grants", files / "pairs.csv")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["id"] for line in lines] == ["a", "b"]
    assert lines[0]["score"] < lines[1]["score"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("train", "--out", "x"), "option_invalid"),
        (("train", "--requests", "decided.csv", "--out", "x"), "option_invalid"),
        (("train", "--requests", "decided.csv", "--decision", "GONE", "--out", "x"), "table_column_missing"),
        (("train", "--requests", "decided.csv", "--decision", "TEAM", "--out", "x"), "decision_malformed"),
        (("train", "--grants", "asked.csv", "--out", "x"), "table_column_missing"),
        (("score", "--model", "requests", "--requests", "grants.csv"), "table_column_missing"),
        (("score", "--model", "requests", "--grants", "grants.csv"), "model_other_kind"),
        (("score", "--model", "model", "--requests", "asked.csv"), "model_other_kind"),
        (("review", "--model", "requests"), "model_other_kind"),
    ],
)
@pytest.mark.usefixtures("requests", "grants")
def test_what_cannot_be_done_ends_in_a_code(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(files)
    ended, _, err = run(*words)
    assert ended == 1
    assert err.splitlines()[-1].startswith(code) or code in err
    assert not (files / "x").exists()
