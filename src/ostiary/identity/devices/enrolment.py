"""How a device gets in: an administrator's one-time code, and a message signed by the key that it brings.

1. The invitation's code is 256 bits, shown once, kept as a hash, good for a while and once; it says whose device it is.
2. The message is signed by the key in its own header and answers a nonce of ours: the key is there, now.
3. A device with a TPM brings its attestation key and a quote that answers the same nonce for this very device key: the
   two are in one machine, or at least in one hand. On whose word the attestation key is believed is kept beside it:
   ``named`` by the administrator beforehand, or on ``first_use`` with a valid code.
4. Code and device change hands in one step: of two devices with one code one comes in.

>>> tenant_of_code("acme.secret"), tenant_of_code("secret")
('acme', '')
"""

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.attestation.public import read_key
from ostiary.identity.attestation.verify import Expected, verify_quote
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.devices.challenges import ENROL, Challenges, extra_for
from ostiary.identity.devices.envelope import (
    ENROL_TYPE,
    check_moment,
    id_of,
    open_message,
    own_key,
    prove,
    refuse,
)
from ostiary.identity.devices.model import AkTrust, Device, Invitation
from ostiary.identity.devices.ports import DeviceRegistry
from ostiary.identity.devices.quoting import read_ak, read_evidence
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.devices.settings import DeviceRules
from ostiary.identity.strict import is_name
from ostiary.keys.hashing import hash_secret, new_secret, random_bytes
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

MAX_LIFE_S: Final = 30 * 86_400
MAX_OWNERS: Final = 16
KIND: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")
_AK_NAME_BYTES: Final = (34, 50, 66)
_SUBJECT: Final = re.compile(r"[^:\s]{1,64}:\S.{0,255}\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """An enrolment that is in order: nothing of it is stored or used up."""

    device: Device
    invitation: Invitation
    nonce: str


def make_invitation(
    tenant: str, *, subjects: tuple[str, ...], kind: str, name: str, ak_name: bytes, by: str, until_ns: int
) -> tuple[Invitation, str]:
    """Return an invitation and its code, which is shown once and never kept.

    Raises:
        FaultyInputError: ``device_invitation_invalid``.
    """
    if len(subjects) > MAX_OWNERS or not all(is_name(one, 320) and _SUBJECT.match(one) for one in subjects):
        raise _invalid(f"owners are at most {MAX_OWNERS}, each told as type:id")
    if not KIND.match(kind):
        raise _invalid("a kind is 1 to 32 of a-z 0-9 _ and -, such as `laptop`")
    if name and not is_name(name, 128):
        raise _invalid("a name has at most 128 characters and no hidden ones")
    if ak_name and len(ak_name) not in _AK_NAME_BYTES:
        raise _invalid("an attestation key's name is the hash's id and a SHA-256, SHA-384 or SHA-512")
    secret = new_secret()
    invitation = Invitation(
        tenant=tenant,
        code_hash=hash_secret(secret),
        expires_ns=until_ns,
        subjects=subjects,
        kind=kind,
        name=name,
        by=by,
        ak_name=ak_name,
    )
    return invitation, f"{tenant}.{secret}"


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError(DeviceRefusal.DEVICE_INVITATION_INVALID, text)


def tenant_of_code(code: str) -> str:
    """Return for which tenant a code says it is."""
    return code.partition(".")[0] if "." in code else ""


def read_enrolment(
    text: str, audience: str, registry: DeviceRegistry, challenges: Challenges, rules: DeviceRules, now_ns: int
) -> Asked:
    """Return what a message asks for, when it may.

    Raises:
        RefusedError: ``device_…`` or ``quote_…``.
    """
    message = open_message(text, ENROL_TYPE)
    jwk, key = own_key(message)
    prove(message, key)
    check_moment(message, audience, rules, now_ns)
    id_of(message)
    claims = message.claims
    challenges.check(ENROL, claims.get("nonce"), now_ns)
    invitation = _invitation(claims.get("code"), registry, now_ns)
    name = claims.get("name", "")
    if name != "" and not is_name(name, 128):
        refuse(DeviceRefusal.DEVICE_CLAIM_INVALID, "`name` of the message is no name")
    device = Device(
        tenant=invitation.tenant,
        device_id=make_id("dev", now_ns, random_bytes(RANDOM_BYTES)),
        key=jwk,
        thumbprint=key.thumbprint,
        name=invitation.name or name,
        kind=invitation.kind,
        subjects=invitation.subjects,
        enrolled_ns=now_ns,
        enrolled_by=invitation.by,
    )
    return Asked(_with_ak(device, claims, invitation, rules, now_ns), invitation, str(claims["nonce"]))


def _invitation(code: object, registry: DeviceRegistry, now_ns: int) -> Invitation:
    if isinstance(code, str) and is_name(code, 128):
        tenant, _, secret = code.partition(".")
        found = registry.invitation(tenant, hash_secret(secret), now_ns)
        if found is not None:
            return found
    raise code_gone()


def code_gone() -> RefusedError:
    """Return the refusal of a code: the same for one that never was, was used, or is too old."""
    return RefusedError(DeviceRefusal.DEVICE_CODE_INVALID, "the code is not one that may enrol a device now")


def _with_ak(
    device: Device, claims: dict[str, object], invitation: Invitation, rules: DeviceRules, now_ns: int
) -> Device:
    if "quote" not in claims:
        if invitation.ak_name:
            text = "this code is for a device with a TPM, and the message brings no quote"
            refuse(DeviceRefusal.DEVICE_ATTESTATION_KEY_MISSING, text)
        return device
    ak, evidence = read_ak(claims), read_evidence(claims)
    name = read_key(ak).name
    trust = _ak_trust(name, invitation, rules)
    policy = rules.pcr_policy(device.kind)
    extra = extra_for(ENROL, str(claims["nonce"]), device.thumbprint)
    quoted = verify_quote(evidence, Expected(key=ak, key_name=name, extra=extra, policy=policy))
    return msgspec.structs.replace(
        device, ak=ak, ak_name=name, ak_trust=trust, baseline=quoted.pcrs, quoted=quoted, attested_ns=now_ns
    )


def _ak_trust(name: bytes, invitation: Invitation, rules: DeviceRules) -> AkTrust:
    if invitation.ak_name:
        if name != invitation.ak_name:
            refuse(DeviceRefusal.DEVICE_ATTESTATION_KEY_WRONG, "the attestation key is not the one of the invitation")
        return "named"
    if rules.attestation_keys == "named":
        text = "an attestation key must be named by the administrator who invites the device"
        refuse(DeviceRefusal.DEVICE_ATTESTATION_KEY_WRONG, text)
    return "first_use"


def expires(now_ns: int, life_s: int) -> int:
    """Return until when an invitation of so many seconds is good.

    Raises:
        FaultyInputError: ``device_invitation_invalid``.
    """
    if not 1 <= life_s <= MAX_LIFE_S:
        raise _invalid(f"a code lives 1 to {MAX_LIFE_S} s")
    return now_ns + life_s * SECOND_NS
