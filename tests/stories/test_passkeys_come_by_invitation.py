"""A passkey comes by invitation, once and in time; beside others it needs one of them; lost ones need two people."""

import concurrent.futures
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ostiary.testing.passkey import FakePasskey, Lies

ORIGIN = "http://localhost:8181"
MODEL = "f8a011f3-8c0a-4d15-8006-17111f9edc7d"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    running = start_server()
    assert running.admin("POST", "/tenants", json={"tenant": "beta"}).status_code == 201
    return running


def invited(server: Any, subject: str, tenant: str = "default", **more: Any) -> str:
    answer = server.admin("POST", f"/tenants/{tenant}/authenticators/invitations", json={"subject": subject}, **more)
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    assert url.startswith(f"{ORIGIN}/enrol/")
    return url.removeprefix(ORIGIN)


def post(server: Any, path: str, body: dict[str, Any]) -> Any:
    return server.client.post(path, json=body)


def passkey() -> FakePasskey:
    return FakePasskey(ORIGIN, "localhost")


def confirmed(server: Any, path: str, old: FakePasskey | None) -> Any:
    """Return the answer to the first step, confirmed with ``old`` where that is asked for."""
    asked = post(server, f"{path}/options", {})
    if old is None or asked.status_code != 200:
        return asked
    told = asked.json()
    return post(server, f"{path}/options", {"seal": told["seal"], "credential": old.get(told["get"])})


def finish(server: Any, path: str, told: dict[str, Any], new: FakePasskey, lies: Lies | None = None) -> Any:
    body = {
        "seal": told["seal"],
        "confirmed_by": told["confirmed_by"],
        "name": " work key ",
        "credential": new.create(told["create"], lies or Lies()),
    }
    return post(server, f"{path}/answer", body)


def enrol(server: Any, path: str, new: FakePasskey, old: FakePasskey | None = None) -> Any:
    return finish(server, path, confirmed(server, path, old).json(), new)


def listed(server: Any, subject: str, tenant: str = "default") -> list[dict[str, Any]]:
    answer = server.admin("GET", f"/tenants/{tenant}/authenticators", params={"subject": subject})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_invitation_is_good_once(server: Any) -> None:
    path, key = invited(server, "user:once"), passkey()
    page = server.client.get(path)
    assert page.status_code == 200
    assert "Add a passkey" in page.text
    assert enrol(server, path, key).status_code == 200
    assert server.client.get(path).status_code == 404
    assert code(post(server, f"{path}/options", {})) == (404, "enrolment_unknown")
    (one,) = listed(server, "user:once")
    assert (one["id"], one["name"], one["attestation"], one["attested"]) == (
        key.credential_id,
        "work key",
        "packed",
        False,
    )
    records = [msgspec.json.decode(r.payload) for r in server.house.log.iterate("default", "step_up")]
    (record,) = [r for r in records if r["subject"] == "user:once"]
    assert (record["outcome"], record["authenticator"]) == ("enrolled", key.credential_id)


def test_looking_at_a_link_uses_nothing_up(server: Any) -> None:
    path = invited(server, "user:looker")
    for _ in range(3):
        assert server.client.get(path).status_code == 200
        assert post(server, f"{path}/options", {}).status_code == 200
    assert enrol(server, path, passkey()).status_code == 200


def test_the_token_is_kept_as_a_hash_alone(server: Any) -> None:
    token = invited(server, "user:hashed").rpartition("/")[2]
    files = b"".join(path.read_bytes() for path in server.house.places.root.rglob("*") if path.is_file())
    assert token.encode() not in files


def test_of_two_that_finish_at_once_one_gets_in(server: Any) -> None:
    path = invited(server, "user:racer")
    ready = [(passkey(), post(server, f"{path}/options", {}).json()) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: finish(server, path, one[1], one[0]), ready))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert len(listed(server, "user:racer")) == 1


def test_beside_a_passkey_another_comes_only_with_it(server: Any) -> None:
    first, second, stranger = passkey(), passkey(), passkey()
    assert enrol(server, invited(server, "user:two"), first).status_code == 200
    path = invited(server, "user:two")
    asked = post(server, f"{path}/options", {}).json()
    assert set(asked) == {"get", "seal"}, "no challenge for a new passkey before the old one has confirmed"
    wrong = post(server, f"{path}/options", {"seal": asked["seal"], "credential": stranger.get(asked["get"])})
    assert code(wrong) == (403, "authenticator_unknown")
    weak = {"seal": asked["seal"], "credential": first.get(asked["get"], Lies(verified=False))}
    assert code(post(server, f"{path}/options", weak)) == (403, "webauthn_user_not_verified")
    assert enrol(server, path, second, first).status_code == 200
    assert [one["id"] for one in listed(server, "user:two")] == [first.credential_id, second.credential_id]


def test_two_first_invitations_do_not_make_two_unconfirmed_passkeys(server: Any) -> None:
    one, other = invited(server, "user:double"), invited(server, "user:double")
    early = post(server, f"{other}/options", {}).json()
    assert enrol(server, one, passkey()).status_code == 200
    assert code(finish(server, other, early, passkey())) == (403, "enrolment_needs_existing")
    assert len(listed(server, "user:double")) == 1


def test_what_confirmed_must_be_the_same_and_still_there(server: Any) -> None:
    first, second = passkey(), passkey()
    enrol(server, invited(server, "user:swap"), first)
    enrol(server, invited(server, "user:swap"), second, first)
    path = invited(server, "user:swap")
    told = confirmed(server, path, second).json()
    swapped = {**told, "confirmed_by": first.credential_id}
    assert code(finish(server, path, swapped, passkey())) == (403, "challenge_other_request")
    gone = server.admin(
        "DELETE", f"/tenants/default/authenticators/{second.credential_id}", params={"subject": "user:swap"}
    )
    assert gone.status_code == 204
    assert code(finish(server, path, told, passkey())) == (403, "authenticator_unknown")


def test_a_confirmation_counts_once_too(server: Any) -> None:
    first = passkey()
    enrol(server, invited(server, "user:again"), first)
    path = invited(server, "user:again")
    asked = post(server, f"{path}/options", {}).json()
    body = {"seal": asked["seal"], "credential": first.get(asked["get"])}
    assert post(server, f"{path}/options", body).status_code == 200
    assert post(server, f"{path}/options", {**body, "credential": first.get(asked["get"])}).status_code == 403


def test_one_invitations_answer_is_none_to_another(server: Any) -> None:
    mine, other = invited(server, "user:mine"), invited(server, "user:other")
    told = post(server, f"{mine}/options", {}).json()
    assert code(finish(server, other, told, passkey())) == (403, "challenge_other_request")


LIES = [
    (Lies(verified=False), "webauthn_user_not_verified"),
    (Lies(origin="https://evil.example"), "webauthn_origin_wrong"),
    (Lies(rp_id="evil.example"), "webauthn_rp_wrong"),
    (Lies(type="webauthn.get"), "webauthn_type_wrong"),
    (Lies(challenge=bytes(64)), "challenge_unknown"),
    (Lies(members={"crossOrigin": True}), "webauthn_in_frame"),
]


@pytest.mark.parametrize(("lies", "expected"), LIES, ids=[why for _, why in LIES])
def test_every_lie_of_a_new_passkey_is_refused(server: Any, lies: Lies, expected: str) -> None:
    path = invited(server, "user:liar")
    told = post(server, f"{path}/options", {}).json()
    assert code(finish(server, path, told, passkey(), lies)) == (403, expected)
    assert listed(server, "user:liar") == []


def test_a_passkey_belongs_to_one_person(server: Any) -> None:
    key = passkey()
    assert enrol(server, invited(server, "user:owner"), key).status_code == 200
    assert code(enrol(server, invited(server, "user:thief"), key)) == (403, "authenticator_exists")
    assert listed(server, "user:thief") == []
    records = [msgspec.json.decode(r.payload) for r in server.house.log.iterate("default", "step_up")]
    assert not [one for one in records if one["subject"] == "user:thief"], "the log tells of no passkey that is not"


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\nb", 7, None])
def test_a_name_is_a_short_line(server: Any, name: Any) -> None:
    path = invited(server, "user:names")
    told = post(server, f"{path}/options", {}).json()
    body = {"seal": told["seal"], "name": name, "credential": passkey().create(told["create"])}
    assert code(post(server, f"{path}/answer", body)) == (400, "authenticator_name_invalid")


def test_another_tenants_administrator_finds_nobody(server: Any) -> None:
    key = passkey()
    enrol(server, invited(server, "user:here"), key)
    foreign = server.admin("POST", "/tenants/beta/admin-keys").json()["key"]
    there = {"subject": "user:here"}
    assert listed(server, "user:here", "beta") == []
    path = f"/tenants/default/authenticators/{key.credential_id}"
    assert code(server.admin("DELETE", path, params=there, key=foreign)) == (404, "tenant_unknown")
    beta = f"/tenants/beta/authenticators/{key.credential_id}"
    assert code(server.admin("DELETE", beta, params=there, key=foreign)) == (404, "authenticator_unknown")
    assert code(server.admin("PATCH", beta, json={**there, "name": "x"}, key=foreign)) == (404, "authenticator_unknown")
    assert len(listed(server, "user:here")) == 1


def test_a_passkey_is_renamed_and_removed_and_both_are_recorded(server: Any) -> None:
    key = passkey()
    enrol(server, invited(server, "user:renamed"), key)
    path, whom = f"/tenants/default/authenticators/{key.credential_id}", {"subject": "user:renamed"}
    assert server.admin("PATCH", path, json={**whom, "name": "spare"}).status_code == 204
    assert listed(server, "user:renamed")[0]["name"] == "spare"
    assert server.admin("DELETE", path, params=whom).status_code == 204
    assert code(server.admin("DELETE", path, params=whom)) == (404, "authenticator_unknown")
    deeds = [msgspec.json.decode(r.payload) for r in server.house.log.iterate("default", "admin")]
    mine = [deed["action"] for deed in deeds if deed.get("subject") == "user:renamed"]
    assert mine == ["authenticator.invite", "authenticator.rename", "authenticator.remove"]


def recovery(server: Any, subject: str, **more: Any) -> Any:
    body = {"subject": subject, "reason": "lost his bag"}
    return server.admin("POST", "/tenants/default/authenticators/recoveries", json=body, **more)


def approval(server: Any, recovery_id: str, tenant: str = "default", **more: Any) -> Any:
    return server.admin("POST", f"/tenants/{tenant}/authenticators/recoveries/{recovery_id}/approval", **more)


def test_beginning_anew_takes_two_administrators(server: Any) -> None:
    lost, new = passkey(), passkey()
    enrol(server, invited(server, "user:lost"), lost)
    early = invited(server, "user:lost")
    asked = recovery(server, "user:lost")
    assert asked.status_code == 201
    name = asked.json()["id"]
    assert code(approval(server, name)) == (409, "recovery_same_administrator")
    assert code(approval(server, name, "beta")) == (404, "recovery_unknown")
    second = server.admin("POST", "/tenants/default/admin-keys").json()["key"]
    approved = approval(server, name, key=second)
    assert approved.status_code == 200
    assert approved.json()["removed"] == 1
    assert code(approval(server, name, key=second)) == (404, "recovery_unknown"), "approved once"
    assert listed(server, "user:lost") == [], "what is lost may be in other hands"
    assert server.client.get(early).status_code == 404, "links from before are void"
    path = approved.json()["url"].removeprefix(ORIGIN)
    assert enrol(server, path, new).status_code == 200
    deeds = [msgspec.json.decode(r.payload) for r in server.house.log.iterate("default", "admin")]
    mine = {deed["action"]: deed for deed in deeds if deed.get("subject") == "user:lost"}
    request, approve = mine["authenticator.recovery_request"], mine["authenticator.recovery_approve"]
    assert request["by"] == approve["requested_by"] != approve["by"]


def test_one_administrator_cannot_put_his_passkey_in_anothers_place(server: Any) -> None:
    key = passkey()
    pending = invited(server, "user:victim")
    enrol(server, invited(server, "user:victim"), key)
    path, whom = f"/tenants/default/authenticators/{key.credential_id}", {"subject": "user:victim"}
    assert server.admin("DELETE", path, params=whom).status_code == 204
    again = server.admin("POST", "/tenants/default/authenticators/invitations", json=whom)
    assert code(again) == (409, "recovery_needed")
    assert code(post(server, f"{pending}/options", {})) == (403, "recovery_needed"), "nor by a link from before"
    name = recovery(server, "user:victim").json()["id"]
    second = server.admin("POST", "/tenants/default/admin-keys").json()["key"]
    back = approval(server, name, key=second).json()["url"].removeprefix(ORIGIN)
    assert enrol(server, back, passkey()).status_code == 200


def test_a_removal_between_the_two_steps_is_seen(server: Any) -> None:
    first = passkey()
    early = invited(server, "user:between")
    told = post(server, f"{early}/options", {}).json()
    enrol(server, invited(server, "user:between"), first)
    server.house.store.authenticators.remove("default", "user:between", first.credential_id)
    assert code(finish(server, early, told, passkey())) == (403, "recovery_needed")


def test_who_has_no_passkey_has_nothing_to_recover(server: Any) -> None:
    assert code(recovery(server, "user:nobody")) == (409, "authenticator_none")


def test_a_forgotten_person_has_no_passkeys(server: Any) -> None:
    key = passkey()
    enrol(server, invited(server, "user:forgotten"), key)
    link = invited(server, "user:forgotten")
    answer = server.admin("POST", "/tenants/default/subjects/erase", json={"type": "user", "id": "forgotten"})
    assert answer.status_code == 200
    assert listed(server, "user:forgotten") == []
    assert server.client.get(link).status_code == 404
    deeds = [r.payload or b"" for r in server.house.log.iterate("default", "admin")]
    assert not any(b"user:forgotten" in deed for deed in deeds), "records of deeds are erased with the person"
    assert enrol(server, invited(server, "user:forgotten"), passkey()).status_code == 200, "the name is a new one"


@pytest.mark.parametrize("subject", ["ann", ":ann", "user:", "user:a\nb", "x" * 3000])
def test_a_subject_is_type_and_id(server: Any, subject: str) -> None:
    path = "/tenants/default/authenticators/invitations"
    assert server.admin("POST", path, json={"subject": subject}).status_code == 400


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A maker of passkeys: its root certificate as a file, and one that makes attestation certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root of a maker of keys")])
    root = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("roots") / "roots.pem"
    file.write_bytes(root.public_bytes(Encoding.PEM))

    def certificate(holder: FakePasskey, issuer: Any = key) -> bytes:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A batch")]))
            .issuer_name(name)
            .public_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), holder.public_point))
            .serial_number(2)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(issuer, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )

    return file, certificate


def test_only_models_that_prove_what_they_are_are_taken(start_server: Callable[..., Any], maker: Any) -> None:
    roots, certificate = maker
    picky = start_server(step_up={"models": (MODEL,), "attestation_roots": str(roots)})
    aaguid = bytes.fromhex(MODEL.replace("-", ""))

    def attempt(key: FakePasskey, chain: tuple[bytes, ...]) -> Any:
        path = invited(picky, "user:model")
        told = post(picky, f"{path}/options", {}).json()
        credential = key.create(told["create"], chain=chain)
        return post(picky, f"{path}/answer", {"seal": told["seal"], "name": "k", "credential": credential})

    claims = FakePasskey(ORIGIN, "localhost", aaguid=aaguid)
    assert code(attempt(claims, ())) == (403, "webauthn_model_not_allowed"), "a passkey that vouches for itself"
    foreign = certificate(claims, ec.generate_private_key(ec.SECP256R1()))
    assert code(attempt(claims, (foreign,))) == (403, "webauthn_model_not_allowed"), "another maker's certificate"
    other = FakePasskey(ORIGIN, "localhost", aaguid=bytes(16))
    assert code(attempt(other, (certificate(other),))) == (403, "webauthn_model_not_allowed"), "another model"
    right = FakePasskey(ORIGIN, "localhost", aaguid=aaguid)
    assert attempt(right, (certificate(right),)).status_code == 200
    (kept,) = listed(picky, "user:model")
    assert (kept["model"], kept["attested"]) == (MODEL, True)


def test_time_is_over_for_links_answers_and_recoveries(start_server: Callable[..., Any]) -> None:
    quick = start_server(step_up={"enrol_s": 1, "recovery_s": 1})
    key = passkey()
    assert enrol(quick, invited(quick, "user:late"), key).status_code == 200
    path = invited(quick, "user:late")
    told = confirmed(quick, path, key).json()
    waiting = recovery(quick, "user:late").json()["id"]
    second = quick.admin("POST", "/tenants/default/admin-keys").json()["key"]
    deadline = quick.house.clock.now_ns() + 1_100_000_000
    while quick.house.clock.now_ns() < deadline:
        quick.client.get("/healthz")
    assert code(finish(quick, path, told, passkey())) == (404, "enrolment_unknown")
    assert quick.client.get(path).status_code == 404
    assert code(approval(quick, waiting, key=second)) == (404, "recovery_unknown")
    assert quick.admin("GET", "/tenants/default/authenticators/recoveries").json() == []
