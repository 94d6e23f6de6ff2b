"""``ostiary device`` against a running server: the agent on one side, administrators on the other."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.device import agent
from ostiary.cli.verbs.device import command
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.attestation import Evidence
from ostiary.keys import SigningKey
from ostiary.testing.tpm import SoftTpm

URL = "https://pdp.example"
PROGRAM = [sys.executable, "-c", "from ostiary.cli import main; main()"]


@pytest.fixture(scope="module")
def fleet_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, key = tmp_path_factory.mktemp("mdm"), SigningKey.generate("mdm")
    (folder / "key.pem").write_bytes(key.private_pem())
    (folder / "public.pem").write_bytes(key.public.pem())
    return folder / "key.pem", folder / "public.pem"


@pytest.fixture(scope="module")
def server(start_server, fleet_key):
    producers = [{"name": "fleet", "key_path": str(fleet_key[1])}]
    return start_server(server={"public_url": URL}, devices={"interval_s": 0, "producers": producers})


@pytest.fixture
def ask(server, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    def run(*words: str, admin: bool = False) -> Any:
        more = ["--data", str(server.house.places.root)] if admin else []
        if (not admin and words[0] != "report") or (not admin and "--url" not in words):
            more = ["--state", str(tmp_path / "agent")]
        capsys.readouterr()
        command([*words, *more, "--json"], exit_on_error=False, print_error=False, result_action="return_value")
        wrote = capsys.readouterr().out
        return json.loads(wrote) if wrote else None

    return run


@pytest.fixture
def tpm(monkeypatch: pytest.MonkeyPatch) -> SoftTpm:
    soft = SoftTpm.make()

    class Opened:
        public = soft.public

        def quote(self, extra: bytes, registers: dict[str, list[int]]) -> Evidence:
            assert list(registers) == ["sha256"]
            return soft.quote(extra, registers["sha256"])

    @contextmanager
    def opened(tcti: str) -> Iterator[Opened]:
        yield Opened()

    monkeypatch.setattr(agent, "open_tpm", opened)
    return soft


def enrol(ask: Any, server: Any, *more: str) -> Any:
    code = ask("invite", "user:alice", "--kind", "laptop", admin=True)["code"]
    return ask("enrol", code, "--url", server.url, "--audience", URL, *more)


def test_a_device_enrols_reports_and_attests(ask, server, tpm) -> None:
    made = enrol(ask, server, "--tpm", "--name", "alice's laptop")
    assert (made["kind"], made["attestation_key"]) == ("laptop", "first_use")
    assert ask("report")["standing"] in {"compliant", "not_compliant"}
    assert ask("report")["trust"] == "attested"
    assert ask("attest")["device_id"] == made["device_id"]
    (row,) = [one for one in ask("list", admin=True) if one["device"] == made["device_id"]]
    assert (row["name"], row["owners"], row["trust"]) == ("alice's laptop", "user:alice", "attested")
    shown = ask("show", made["device_id"], admin=True)
    assert shown["attestation_key_name"] == tpm.name.hex()
    assert set(shown["registers"]) == {"0", "2", "4", "7"}
    assert "itself" in shown["reports"]


def test_the_tpm_is_shown_and_its_key_named_beforehand(ask, server, tpm) -> None:
    shown = ask("attest", "--dry-run")
    assert shown["attestation_key_name"] == tpm.name.hex()
    assert list(shown["registers"]) == ["sha256:0", "sha256:2", "sha256:4", "sha256:7"]
    code = ask("invite", "--attestation-key", shown["attestation_key_name"], admin=True)["code"]
    assert ask("enrol", code, "--url", server.url, "--audience", URL, "--tpm")["attestation_key"] == "named"


def test_a_device_is_shut_out_released_and_forgotten(ask, server) -> None:
    device = enrol(ask, server)["device_id"]
    ask("report")
    assert ask("quarantine", device, "--reason", "stolen", admin=True)["standing"] == "quarantined"
    assert ask("report")["why"] == ["stolen"]
    assert ask("release", device, admin=True)["standing"] != "quarantined"
    assert ask("remove", device, admin=True) == {"removed": device}
    with pytest.raises(RefusedError) as caught:
        ask("report")
    assert caught.value.code == "device_unauthenticated"
    with pytest.raises(RefusedError) as unknown:
        ask("show", device, admin=True)
    assert unknown.value.code == "device_unknown"


def test_a_code_is_used_once_and_its_refusal_is_a_refusal(ask, server, tmp_path: Path) -> None:
    code = ask("invite", admin=True)["code"]
    ask("enrol", code, "--url", server.url, "--audience", URL)
    words = ["device", "enrol", code, "--url", server.url, "--audience", URL, "--state", str(tmp_path / "other")]
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "device_code_invalid" in done.stderr
    assert code not in done.stderr


def test_a_code_is_read_from_stdin(ask, server, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it stands in no list of processes and in no history."""
    monkeypatch.setattr("sys.stdin", io.StringIO(ask("invite", admin=True)["code"] + "\n"))
    assert ask("enrol", "-", "--url", server.url, "--audience", URL)["standing"] == "unjudged"


def test_a_message_is_for_the_address_that_the_device_was_given(ask, server) -> None:
    """A server that passes messages on to another gains nothing: they name whom they are for."""
    code = ask("invite", admin=True)["code"]
    with pytest.raises(RefusedError) as caught:
        ask("enrol", code, "--url", server.url)
    assert caught.value.code == "device_audience_wrong"


def test_a_manager_reports_for_a_device(ask, server, fleet_key, tmp_path: Path) -> None:
    device = enrol(ask, server)["device_id"]
    rows, host = tmp_path / "rows.jsonl", tmp_path / "host.json"
    rows.write_text('{"name": "alf", "columns": {"global_state": "0"}}\n')
    host.write_text(json.dumps({"host": {"disk_encryption_enabled": False}}))
    words = ["--device", device, "--producer", "fleet", "--key", str(fleet_key[0]), "--url", server.url]
    words += ["--audience", URL]
    assert "firewall_failed" in ask("report", "--osquery", str(rows), *words)["why"]
    assert "disk_encrypted_failed" in ask("report", "--fleet", str(host), *words)["why"]
    words[3] = "jamf"
    with pytest.raises(RefusedError) as caught:
        ask("report", "--osquery", str(rows), *words)
    assert caught.value.code == "device_unauthenticated"


def test_a_dry_run_sends_nothing(ask, tmp_path: Path) -> None:
    told = ask("report", "--dry-run")
    assert set(told) == {"posture", "untold", "os"}
    host = tmp_path / "host.json"
    host.write_text('{"host": {"disk_encryption_enabled": true}}')
    assert ask("report", "--fleet", str(host), "--dry-run")["posture"] == {"disk_encrypted": True}
    host.write_text("no json")
    for words in (["--fleet", str(host)], ["--fleet", str(host), "--osquery", str(host)], ["--fleet", "/nowhere"]):
        with pytest.raises(FaultyInputError):
            ask("report", "--dry-run", *words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["quarantine", "dev_1", "--reason", "No Reason"], "usage"),
        (["invite", "alice"], "device_invitation_invalid"),
        (["invite", "--attestation-key", "xyz"], "usage"),
        (["invite", "--kind", "A B"], "device_invitation_invalid"),
        (["show", "dev_1", "--tenant", "nowhere"], "tenant_unknown"),
        (["quarantine", "dev_1"], "device_unknown"),
        (["release", "dev_1"], "device_unknown"),
        (["remove", "dev_1"], "device_unknown"),
    ],
)
def test_administrators_are_told_what_is_wrong(ask, words: list[str], code: str) -> None:
    with pytest.raises(OstiaryError) as caught:
        ask(*words, admin=True)
    assert caught.value.code == code


def test_a_server_that_is_away_or_another_is_unavailable(ask, server) -> None:
    for url in ("http://127.0.0.1:9", f"{server.url}/nothing/here"):
        with pytest.raises(OstiaryError) as caught:
            ask("enrol", "acme.code", "--url", url)
        assert isinstance(caught.value, UnavailableError | RefusedError)


def test_a_machine_without_the_extra_is_told_how_to_get_it(ask, server) -> None:
    try:
        import tpm2_pytss  # noqa: F401, PLC0415
    except ImportError:
        with pytest.raises(UnavailableError) as caught:
            enrol(ask, server, "--tpm")
        assert caught.value.code == "tpm_extra_missing"
        assert "ostiary[tpm]" in str(caught.value)
    else:
        pytest.skip("tpm2-pytss is installed here")
