"""``ostiary token`` against a running server and its data directory."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.cli.verbs.keys import command as keys
from ostiary.cli.verbs.token import command
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.exchange.proving import thumbprint_of
from ostiary.identity.strict import b64url_decode
from ostiary.keys import SigningKey
from ostiary.pipeline.registered import Registered
from ostiary.testing.exchange_scene import GITHUB, PEOPLE, sections

ASKED = ("--id", "sales", "--action", "dataset.read", "--purpose", "training")


@pytest.fixture(scope="module")
def server(start_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = sections(tmp_path_factory.mktemp("keys"), server={"public_url": f"http://127.0.0.1:{port}"})
    started = start_server(on_port=port, **{**given, "tokens": {"lifetime_s": 300}})
    started.house.registry.put("default", Registered(type="dataset", id="sales"), 1)
    return started


@pytest.fixture
def run(server: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*words: str, code: int = 0, as_json: bool = True) -> Any:
        if words[0] in {"mint", "inspect", "revoke"}:
            words = (*words, "--data", str(server.house.places.root), "--config", str(config))
        capsys.readouterr()
        given = [*words, *(["--json"] if as_json else [])]
        if code:
            with pytest.raises(SystemExit) as ended:
                command(given, exit_on_error=False, print_error=False, result_action="return_value")
            assert ended.value.code == code
        else:
            command(given, exit_on_error=False, print_error=False, result_action="return_value")
        wrote = capsys.readouterr().out
        return json.loads(wrote) if as_json and wrote else wrote

    config = server.house.places.root / "test.toml"
    config.write_text(f'[server]\npublic_url = "{server.url}"\n')
    return ask


def exchanged(run: Any, server: Any, tmp_path: Path, *more: str, jti: str) -> dict[str, Any]:
    job = tmp_path / "job"
    job.write_text(GITHUB.token(time.time_ns(), jti=jti))  # noqa: TID251 - the server's own clock judges it
    words = ("exchange", "--url", server.url, "--token-file", str(job), "--key", str(tmp_path / "key.pem"))
    told: dict[str, Any] = run(*words, *(more or ASKED))
    return told


def test_a_job_exchanges_looks_and_gives_back(run: Any, server: Any, tmp_path: Path) -> None:
    told = exchanged(run, server, tmp_path, *ASKED, "--to", str(tmp_path / "token"), jti="cli-1")
    assert "access_token" not in told
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    seen = run("inspect", "--token-file", str(tmp_path / "token"))
    assert (seen["active"], seen["sub"], seen["restrictions"][0]) == (
        True,
        GITHUB.subject,
        ["resource", "dataset", "sales"],
    )
    words = run("inspect", "--token-file", str(tmp_path / "token"), as_json=False)
    assert "dataset sales" in words
    taken = run("revoke", seen["jti"])
    assert (taken["changed"], run("revoke", "--token-file", str(tmp_path / "token"))["changed"]) == (True, False)
    server.house.ledger.reload()
    assert run("inspect", "--token-file", str(tmp_path / "token"), code=3) == {"active": False}
    kinds = [one.kind for one in server.house.log.iterate("default")][-4:]
    assert kinds == ["admin", "token", "admin", "token"]


def test_the_proof_is_two_headers(run: Any, server: Any, tmp_path: Path) -> None:
    exchanged(run, server, tmp_path, *ASKED, "--to", str(tmp_path / "token"), jti="cli-2")
    words = ("proof", "GET", "https://x.example/a", "--key", str(tmp_path / "key.pem"))
    lines = run(*words, "--token-file", str(tmp_path / "token"), as_json=False).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Authorization", "DPoP"]
    claims = json.loads(b64url_decode(lines[1].partition(" ")[2].split(".")[1].encode()) or b"")
    assert (claims["htm"], claims["htu"]) == ("GET", "https://x.example/a")
    assert "ath" in claims


def test_a_refusal_has_its_reason(run: Any, server: Any, tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as denied:
        exchanged(run, server, tmp_path, "--id", "payroll", "--action", "dataset.read", jti="cli-3")
    assert denied.value.code == "access_denied"
    assert "ostiary why dec_" in denied.value.message
    with pytest.raises(FaultyInputError) as faulty:
        exchanged(run, server, tmp_path, *ASKED, "--prefix", "../x", jti="cli-4")
    assert faulty.value.code == "authorization_details_invalid"
    exchanged(run, server, tmp_path, *ASKED, jti="cli-5")
    with pytest.raises(RefusedError) as replayed:
        exchanged(run, server, tmp_path, *ASKED, jti="cli-5")
    assert replayed.value.code == "workload_replayed"
    with pytest.raises(UnavailableError):
        run("exchange", "--url", "http://127.0.0.1:9", "--token-file", str(tmp_path / "job"), "--key",
            str(tmp_path / "key.pem"), *ASKED)  # fmt: skip
    with pytest.raises(FaultyInputError):
        run("exchange", "--url", "http://pdp.example", "--token-file", str(tmp_path / "job"), "--key",
            str(tmp_path / "key.pem"), *ASKED)  # fmt: skip


def test_an_administrator_makes_one_by_hand_and_it_is_recorded(run: Any, server: Any, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    told = run("mint", *ASKED, "--subject", "service:etl", "--key", str(key), "--reason", "backfill")
    claims = json.loads(b64url_decode(told["access_token"].split(".")[1].encode()) or b"")
    assert claims["cnf"] == {"jkt": thumbprint_of(SigningKey.from_pem("k", key.read_bytes()))}
    assert (claims["sub_type"], claims["sub"], claims["origin"]["sub"]) == ("service", "etl", "command line")
    admin, token = [json.loads(one.payload or b"") for one in server.house.log.iterate("default")][-2:]
    assert (admin["action"], admin["reason"], admin["token_id"]) == ("token.mint", "backfill", claims["jti"])
    assert (token["action"], token["deed"]) == ("minted", told["record_id"])
    told = httpx.post(
        f"{server.url}/oauth/default/introspect",
        data={"token": told["access_token"]},
        headers={"Authorization": f"Bearer {server.pep_key}"},
    ).json()
    assert told["active"] is True


def test_a_token_is_never_made_unbound_or_for_long(run: Any, server: Any) -> None:
    before = sum(1 for _ in server.house.log.iterate("default"))
    for words, code in (
        ((), "token_unbound"),
        (("--jkt", "short"), "token_unbound"),
        (("--certificate", "00" * 32, "--lifetime-s", "301"), "token_lifetime_invalid"),
        (("--certificate", "00" * 32, "--lifetime-s", "0"), "token_lifetime_invalid"),
        (("--certificate", "00" * 32, "--subject", "nobody"), "subject_invalid"),
        (("--certificate", "00" * 32, "--tenant", "nobody"), "tenant_unknown"),
    ):
        with pytest.raises((FaultyInputError, RefusedError)) as refused:
            run("mint", *ASKED, *(() if "--subject" in words else ("--subject", "service:etl")), *words)
        assert refused.value.code == code
    assert sum(1 for _ in server.house.log.iterate("default")) == before
    assert run("mint", *ASKED, "--subject", "service:etl", "--certificate", "00" * 32)["token_id"]


def test_what_is_no_token_of_ours_is_none(run: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(PEOPLE.token(time.time_ns()))  # noqa: TID251 - as above
    assert run("inspect", "--token-file", str(other), code=3) == {"active": False}
    for words, code in (
        (("--token-file", str(other)), "token_unknown"),
        (("0" * 32,), "token_unknown"),
        ((), "token_unnamed"),
    ):
        with pytest.raises((FaultyInputError, RefusedError)) as refused:
            run("revoke", *words)
        assert refused.value.code == code


def test_a_key_that_others_can_read_is_not_used(run: Any, server: Any, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(SigningKey.generate("k", "ES256").private_pem())
    key.chmod(0o644)
    with pytest.raises(RefusedError) as refused:
        exchanged(run, server, tmp_path, jti="cli-6")
    assert refused.value.code == "key_permissions"


def test_keys_are_rotated_without_saying_of_which_algorithm(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ring = server.house.ring
    before = ring.active("default", "access-token", "ES256").kid
    words = ["rotate", "access-token", "--data", str(server.house.places.root), "--json"]
    keys(words, exit_on_error=False, print_error=False, result_action="return_value")
    made = json.loads(capsys.readouterr().out)["kid"]
    assert ring.active("default", "access-token", "ES256").kid == made != before
    told = httpx.get(f"{server.url}/oauth/default/jwks").json()["keys"]
    assert [key["kid"] for key in told][:2] == [made, before]
