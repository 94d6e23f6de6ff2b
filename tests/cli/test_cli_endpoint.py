"""``ostiary endpoint`` as a user types it, and the same by the administrators' API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError

Run = Callable[..., tuple[int, str]]
SCHEMA = {"columns": [{"name": "amount", "type": "number", "min": 0, "max": 1000}]}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        except OstiaryError as fault:
            return fault.exit_code, f"{fault.code}: {fault.message}"
        return 0, capsys.readouterr().out

    return call


@pytest.fixture
def house(run: Run, tmp_path: Path) -> Path:
    assert run("tenant", "create", "default")[0] in {0, 3}
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def test_register_show_list_budget_remove(run: Run, house: Path) -> None:
    words = ("--schema", str(house), "--url", "https://model.example/predict", "--sensitivity", "3")
    more = ("--label", "high-value", "--classes", "good", "--classes", "bad", "--threshold", "0.5", "--json")
    code, text = run("endpoint", "register", "fraud", *words, *more, "--subject-budget", "100/3600")
    assert code == 0, text
    told = json.loads(text)
    assert told["labels"] == ["high-value"]
    assert told["spec"]["subject"] == {"limit": 100, "window_s": 3600}
    assert json.loads(run("endpoint", "list", "--json")[1])[0]["id"] == "fraud"
    assert "amount" in run("endpoint", "show", "fraud")[1]
    budget = json.loads(run("endpoint", "budget", "fraud", "--subject", "user:ada", "--json")[1])
    assert budget["subject"] == {"subject": "user:ada", "taken": 0, "limit": 100, "window_s": 3600}
    assert json.loads(run("endpoint", "remove", "fraud", "--json")[1]) == {"removed": "fraud"}
    assert run("endpoint", "show", "fraud")[0] == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--url", "http://model.example/"), "address_refused"),
        (("--url", "https://169.254.169.254/"), "address_refused"),
        (("--model", "latest"), "endpoint_invalid"),
        (("--subject-budget", "1/0"), "budget_invalid"),
        (("--rate", "1"), "budget_invalid"),
        (("--sensitivity", "5"), "registered_invalid"),
    ],
)
def test_what_cannot_be_registered_is_not(run: Run, house: Path, words: tuple[str, ...], code: str) -> None:
    status, text = run("endpoint", "register", "fraud", "--schema", str(house), *words)
    assert (status, text.partition(":")[0]) == (1, code)
    assert json.loads(run("endpoint", "list", "--json")[1]) == []


def test_an_unknown_tenant_and_an_odd_name(run: Run, house: Path) -> None:
    assert run("endpoint", "list", "--tenant", "nobody")[0] == 3
    assert run("endpoint", "register", "../x", "--schema", str(house))[1].startswith("registered_invalid")


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_schema_is_made_of_training_rows(run: Run, tmp_path: Path, kind: str) -> None:
    rows: list[dict[str, Any]] = [
        {"amount": 1.5 + n, "hour": n % 24, "channel": "app" if n % 2 else "web", "label": n % 2 == 0}
        for n in range(60)
    ]
    path = tmp_path / f"train.{kind}"
    if kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    elif kind == "csv":
        lines = [",".join(json.dumps(value).strip('"') for value in row.values()) for row in rows]
        path.write_text("\n".join([",".join(rows[0]), *lines]))
    else:
        pa = pytest.importorskip("pyarrow")
        pa.parquet = pytest.importorskip("pyarrow.parquet")
        pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    code, text = run("endpoint", "schema", str(path), "--drop", "label")
    assert code == 0, text
    told = json.loads(text)
    assert [(one["name"], one["type"]) for one in told["columns"]] == [
        ("amount", "number"),
        ("hour", "integer"),
        ("channel", "category"),
    ]
    assert told["columns"][0]["max"] == 60.5
    assert told["near"] > 0
