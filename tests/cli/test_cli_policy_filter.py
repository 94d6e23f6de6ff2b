"""``ostiary policy filter``: a bundle's filter for one asker, as UCAST and as SQL."""

import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.shipped import policies_dir
from ostiary.cli.policy_filter import command
from ostiary.errors import FaultyInputError, RefusedError

POLICIES = policies_dir()
ASKER: dict[str, Any] = {"subject": {"known": True, "attributes": {"clearance": 2}}}


@pytest.fixture
def asker(tmp_path: Path) -> Path:
    file = tmp_path / "asker.json"
    file.write_text(json.dumps(ASKER))
    return file


def test_ucast_is_what_opa_left(asker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(POLICIES, "rag", input=asker)
    told = json.loads(capsys.readouterr().out)
    assert told["value"][0] == {"field": "document.confidentiality", "operator": "lte", "type": "field", "value": 2}


def test_sql_has_its_values_beside_it(asker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(POLICIES, "rag", input=asker, target="sql", dialect="sqlite", json=True)
    assert json.loads(capsys.readouterr().out) == {
        "sql": '("confidentiality" <= ?1) AND (NOT ("verdict" IN (?2)))',
        "values": [2, "block"],
    }


def test_a_filter_that_is_not_there_is_said_to_be_so(asker: Path) -> None:
    with pytest.raises(FaultyInputError) as no:
        command(POLICIES, "ra", input=asker)
    assert (no.value.code, no.value.exit_code) == ("filter_unknown", 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "filter_input_malformed"),
        ('{"a":1,"a":2}', "filter_input_malformed"),
        (" " * 200_000, "filter_input_too_large"),
    ],
)
def test_input_is_one_small_object(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "asker.json"
    file.write_text(text)
    with pytest.raises(FaultyInputError) as no:
        command(POLICIES, "rag", input=file)
    assert no.value.code == code


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("input.document.name == input.document.owner", "filter_not_understood"),
        ('http.send({"url": input.document.name})', "builtin_banned"),
    ],
)
def test_what_is_no_condition_is_refused(tmp_path: Path, asker: Path, rule: str, code: str) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "f.rego").write_text(f"package ostiary.filters.rag\n\ninclude if {rule}\n")
    (bundle / "g.rego").write_text('package ostiary.guardrails\n\ndecision := {"allow": []}\n')
    (bundle / "a.rego").write_text("package ostiary.adaptive\n\ndecision := {}\n")
    with pytest.raises(RefusedError) as no:
        command(bundle, "rag", input=asker, target="sql")
    assert (no.value.code, no.value.exit_code) == (code, 3)
