"""authenticator list, invite, remove, recover, approve as an administrator types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.cli.app import build_app
from ostiary.cli.places import open_data
from ostiary.errors import OstiaryError
from ostiary.identity.webauthn.types import Authenticator

Run = Callable[..., tuple[int, str]]
PASSKEY = Authenticator(
    tenant="default",
    subject="user:ann",
    credential_id="AQID",
    public_key=b"cose",
    user_handle=b"handle",
    sign_count=3,
    name="blue key",
    attestation="packed",
    created_ns=1_700_000_000_000_000_000,
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(["authenticator", *words], result_action="return_value", exit_on_error=False)
            code = 0
        except OstiaryError as error:
            return error.exit_code, error.code
        return code, capsys.readouterr().out

    return call


@pytest.fixture
def with_passkey(data: Path) -> None:
    with open_data(data) as house:
        house.store.authenticators.add(PASSKEY, most=9, first=True)


def key_file(data: Path, tenant: str = "default") -> str:
    with open_data(data) as house:
        key = house.admins.create(tenant)
    path = data.parent / f"{tenant}.key"
    path.write_text(key + "\n")
    return str(path)


def test_an_invitation_is_printed_once(run: Run) -> None:
    code, text = run("invite", "user:ann", "--json")
    assert code == 0
    made = json.loads(text)
    assert made["subject"] == "user:ann"
    assert made["url"].startswith("http://localhost:8181/enrol/")
    code, text = run("invite", "user:ann")
    assert "http://localhost:8181/enrol/" in text
    assert made["url"] not in text


def test_passkeys_are_listed_for_people_and_machines(run: Run, with_passkey: None) -> None:
    code, text = run("list", "user:ann", "--json")
    (one,) = json.loads(text)
    assert (code, one["id"], one["name"], one["used_ns"]) == (0, "AQID", "blue key", 0)
    assert "public_key" not in one
    code, text = run("list", "user:ann")
    assert "blue key" in text
    assert "2023-11-14" in text
    assert json.loads(run("list", "user:bob", "--json")[1]) == []


def test_a_removed_passkey_is_gone(run: Run, with_passkey: None) -> None:
    assert run("remove", "user:bob", "AQID") == (3, "authenticator_unknown")
    assert run("remove", "user:ann", "AQID", "--json") == (0, '{\n  "removed": "AQID"\n}\n')
    assert run("remove", "user:ann", "AQID") == (3, "authenticator_unknown")


def test_beginning_anew_takes_somebody_else(run: Run, data: Path, with_passkey: None) -> None:
    assert run("recover", "user:bob") == (3, "authenticator_none")
    code, text = run("recover", "user:ann", "--reason", "lost her bag", "--json")
    assert code == 0
    name = json.loads(text)["id"]
    waiting = json.loads(run("list", "--json")[1])
    assert [(one["id"], one["requested_by"], one["reason"]) for one in waiting] == [
        (name, "command line", "lost her bag")
    ]
    assert run("approve", name) == (3, "recovery_same_administrator")
    code, text = run("approve", name, "--key-file", key_file(data), "--json")
    assert code == 0
    done = json.loads(text)
    assert (done["removed"], done["subject"]) == (1, "user:ann")
    assert json.loads(run("list", "user:ann", "--json")[1]) == []
    assert run("approve", name, "--key-file", key_file(data)) == (3, "recovery_unknown")


def test_a_key_acts_for_its_own_tenant_only(run: Run, data: Path, with_passkey: None) -> None:
    with open_data(data) as house:
        house.tenants.create("beta")
    assert run("recover", "user:ann", "--key-file", key_file(data, "beta")) == (3, "tenant_unknown")
    (data.parent / "wrong.key").write_text("adm_00.nothing")
    wrong = str(data.parent / "wrong.key")
    assert run("recover", "user:ann", "--key-file", wrong) == (3, "admin_unauthenticated")
    assert run("recover", "user:ann", "--key-file", str(data)) == (1, "key_file_unreadable")


@pytest.mark.parametrize("words", [("list", "ann"), ("invite", "ann"), ("recover", ":")])
def test_a_subject_is_type_and_id(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words) == (1, "subject_invalid")


def test_an_unknown_tenant_is_said_so(run: Run) -> None:
    assert run("list", "user:ann", "--tenant", "nobody") == (3, "tenant_unknown")
