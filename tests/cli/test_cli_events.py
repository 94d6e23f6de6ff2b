"""``ostiary events`` as a user types it: counts add up, bad lines are named, nothing is written twice or by half."""

import gzip
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.signals import eventfile

Run = Callable[..., tuple[int, str, str]]

TRAIL = [
    {
        "eventTime": f"2024-05-0{day}T10:00:00Z",
        "eventID": f"e{day}",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "sourceIPAddress": "8.8.8.8",
        "userAgent": "aws-cli/2.15 Linux/5",
        "userIdentity": {"type": "IAMUser", "userName": "ann"},
        "requestParameters": {"bucketName": "reports", "key": "a.csv"},
    }
    for day in (3, 1, 2)
]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run one command in this process; return its exit code, stdout and stderr."""
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = 0
        try:
            build_app()([str(each) for each in arguments])
        except OstiaryError as fault:
            code = fault.exit_code
        except SystemExit as leave:
            code = int(leave.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    path = tmp_path / "trail.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"Records": [*TRAIL, {"eventTime": "never"}]}).encode()))
    return path


def test_import_adds_up_and_names_what_it_rejects(run: Run, trail: Path, tmp_path: Path) -> None:
    code, out, err = run("events", "import", "--format", "cloudtrail", trail, "--json")
    assert code == 0
    summary = json.loads(out)
    assert (summary["read"], summary["accepted"], summary["rejected"]) == (4, 3, 1)
    assert summary["codes"] == {"time_malformed": 1}
    assert f"{trail}:1: time_malformed" in err.replace("\n", "")
    stored = tmp_path / "data" / "events" / "default.jsonl"
    assert summary["out"] == str(stored)
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    events = list(eventfile.read(stored))
    assert [event.event_id for event in events] == ["e1", "e2", "e3"], "in the order of time"
    assert {(event.country, event.ua_family, str(event.action_class)) for event in events} == {
        ("US", "aws-cli", "read")
    }


def test_the_same_file_is_not_imported_twice(run: Run, trail: Path, tmp_path: Path) -> None:
    run("events", "import", "--format", "cloudtrail", trail)
    _, out, err = run("events", "import", "--format", "cloudtrail", trail, "--json")
    assert json.loads(out)["read"] == 0
    assert "already imported" in err
    assert len(list(eventfile.read(tmp_path / "data" / "events" / "default.jsonl"))) == 3


def test_later_imports_join_in_the_order_of_time(run: Run, tmp_path: Path) -> None:
    for number, record in enumerate(TRAIL):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(record))
        assert run("events", "import", "--format", "cloudtrail", path)[0] == 0
    events = list(eventfile.read(tmp_path / "data" / "events" / "default.jsonl"))
    assert [event.event_id for event in events] == ["e1", "e2", "e3"]


def test_out_is_read_back(run: Run, trail: Path, tmp_path: Path) -> None:
    target, again = tmp_path / "out.jsonl", tmp_path / "again.jsonl"
    assert run("events", "import", "--format", "cloudtrail", trail, "--out", target)[0] == 0
    assert not (tmp_path / "data").exists()
    assert run("events", "import", "--format", "ostiary", target, "--out", again, "--tenant", "default")[0] == 0
    assert target.read_bytes() == again.read_bytes()


def test_a_dry_run_writes_nothing(run: Run, trail: Path, tmp_path: Path) -> None:
    code, out, _ = run("events", "import", "--format", "cloudtrail", trail, "--dry-run")
    assert code == 0
    assert "4 read = 3 accepted + 1 rejected" in out
    assert not (tmp_path / "data").exists()


def test_limit(run: Run, trail: Path) -> None:
    _, out, _ = run("events", "import", "--format", "cloudtrail", trail, "--limit", "2", "--json")
    assert json.loads(out)["accepted"] == 2


def test_tenants_are_kept_apart(run: Run, trail: Path, tmp_path: Path) -> None:
    run("events", "import", "--format", "cloudtrail", trail, "--tenant", "acme")
    assert {event.tenant for event in eventfile.read(tmp_path / "data" / "events" / "acme.jsonl")} == {"acme"}
    assert not (tmp_path / "data" / "events" / "default.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--format", "nonsense", "x"), 1),
        (("--format", "cloudtrail", "--tenant", "../x", "x"), 1),
        (("--format", "cloudtrail"), 1),
        (("--format", "cloudtrail", "/does/not/exist"), 1),
        (("--format", "cloudtrail", "/does/not/exist", "--out", "never.jsonl"), 1),
    ],
)
def test_faults_leave_with_their_code(run: Run, arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    assert run("events", "import", *arguments)[0] == code
    assert not (tmp_path / "data" / "events" / "default.jsonl").exists()


def test_nothing_accepted_is_an_error(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}\n{}\n")
    code, out, _ = run("events", "import", "--format", "cloudtrail", path)
    assert code == 1
    assert "2 read = 0 accepted + 2 rejected" in out


def test_the_catalogue_of_the_tenant_is_used(run: Run, trail: Path, tmp_path: Path) -> None:
    place = tmp_path / "data" / "catalogue"
    place.mkdir(parents=True)
    (place / "default.yaml").write_text("resources: [{type: s3-object, id: 'reports/*', sensitivity: 3}]")
    run("events", "import", "--format", "cloudtrail", trail)
    events = eventfile.read(tmp_path / "data" / "events" / "default.jsonl")
    assert {event.sensitivity for event in events} == {3}


def test_formats(run: Run) -> None:
    _, out, _ = run("events", "formats", "--json")
    names = [each["format"] for each in json.loads(out)]
    assert {"cloudtrail", "devaccess", "kubernetes_audit", "ocsf", "ostiary"} <= set(names)
    assert names == sorted(names)
