"""What must be true of an attestation before it counts, and what the device is after it.

1. The message is signed by the device's own key, is for us and made just now.
2. Its nonce is ours, for attesting, fresh, and is used up by this attempt.
3. Its quote is of the enrolled attestation key, answers this nonce for this device, and its registers are as the policy
   for this kind of device wants them, or as they were at first.
"""

import msgspec

from ostiary.identity.attestation.verify import Expected, verify_quote
from ostiary.identity.devices.challenges import ATTEST, Challenges, extra_for
from ostiary.identity.devices.envelope import (
    ATTEST_TYPE,
    Message,
    check_moment,
    id_of,
    open_message,
    prove,
    read_jwk,
    refuse,
)
from ostiary.identity.devices.model import Device
from ostiary.identity.devices.ports import Finder
from ostiary.identity.devices.quoting import read_evidence
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.devices.settings import DeviceRules


def open_attestation(text: str, find: Finder) -> tuple[Message, Device]:
    """Return a message whose signature is good, and its device.

    Raises:
        RefusedError: ``device_…``.
    """
    message = open_message(text, ATTEST_TYPE)
    device = find(message.tenant, message.issuer) if message.issuer else None
    prove(message, read_jwk(device.key)[1] if device else None)
    if device is None:  # `prove` has refused already; this tells the type checker
        refuse(DeviceRefusal.DEVICE_UNAUTHENTICATED, "the message is not signed by a device known here")
    return message, device


def take_attestation(
    device: Device, message: Message, audience: str, challenges: Challenges, rules: DeviceRules, now_ns: int
) -> Device:
    """Return ``device`` after the attestation; the nonce is used up whatever comes of it.

    Raises:
        RefusedError: ``device_…`` or ``quote_…``.
        UnavailableError: ``device_challenge_memory_full``.
    """
    check_moment(message, audience, rules, now_ns)
    id_of(message)
    nonce = message.claims.get("nonce")
    challenges.check(ATTEST, nonce, now_ns)
    if not device.ak:
        text = "the device was enrolled without an attestation key: invite and enrol it anew"
        refuse(DeviceRefusal.DEVICE_ATTESTATION_KEY_MISSING, text)
    challenges.use(device.tenant, str(nonce), now_ns)
    expected = Expected(
        key=device.ak,
        key_name=device.ak_name,
        extra=extra_for(ATTEST, str(nonce), device.tenant, device.device_id),
        policy=rules.pcr_policy(device.kind),
        baseline=device.baseline,
        last=device.quoted,
    )
    quoted = verify_quote(read_evidence(message.claims), expected)
    return msgspec.structs.replace(
        device,
        quoted=quoted,
        attested_ns=now_ns,
        baseline=device.baseline if device.baseline is not None else quoted.pcrs,
    )
