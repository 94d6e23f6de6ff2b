"""Everything that the doctor can say is said when it is so, in one sentence, with one thing that mends it."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.approvals.access import Grant
from ostiary.audit.tlog.notes import NoteKey
from ostiary.audit.witness.peers import add_peer, peer_of
from ostiary.cli.app import build_app
from ostiary.decision.suppressing import Suppression
from ostiary.keys import SigningKey
from ostiary.server.checkup import State, examine
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.places import Places
from ostiary.server.remarks import DAY_NS, Remark
from ostiary.server.remarks import stale as stale_module
from ostiary.server.remarks.expiring import certificate_remarks, expiring_remarks
from ostiary.server.remarks.options import option_remarks
from ostiary.server.remarks.stale import stale_remarks
from ostiary.server.remarks.unsigned import unsigned_remarks
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock

TENANT = "default"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def house(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = load(None, environ={}).settings
    with open_house(Places(tmp_path / "data"), settings, clock, lambda _r, _f: None) as opened:
        yield opened


def settings_with(**sections: Any) -> Any:
    return load(None, environ={}, options=sections).settings


def only(remarks: Iterator[Remark], words: str) -> Remark:
    found = [one for one in remarks if words in one.text]
    assert len(found) == 1, (words, found)
    return found[0]


UPSTREAM = {"name": "local", "base_url": "http://10.0.0.1/v1", "plain_http": True}
OIDC = {"name": "idp", "title": "x", "issuer": "https://idp.test", "client_id": "x", "namespaced": False}


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"llm": {"inspect": False}}, "looked at by nobody"),
        ({"llm": {"upstreams": [UPSTREAM]}}, "in the open"),
        ({"inference": {"loopback_http": True}}, "asked by plain HTTP"),
        ({"ssf": {"allow_http_loopback": True}}, "`ssf` may speak plain HTTP"),
        ({"response": {"allow_http_loopback": True}}, "`response` may speak plain HTTP"),
        ({"datasets": {"memory": True}}, "lie in memory"),
        ({"audit": {"min_free_mb": 0}}, "until the disk is full"),
        ({"telemetry": {"otlp_endpoint": "http://collector:4318/v1/traces"}}, "spans travel in the open"),
        ({"admission": {"namespaces": [{"namespace": "ml", "without_model": True}]}}, "nobody looks whether"),
    ],
)
def test_an_option_that_lets_something_through_is_named(sections: dict[str, Any], words: str) -> None:
    assert not list(option_remarks(settings_with()))
    told = only(option_remarks(settings_with(**sections)), words)
    assert told.check == "fail-open"
    assert "=" in told.mend or "https" in told.mend


def test_a_webhook_that_reaches_inside_and_a_provider_without_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 40)
    hook = {"name": "soc", "url": "https://h.test/", "secret_file": str(tmp_path / "secret"), "allow_private": True}
    told = settings_with(response={"webhooks": [hook]})
    assert only(option_remarks(told), "inside your network").mend == "allow_private = false for `soc`"


def certificate(path: Path, now_ns: int, days: float) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ostiary.test")])
    ends = dt.datetime.fromtimestamp(now_ns / 1e9, dt.UTC) + dt.timedelta(days=days)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(ends - dt.timedelta(days=400)).not_valid_after(ends)
    path.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(("days", "words", "wrong"), [(-2, "ended", True), (10, "ends in", False), (90, "", False)])
def test_certificates_end(tmp_path: Path, clock: FakeClock, days: float, words: str, wrong: bool) -> None:  # noqa: FBT001
    certificate(tmp_path / "tls.pem", clock.now_ns(), days)
    told = settings_with(server={"tls_cert": str(tmp_path / "tls.pem"), "tls_key": str(tmp_path / "key.pem")})
    found = list(certificate_remarks(told, clock.now_ns()))
    assert [one.wrong for one in found] == ([wrong] if words else [])
    assert all(words in one.text and "server.tls_cert" in one.mend for one in found)


def test_keys_that_sign_for_long_are_to_be_rotated(house: House, clock: FakeClock) -> None:
    house.ring.active(TENANT, "metadata")
    assert not [one for one in expiring_remarks(house, clock.now_ns()) if "signs" in one.text]
    clock.advance(366 * 86_400)
    told = only(expiring_remarks(house, clock.now_ns()), "`metadata`")
    assert told.mend == f"ostiary keys rotate metadata --tenant {TENANT}"
    assert only(expiring_remarks(house, clock.now_ns()), "`log`").mend == "ostiary keys rotate log"
    house.log.rotate_key()
    clock.advance(25 * 86_400)
    assert "verifiers must know the new one" in only(expiring_remarks(house, clock.now_ns()), "old key").text


def test_what_ends_within_a_week_is_said(house: House, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_ns()
    ends = now + 3 * DAY_NS
    grant = Grant("grt_1", TENANT, "req_1", "user:a", "read", "d", "1", "", now, ends, "prp_1", "user:b")
    house.access.book.grant(grant)
    silence = Suppression("sup_1", "rule", "late-night", now, ends)
    monkeypatch.setattr(type(house.suppressions), "listed", lambda _self, _tenant: [silence])
    assert only(expiring_remarks(house, now), "grt_1").mend == "ostiary access list --grants"
    assert "3 days more" in only(expiring_remarks(house, now), "late-night").text
    assert not [one for one in expiring_remarks(house, ends + 1) if "grt_1" in one.text or "silenced" in one.text]


def test_a_recovery_that_waits_is_said(house: House, clock: FakeClock) -> None:
    from ostiary.identity.webauthn.ports import Recovery  # noqa: PLC0415

    now = clock.now_ns()
    house.store.authenticators.save_recovery(Recovery(TENANT, "rec_1", "user:a", "adm_1", "lost", now, now + DAY_NS))
    assert "authenticator approve rec_1" in only(expiring_remarks(house, now), "recovery").mend


def test_a_log_that_nobody_looks_after(house: House, clock: FakeClock) -> None:
    record_deed(house, COMMAND_LINE, TENANT, "pep.add")
    assert only(stale_remarks(house, clock.now_ns()), "verified").mend == "ostiary audit verify"
    assert only(stale_remarks(house, clock.now_ns()), "backup").mend == "ostiary backup create --to PLACE"
    assert "witness add" in only(stale_remarks(house, clock.now_ns()), "witnesses the log").mend
    record_deed(house, COMMAND_LINE, "system", "backup.create")
    assert not [one for one in stale_remarks(house, clock.now_ns()) if "backup" in one.text]
    clock.advance(8 * 86_400)
    assert "for 8 days" in only(stale_remarks(house, clock.now_ns()), "backup").text
    key = NoteKey("witness.test/w", SigningKey.generate("w").public, 4)
    add_peer(house.places.root, peer_of("https://witness.test", key.vkey()))
    assert only(stale_remarks(house, clock.now_ns()), "cosigned 0 of").mend == "ostiary audit witness cosign"


def test_an_index_behind_the_log(house: House, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_module, "_BEHIND", 2)
    for number in range(5):
        house.log.append(TENANT, "decision", f"dec_{number}", clock.now_ns(), b"{}", "").result()
    assert "5 entries behind" in only(stale_remarks(house, clock.now_ns()), "index").text


def test_old_policy_models_and_addresses(house: House, clock: FakeClock, tmp_path: Path) -> None:
    rego = house.places.bundle(TENANT) / "a.rego"
    rego.parent.mkdir(parents=True)
    rego.write_text("package a\n")
    mmdb = tmp_path / "geo.mmdb"
    mmdb.write_bytes(b"")
    seen = clock.now_ns() - 400 * DAY_NS
    for path in (rego, mmdb):
        os.utime(path, ns=(seen, seen))
    older = msgspec.structs.replace(house, settings=settings_with(signals={"mmdb": str(mmdb)}))
    assert "nobody changed the policy" in only(stale_remarks(older, clock.now_ns()), "policy of").text
    assert "400 days old" in only(stale_remarks(older, clock.now_ns()), "addresses").text
    source = house.scorers.source(TENANT)
    if source is not None:  # the shipped model
        clock.advance(3_650 * 86_400)
        assert only(stale_remarks(house, clock.now_ns()), "risk model").mend == "ostiary risk train"


def test_what_nobody_signed(house: House) -> None:
    assert not list(unsigned_remarks(house))
    house.places.bundle(TENANT).mkdir(parents=True)
    house.places.playbooks(TENANT).mkdir(parents=True)
    house.places.history(TENANT).parent.mkdir()
    house.places.history(TENANT).write_text("{}\n")
    told = list(unsigned_remarks(house))
    assert [one.check for one in told] == ["unsigned"] * 3
    assert {"policy", "playbooks", "history"} <= {word for one in told for word in one.text.split()}


def test_the_doctor_says_them_all_and_is_not_wrong_for_a_fresh_house(house: House, clock: FakeClock) -> None:
    record_deed(house, COMMAND_LINE, TENANT, "pep.add")
    places, settings = house.places, settings_with(datasets={"memory": True})
    house.places.bundle(TENANT).mkdir(parents=True)
    house.close()
    found = list(examine(places, lambda: settings, clock))
    assert {"fail-open", "stale", "unsigned"} <= {one.check for one in found if one.state is State.MIND}
    for one in found:
        assert "\n" not in one.text
        assert one.mend or one.state is State.FINE, one


def test_every_command_that_mends_is_one(repo: Path) -> None:
    import re  # noqa: PLC0415

    app, source = build_app(), "".join(
        path.read_text() for path in (repo / "src/ostiary/server/remarks").glob("*.py")
    )  # fmt: skip
    commands = set(re.findall(r'"ostiary ((?:[a-z-]+ ?)+)', source))
    assert len(commands) >= 12
    for command in commands:
        words = command.split()
        chain, _, _ = app.parse_commands(words)
        assert list(chain) == words[: len(chain)], command
        assert len(chain) >= min(2, len(words)), command
