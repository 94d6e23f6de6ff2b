"""``ostiary inspect response``: the contract, row by row."""

import json
import subprocess
import sys
from typing import Any

import pytest

ROWS: list[dict[str, Any]] = [
    {"id": "card", "text": "card 4111 1111 1111 1111 ok"},
    {"id": "cut", "chunks": ["card 4111 11", "11 1111 11", "11 ok"], "tenant": "default", "subject": "ada"},
    {"id": "canary", "text": "it is q7x9 kk21 zz, yes", "canaries": ["Q7X9-KK21-ZZ"]},
    {
        "id": "foreign",
        "chunks": ["the quick brown fox jumps", " over the lazy dog and runs"],
        "documents": [{"text": "The quick brown fox jumps over the lazy dog and runs.", "cleared": False}],
    },
    {
        "id": "own",
        "text": "the quick brown fox jumps over the lazy dog and runs",
        "documents": [{"text": "The quick brown fox jumps over the lazy dog and runs.", "cleared": True}],
    },
    {"id": 7, "text": "nothing"},
]
BAD: list[dict[str, Any]] = [
    {"id": "none"},
    {"id": "both", "text": "a", "chunks": ["a"]},
    {"id": "type", "text": 3},
    {"id": "pieces", "chunks": ["a", 3]},
    {"id": "canaries", "text": "a", "canaries": "x"},
    {"id": "short", "text": "a", "canaries": ["x"]},
    {"id": "documents", "text": "a", "documents": [{"cleared": True}]},
    {"id": "flag", "text": "a", "documents": [{"text": "b", "cleared": "no"}]},
    {"id": "tenant", "text": "a", "tenant": "../x"},
]


def run(rows, *options):
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    command = [sys.executable, "-m", "ostiary.cli", "inspect", "response", "--jsonl", *options]
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_row_is_answered_in_order_with_what_the_contract_names():
    answers = run(ROWS)
    assert [answer["id"] for answer in answers] == [row["id"] for row in ROWS]
    assert all(set(answer) == {"id", "released", "verdict", "findings"} for answer in answers)
    assert [answer["verdict"] for answer in answers] == ["redact", "redact", "block", "block", "pass", "pass"]
    assert answers[0]["released"] == answers[1]["released"] == "card [REDACTED:pii.card] ok"
    assert answers[2]["released"] == "it is [REDACTED:canary.prompt]"
    assert answers[3]["released"] == "[REDACTED:document.verbatim]"
    assert answers[4]["released"] == ROWS[4]["text"]
    assert [finding["rule"] for finding in answers[4]["findings"]] == ["document.cited"]


def test_with_chunks_released_is_a_piece_for_each_chunk_and_joined_the_same():
    whole, cut = run(ROWS), run(ROWS, "--chunks")
    for row, one, many in zip(ROWS, whole, cut, strict=True):
        assert len(many["released"]) == len(row.get("chunks", [1]))
        assert "".join(many["released"]) == one["released"]
        assert (many["verdict"], many["findings"]) == (one["verdict"], one["findings"])
    assert cut[1]["released"] == ["card ", "", "[REDACTED:pii.card] ok"]


def test_a_bad_row_is_answered_with_its_error_and_stops_nothing():
    answers = run([*BAD, {"id": "last", "text": "fine"}])
    assert all(set(answer) == {"id", "error"} for answer in answers[:-1])
    assert [answer["id"] for answer in answers] == [*(row["id"] for row in BAD), "last"]
    assert answers[-1]["released"] == "fine"


def test_policy_can_be_told_and_pseudonyms_need_somebody(tmp_path):
    row = {"id": 1, "text": "card 4111 1111 1111 1111"}
    options = ("--action", "pii.card=tokenise", "--data", str(tmp_path))
    (nobody,) = run([row], *options)
    assert nobody["error"].startswith("subject_missing")
    (first,), (second,) = (run([{**row, "subject": "ada"}], *options) for _ in range(2))
    assert first["released"].startswith("card [pii.card~")
    assert first["released"] == second["released"]
    (off,) = run([row], "--action", "pii=off", "--action", "pii.card=off")
    assert off["released"] == row["text"]


@pytest.mark.parametrize("option", ["pii", "pii=loud"])
def test_an_action_that_nobody_knows_is_refused(option):
    command = [sys.executable, "-m", "ostiary.cli", "inspect", "response", "--jsonl", "--action", option]
    done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert b"option_invalid" in done.stderr or b"RULE=ACTION" in done.stderr
