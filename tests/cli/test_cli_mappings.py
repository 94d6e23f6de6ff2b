"""Any log from the command line: check a mapping, import with it, train and score with it, and find it in the card."""

import gzip
import io
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.signals import eventfile

Run = Callable[..., tuple[int, str, str]]
HOUR = 3_600
pytestmark = pytest.mark.usefixtures("few_rounds")

MAPPING = """mapping: doors
describe: who opened which door
read: {as: csv, delimiter: ";"}
skip:
  - {column: kind, is: test, because: a test of the lock}
event:
  event_id: {column: id, required: true}
  time: {column: at, format: unix_s}
  subject_id: badge
  action: {constant: open}
  action_class: {constant: read}
  resource_type: {constant: door}
  resource_id: "{house}/{door}"
  session_id: visit
"""


def log(days: int = 40) -> bytes:
    rows = ["id;at;badge;house;door;kind;visit"]
    for day in range(days):
        for person in range(12):
            for step in range(2):
                at = 1_500_000_000 + day * 24 * HOUR + (8 + person % 4) * HOUR + 60 * step
                rows.append(f"e{day}-{person}-{step};{at};b{person};h{person % 4};d{step};;v{day}-{person}")
    rows.sort(key=lambda row: row.split(";")[1] if row[0] == "e" else "")
    rows[3:3] = ["t1;1500000000;b1;h1;d1;test;", "broken", "x;never;b1;h1;d1;;"]
    return "\n".join(rows).encode()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "doors.yaml").write_text(MAPPING)
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(log()))
    return tmp_path


@pytest.fixture
def run(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(files / "data"))

    def call(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()([str(word) for word in words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
            print(f"{fault.code}: {fault.message}", file=sys.stderr)  # noqa: T201 - as main() does
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_the_list_of_mappings(run: Run) -> None:
    code, out, _ = run("events", "mappings", "--json")
    rows = {each["mapping"]: each for each in json.loads(out)}
    assert code == 0
    assert {"aws_s3_access", "csv_basic", "devaccess", "nginx_json", "postgres_csvlog", "vault_audit"} <= set(rows)
    assert rows["devaccess"]["reads"] == "csv"
    assert all(each["digest"].startswith("sha256:") for each in rows.values())
    assert run("events", "mappings")[0] == 0


def test_a_sound_mapping_and_what_it_makes_of_a_sample(run: Run, files: Path) -> None:
    words = ("events", "mapping", "check", files / "doors.yaml", "--sample", files / "log.csv.gz")
    code, out, _ = run(*words, "--show", "2", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["digest"] == "sha256:" + sha256(MAPPING.encode()).hexdigest()
    assert (told["name"], told["reads"], told["faults"]) == ("doors", "csv", [])
    assert told["columns"] == ["kind", "at", "id", "badge", "house", "door", "visit"]
    assert [each["resource_id"] for each in told["events"]] == ["h0/d0", "h0/d0"]
    assert told["counts"]["codes"] == {"row_skipped": 1, "record_malformed": 1, "time_malformed": 1}
    assert told["counts"]["read"] == told["counts"]["accepted"] + told["counts"]["rejected"] == 963
    assert [each["line"] for each in told["rejections"]] == [4, 5]
    assert told["never_told"] == []
    code, out, err = run(*words)
    assert code == 0
    assert "963 read = 960 accepted + 3 rejected" in out
    assert "line 4: row_skipped: a test of the lock (line 5 of the mapping)" in err


def test_faults_of_a_mapping_are_told_with_their_lines(run: Run, files: Path) -> None:
    bad = files / "bad.yaml"
    bad.write_text(MAPPING.replace("subject_id", "subject").replace("is: test", "iss: test"))
    code, out, _ = run("events", "mapping", "check", bad, "--json")
    faults = [(each["line"], each["code"]) for each in json.loads(out)["faults"]]
    assert code == 1
    assert faults == [(5, "mapping_key"), (7, "mapping_missing"), (9, "mapping_field")]
    code, _, err = run("events", "mapping", "check", bad)
    assert code == 1
    assert f"{bad}:9: mapping_field: `subject` is no field of an event: did you mean `subject_id`?" in err
    assert run("events", "import", "--mapping", bad, files / "log.csv.gz")[0] == 1
    assert run("events", "mapping", "check", files / "nowhere.yaml")[0] == 1


def test_a_mapping_that_does_not_fit_its_sample_is_told(run: Run, files: Path) -> None:
    code, out, _ = run("events", "mapping", "check", "devaccess", "--sample", files / "log.csv.gz", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["faults"] == []
    assert told["counts"]["accepted"] == 0


def test_fields_that_a_sample_never_tells_are_named(run: Run, files: Path) -> None:
    more = files / "more.yaml"
    more.write_text(MAPPING + "  ip: addres\n  token.age_s: tokn\n  detail: kind\n")
    code, out, _ = run("events", "mapping", "check", more, "--sample", files / "log.csv.gz")
    assert code == 0
    assert "never told in this sample: ip, token.age_s, detail" in out


def test_import_by_a_mapping(run: Run, files: Path) -> None:
    target = files / "out.jsonl"
    words = ("events", "import", "--mapping", files / "doors.yaml", files / "log.csv.gz", "--out", target, "--json")
    code, out, err = run(*words)
    summary = json.loads(out)
    assert code == 0
    assert (summary["read"], summary["accepted"], summary["rejected"]) == (963, 960, 3)
    assert (summary["format"], summary["mapping"][:7]) == ("doors", "sha256:")
    assert summary["files"][0]["sha256"] == sha256((files / "log.csv.gz").read_bytes()).hexdigest()
    assert "log.csv.gz:5: record_malformed" in err.replace("\n", "")
    assert {event.source for event in eventfile.read(target)} == {"doors"}


@pytest.mark.parametrize("options", [(), ("--format", "devaccess", "--mapping", "devaccess")])
def test_import_wants_a_format_or_a_mapping(run: Run, files: Path, options: tuple[str, ...]) -> None:
    code, _, err = run("events", "import", *options, files / "log.csv.gz", "--dry-run")
    assert code == 1
    assert "option_invalid" in err


def test_the_same_file_is_not_imported_twice_by_a_mapping(run: Run, files: Path) -> None:
    words = ("events", "import", "--mapping", files / "doors.yaml", files / "log.csv.gz", "--json")
    assert json.loads(run(*words)[1])["accepted"] == 960
    assert json.loads(run(*words)[1])["read"] == 0


def test_a_wrong_option_is_no_file(run: Run, files: Path) -> None:
    words = ("events", "import", "--mapping", "devaccess", "--out", files / "x", "--bogus", files / "log.csv.gz")
    assert run(*words)[0] == 2
    assert not (files / "x").exists()


def test_import_reads_standard_input(run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log())))
    code, out, _ = run("events", "import", "--mapping", files / "doors.yaml", "-", "--dry-run", "--json")
    assert (code, json.loads(out)["accepted"]) == (0, 960)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log())))
    code, out, _ = run("events", "mapping", "check", files / "doors.yaml", "--sample", "-", "--json")
    assert (code, json.loads(out)["counts"]["accepted"]) == (0, 960)


@pytest.fixture
def model(run: Run, files: Path) -> tuple[Path, dict[str, Any]]:
    words = ("--events", files / "log.csv.gz", "--mapping", files / "doors.yaml", "--rounds", "2", "--json")
    code, out, err = run("risk", "train", *words, "--out", files / "model")
    assert code == 0, err
    return files / "model", json.loads(out)["card"]


def test_the_card_names_file_and_mapping_and_a_stream_is_scored(
    run: Run, files: Path, model: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, card = model
    (source,) = card["sources"]
    assert source["origin"] == "operator-supplied file"
    assert source["sha256"] == sha256((files / "log.csv.gz").read_bytes()).hexdigest()
    assert (source["mapping"], source["events"], source["rejected"]) == ("doors", 960, 3)
    assert source["mapping_digest"] == "sha256:" + sha256(MAPPING.encode()).hexdigest()
    assert f"read as doors {source['mapping_digest']}" in (folder / "card.md").read_text()
    words = ("risk", "score", "--model", folder, "--mapping", files / "doors.yaml", "--jsonl", "--events")
    code, from_file, _ = run(*words, files / "log.csv.gz")
    assert code == 0
    ids = [json.loads(line)["event_id"] for line in from_file.splitlines()]
    assert len(ids) == 960
    assert ids == sorted(ids, key=ids.index)
    assert ids[0] == "e0-0-0"
    for data in ((files / "log.csv.gz").read_bytes(), log()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code, from_stdin, err = run(*words, "-")
        assert (code, from_stdin) == (0, from_file)
        assert "-:5: record_malformed" in err


def test_a_faulty_mapping_scores_nothing(run: Run, files: Path) -> None:
    bad = files / "bad.yaml"
    bad.write_text(MAPPING.replace("event:", "events:"))
    words = ("--mapping", bad, "--events", files / "log.csv.gz")
    code, out, err = run("risk", "train", *words, "--out", files / "m")
    assert (code, out) == (1, "")
    assert f"mapping_key: {bad}:6: `events` is no key of a mapping: did you mean `event`?" in err
    assert not (files / "m").exists()
