"""signals streams, receivers and decode as a user types them."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.identity.secevent.types import uri_of
from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]
ISSUER, AUDIENCE = "https://idp.example", "https://us.example"
KEY = FakeKey.generate("k1")
CONFIG = """
[[ssf.receivers]]
name = "idp"
issuer = "{issuer}"
audience = "{audience}"
jwks_path = "{folder}/jwks.json"
push_authorization_file = "{folder}/secret"

[[ssf.receivers]]
name = "theirs"
tenant = "evil"
issuer = "{issuer}"
audience = "{audience}"
jwks_path = "{folder}/jwks.json"
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    (tmp_path / "jwks.json").write_text(FakeIssuer(keys=[KEY]).jwks().inline)
    (tmp_path / "secret").write_text("Bearer s3cret")
    with open_house(Places(home), load(None).settings, SystemClock(), lambda _reason, fault: None) as house:
        bootstrap(house)
        house.tenants.create("evil")
    (home / "ostiary.toml").write_text(CONFIG.format(issuer=ISSUER, audience=AUDIENCE, folder=tmp_path))
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(["signals", *words], result_action="return_value", exit_on_error=False)
        except OstiaryError as fault:
            return fault.exit_code, capsys.readouterr().out + f"{fault.code}: {fault.message}"
        return 0, capsys.readouterr().out

    return call


def found(run: Run, *words: str) -> Any:
    code, text = run(*words, "--json")
    assert code == 0, text
    return json.loads(text)


def owner(data: Path) -> str:
    return (data / "pep.key").read_text().partition(".")[0]


def test_a_stream_lives_from_create_to_delete(run: Run, data: Path, tmp_path: Path) -> None:
    made = found(run, "streams", "create", owner(data), "--description", "the mail server")
    assert (made["status"], made["waiting"], made["audience"]) == ("enabled", 0, [owner(data)])
    stream_id = made["stream_id"]
    assert [row["stream_id"] for row in found(run, "streams", "list")] == [stream_id]
    found(run, "streams", "verify", stream_id, "--state", "mine")
    assert found(run, "streams", "show", stream_id)["waiting"] == 1
    paused = found(run, "streams", "pause", stream_id, "--reason", "maintenance")
    assert (paused["status"], paused["reason"], paused["waiting"]) == ("paused", "maintenance", 2)
    assert found(run, "streams", "enable", stream_id)["status"] == "enabled"
    assert "the mail server" in run("streams", "show", stream_id)[1]
    assert stream_id[:12] in run("streams", "list")[1]
    assert found(run, "streams", "delete", stream_id) == {"deleted": stream_id}
    assert run("streams", "show", stream_id) == (3, "stream_unknown: there is no such stream")


def test_a_push_secret_is_read_from_a_file_and_never_shown(run: Run, data: Path, tmp_path: Path) -> None:
    words = ["--push", "https://93.184.216.34/x", "--authorization-file", str(tmp_path / "secret")]
    made = found(run, "streams", "create", owner(data), *words)
    assert made["endpoint_url"] == "https://93.184.216.34/x"
    for shown in (run("streams", "show", made["stream_id"])[1], json.dumps(made), run("streams", "list")[1]):
        assert "s3cret" not in shown
    assert run("streams", "create", owner(data), "--push", "http://10.0.0.1/")[0] == 1
    code, text = run("streams", "create", owner(data), *words[:3], str(tmp_path / "none"))
    assert (code, text.partition(":")[0]) == (1, "config_invalid")
    assert run("streams", "create", "nobody") == (3, "pep_unknown: there is no enforcement point `nobody`")


def test_another_tenants_stream_and_receiver_are_unknown(run: Run, data: Path) -> None:
    stream_id = found(run, "streams", "create", owner(data))["stream_id"]
    for words in (("streams", "show", stream_id), ("streams", "delete", stream_id), ("receivers", "show", "idp")):
        code, text = run(*words, "--tenant", "evil")
        assert code == 3
        assert "unknown: there is no such" in text
    assert run("streams", "list", "--tenant", "nobody")[1] == "tenant_unknown: there is no tenant `nobody`"


def test_receivers_are_shown_without_their_secrets(run: Run) -> None:
    (row,) = found(run, "receivers", "list")
    assert (row["name"], row["issuer"], row["push_authenticated"]) == ("idp", ISSUER, True)
    assert row["push_url"].endswith("/ssf/v1/events/idp")
    shown = run("receivers", "show", "idp")[1]
    assert ISSUER in shown
    assert "s3cret" not in shown
    assert "idp" in run("receivers", "list")[1]
    assert [one["name"] for one in found(run, "receivers", "list", "--tenant", "evil")] == ["theirs"]
    assert run("receivers", "poll", "idp") == (3, "receiver_not_polled: the transmitter of this receiver pushes")


def test_a_token_is_decoded_and_says_who_would_believe_it(run: Run, tmp_path: Path) -> None:
    claims = {
        "iss": ISSUER,
        "jti": "1",
        "iat": int(time.time()),  # noqa: TID251 - the command's clock is the machine's
        "aud": AUDIENCE,
        "sub_id": {"format": "email", "email": "a@b.example"},
        "events": {uri_of("session-revoked"): {}},
    }
    header = {"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}
    genuine, forged, rubbish = (tmp_path / name for name in ("genuine", "forged", "rubbish"))
    genuine.write_text(compact(header, claims, KEY.signer) + "\n")
    forged.write_text(compact(header, claims, FakeKey.generate("k1").signer))
    rubbish.write_text("no token")
    shown = found(run, "decode", str(genuine))
    assert (shown["verified"], shown["event"], shown["claims"]) == (True, "session-revoked", claims)
    assert "session-revoked" in run("decode", str(genuine))[1]
    code, text = run("decode", str(forged), "--json")
    assert code == 5
    assert '"idp": "set_signature_invalid"' in text
    assert run("decode", str(rubbish))[0] == 3
    assert run("decode", str(tmp_path / "none"))[0] == 1
