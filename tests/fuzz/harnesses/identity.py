"""What callers bring to prove who they are: tokens, proofs, keys, passkeys, quotes, certificates, events of others."""

import base64
import json
from typing import Any, Final

from tests.fuzz.harness import Harness
from typing_extensions import override

from ostiary.errors import OstiaryError
from ostiary.identity.algorithms import KeyRefusedError, import_public
from ostiary.identity.attestation import Evidence, Expected, PcrPolicy, verify_quote
from ostiary.identity.attestation.public import read_key
from ostiary.identity.attestation.quote import read_quote
from ostiary.identity.attestation.signature import read_signature
from ostiary.identity.devices.fleet import read_fleet
from ostiary.identity.devices.osquery import read_osquery
from ostiary.identity.devices.posture import read_posture
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.exchange.asking import read_form, read_request
from ostiary.identity.exchange.details import read_details
from ostiary.identity.htu import normalise
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.jwks import parse_jwks
from ostiary.identity.mtls import thumbprint
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.secevent import SetVerifier, TransmitterConfig, UnverifiedSet, read_payload, read_subject_id
from ostiary.identity.settings import DpopSettings
from ostiary.identity.strict import NotStrictError, parse_object
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.identity.webauthn.answers import read_assertion, read_attestation, write_bytes
from ostiary.identity.webauthn.registration import AttestationRules, verify_attestation
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.identity.workloads.spiffe_id import SpiffeIdError, parse_spiffe_id
from ostiary.keys.certificates import Certificate, read_pems
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey, compact
from ostiary.testing.passkey import FakePasskey, decoded, encoded
from ostiary.testing.sigstore import FakeSigstore
from ostiary.testing.tpm import SoftTpm
from ostiary.vocabulary.entities import Subject

NOW_NS: Final = 1_790_000_000_000_000_000
HTM, HTU = "POST", "https://api.example/data"
ISSUER, HOLDER = FakeIssuer(), FakeHolder()


class Forgetful(MemoryReplay):
    """Holds every proof for a new one, so that the same bytes always end the same way."""

    @override
    def remember(self, tenant: str, key: bytes, expires_ns: int, now_ns: int) -> bool:
        return True


VERIFIER = SubjectVerifier(
    TokenMemory(IssuerBook([ISSUER.config()])), DpopVerifier(DpopSettings(), Forgetful(0, 100_000))
)
PEP = PepIdentity(pep_id="web", tenant="default")
TOKEN = ISSUER.token(NOW_NS, sub="alice", cnf=HOLDER.confirmation)
EVENTS_KEY = FakeKey.generate("k1")
EVENTS = SetVerifier(
    TransmitterConfig(tenant="acme", issuer="i", audience="a", jwks=FakeIssuer(keys=[EVENTS_KEY]).jwks())
)
PARTY = RelyingParty("id.example.org", "Test", ("https://id.example.org",))
PASSKEY = FakePasskey("https://id.example.org", "id.example.org")
CREATED = PASSKEY.create(
    {"challenge": encoded(bytes(64)), "user": {"id": encoded(b"h"), "name": "ann", "displayName": "ann"}}
)
NEW = Authenticator(
    tenant="acme", subject="user:ann", credential_id="", public_key=b"", user_handle=b"h", sign_count=0, name="key"
)
TPM = SoftTpm.make("ecdsa")
NONCE: Final = b"n" * 32
QUOTE = TPM.quote(NONCE)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _judged(token: str, proof: str | None) -> object:
    presented = PresentedSubject(token=token, dpop=proof, htm=HTM, htu=HTU)
    return VERIFIER.verify(PEP, Subject(type="user", id="alice"), presented, NOW_NS)


def token_text(data: bytes) -> object:
    return _judged(data.decode("latin-1"), None)


def proof_text(data: bytes) -> object:
    return _judged(TOKEN, data.decode("latin-1"))


def token_signed(data: bytes) -> object:
    """Sign whatever header and claims come: what the signature lets through must be read as carefully."""
    told = parse_object(data)
    header, claims = told.get("header"), told.get("claims")
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return _judged(compact(header, claims, ISSUER.keys[0].signer), None)


def proof_signed(data: bytes) -> object:
    told = parse_object(data)
    header, claims = told.get("header"), told.get("claims")
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return _judged(TOKEN, compact(header, claims, HOLDER.key.signer))


def event_signed(data: bytes) -> object:
    token = compact({"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}, parse_object(data), EVENTS_KEY.signer)
    return EVENTS.verify(UnverifiedSet(token), NOW_NS)


def event_parts(data: bytes) -> object:
    told = parse_object(data)
    return read_subject_id(told.get("sub_id")), read_payload(told)


def passkey_answer(data: bytes) -> object:
    told = parse_object(data)
    read = read_attestation if isinstance(told.get("response"), dict) and "attestationObject" in data.decode() else None
    return read_assertion(told) if read is None else verify_attestation(PARTY, read(told), AttestationRules(), NEW)


def passkey_cbor(data: bytes) -> object:
    told = {**CREATED, "response": {**CREATED["response"], "attestationObject": write_bytes(data)}}
    return verify_attestation(PARTY, read_attestation(told), AttestationRules(), NEW)


def quote_parts(data: bytes) -> object:
    """The first byte says which part of the evidence the rest is."""
    part, rest = data[:1], data[1:]
    if part == b"k":
        return read_key(rest)
    if part == b"s":
        return read_signature(rest), verify_quote(Evidence(QUOTE.attest, rest, QUOTE.pcrs), _expected())
    return read_quote(rest), verify_quote(Evidence(rest, QUOTE.signature, QUOTE.pcrs), _expected())


def _expected() -> Expected:
    return Expected(key=TPM.public, key_name=TPM.name, extra=NONCE, policy=PcrPolicy())


def key_document(data: bytes) -> object:
    try:
        return import_public(parse_object(data))
    except (KeyRefusedError, NotStrictError):
        return parse_jwks(data)


def certificate(data: bytes) -> object:
    if data.startswith(b"--"):
        return read_pems(data)
    read = Certificate.from_der(data)
    return read.signs_code, read.alternative_names(), read.not_before_ns, read.not_after_ns, read.subject


def exchange_form(data: bytes) -> object:
    return read_request(read_form(data))


def details(data: bytes) -> object:
    return read_details(parse_object(data).get("details"))


def posture(data: bytes) -> object:
    told = parse_object(data)
    return read_posture(told), read_fleet(told)


def osquery(data: bytes) -> object:
    return read_osquery(data.decode(errors="replace").splitlines(), now_ns=NOW_NS)


def addresses(data: bytes) -> object:
    text = data.decode("latin-1")
    once = normalise(text)
    assert once is None or normalise(once) == once
    if text.startswith("spiffe"):
        return parse_spiffe_id(text)
    return thumbprint(text) if len(text) in {43, 64, 95} else once


DER: Final = FakeSigstore(NOW_NS).authority.certificate.der
PEM: Final = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(DER) + b"-----END CERTIFICATE-----\n"
_DETAIL: dict[str, Any] = {
    "type": "ostiary_dataset",
    "identifier": "sales",
    "actions": ["dataset.read"],
    "purpose": "training",
    "stage": "train",
    "datatypes": ["a", "b"],
}
_FORM = (
    b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=a.b.c&subject_token_type=urn%3A"
    b"ietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&authorization_details=%5B%7B%22type%22%3A%22ostiary_dataset%22%2C%22"
    b"identifier%22%3A%22sales%22%2C%22actions%22%3A%5B%22dataset.read%22%5D%7D%5D"
)
_EVENT = {"iss": "i", "jti": "1", "iat": NOW_NS // 10**9, "aud": "a", "sub_id": {"format": "opaque", "id": "x"}}
_STRICT = (OstiaryError, NotStrictError)
_HOST = {
    "host": {
        "disk_encryption_enabled": True,
        "os_version": "Debian 13",
        "detail_updated_at": "2026-11-27T10:00:00Z",
        "policies": [{"name": "Firewall enabled", "response": "pass"}],
    }
}
_OSQUERY = _json({"name": "pack_a_os_version", "action": "snapshot", "snapshot": [{"name": "Debian", "major": "13"}]})

HARNESSES: Final = (
    Harness("token", token_text, (ISSUER.token(NOW_NS, sub="alice", scope="read").encode(), TOKEN.encode())),
    Harness("dpop", proof_text, (HOLDER.proof(NOW_NS, TOKEN, HTM, HTU).encode(),)),
    Harness(
        "token_claims",
        token_signed,
        (_json({"header": ISSUER.header(), "claims": ISSUER.claims(NOW_NS, scope="a", amr=["hwk"], auth_time=1)}),),
        _STRICT,
    ),
    Harness(
        "dpop_claims",
        proof_signed,
        (_json({"header": HOLDER.header(), "claims": HOLDER.claims(NOW_NS, TOKEN, HTM, HTU)}),),
        _STRICT,
    ),
    Harness("secevent", event_signed, (_json({**_EVENT, "events": {"urn:x": {"n": 1}}}),), _STRICT),
    Harness(
        "secevent_parts",
        event_parts,
        (
            _json(
                {
                    **_EVENT,
                    "events": {"u": {}},
                    "sub_id": {"format": "aliases", "identifiers": [{"format": "email", "email": "a@b.c"}]},
                }
            ),
            _json(
                {
                    **_EVENT,
                    "events": {"u": {}},
                    "sub_id": {"format": "complex", "user": {"format": "iss_sub", "iss": "i", "sub": "s"}},
                }
            ),
        ),
        _STRICT,
    ),
    Harness(
        "passkey", passkey_answer, (_json(CREATED), _json(PASSKEY.get({"challenge": encoded(bytes(64))}))), _STRICT
    ),
    Harness("passkey_cbor", passkey_cbor, (decoded(CREATED["response"]["attestationObject"]),)),
    Harness("tpm_quote", quote_parts, (b"q" + QUOTE.attest, b"s" + QUOTE.signature, b"k" + TPM.public)),
    Harness("jwks", key_document, (ISSUER.jwks().inline.encode(), _json(dict(ISSUER.keys[0].jwk)))),
    Harness("certificate", certificate, (DER, PEM)),
    Harness("exchange_form", exchange_form, (_FORM,)),
    Harness("access_detail", details, (_json({"details": [_DETAIL]}),), _STRICT),
    Harness(
        "posture",
        posture,
        (
            _json({"disk_encrypted": True, "patch_age_s": 5}),
            _json(_HOST),
        ),
        _STRICT,
    ),
    Harness("osquery", osquery, (_OSQUERY,)),
    Harness(
        "addresses_of_identity",
        addresses,
        (b"https://a.example:443/b%2Fc?x#y", b"spiffe://td/ns/a", b"aa:" * 31 + b"aa"),
        (OstiaryError, SpiffeIdError),
    ),
)
