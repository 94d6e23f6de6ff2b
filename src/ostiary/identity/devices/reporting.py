"""What must be true of a posture report before it counts, and what the device is after it.

1. It is signed by the device's own key, or by a producer (a device manager) that the tenant registered: a producer
   names itself in ``iss`` and the device in ``sub``, a device names itself in ``iss``.
2. It is for us and made just now; its ``collected`` moment, when it tells one, lies in the past and counts as its age.
3. Its id was not used before, and its number is higher than the last of this source: an old report does not come back.
4. It is not sooner than allowed after the last one, so that a device cannot flood the log.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.identity.algorithms import PublicKey
from ostiary.identity.dates import SECOND_NS, as_date_ns
from ostiary.identity.devices.envelope import (
    POSTURE_TYPE,
    Message,
    check_moment,
    id_of,
    open_message,
    prove,
    read_jwk,
    refuse,
)
from ostiary.identity.devices.model import OWN, Device, Reported
from ostiary.identity.devices.ports import Finder
from ostiary.identity.devices.posture import read_os, read_posture
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.devices.settings import DeviceRules

Producers = Mapping[tuple[str, str], PublicKey]
"""Keys of registered producers by tenant and name."""
REMEMBERED: Final = 16
_MAX_SEQUENCE: Final = 2**53


def open_report(text: str, find: Finder, producers: Producers) -> tuple[Message, Device, str]:
    """Return a report whose signature is good, the device that it is about, and its source.

    Raises:
        RefusedError: ``device_…``.
    """
    message = open_message(text, POSTURE_TYPE)
    producer = producers.get((message.tenant, message.issuer))
    about = message.claims.get("sub") if producer else message.issuer
    device = find(message.tenant, about) if isinstance(about, str) and about else None
    prove(message, producer or (read_jwk(device.key)[1] if device else None))
    if device is None:
        refuse(DeviceRefusal.DEVICE_UNKNOWN, "there is no such device")  # only a producer gets here
    return message, device, message.issuer if producer else OWN


def take_report(
    device: Device, message: Message, source: str, audience: str, rules: DeviceRules, now_ns: int
) -> Device:
    """Return ``device`` after the report.

    Raises:
        RefusedError: ``device_…``.
    """
    issued = check_moment(message, audience, rules, now_ns)
    jti, claims = id_of(message), message.claims
    before = device.reports.get(source)
    sequence = claims.get("seq")
    if type(sequence) is not int or not 1 <= sequence <= _MAX_SEQUENCE:
        refuse(DeviceRefusal.DEVICE_CLAIM_INVALID, "`seq` of the report is no number from 1 on")
    if before is not None and jti in before.used:
        refuse(DeviceRefusal.DEVICE_REPLAYED, "the report has been sent before")
    if before is not None and sequence <= before.sequence:
        refuse(DeviceRefusal.DEVICE_SEQUENCE_ROLLBACK, "a later report than this one has come already")
    if before is not None and issued < before.made_ns + rules.interval_s * SECOND_NS:
        refuse(DeviceRefusal.DEVICE_TOO_SOON, f"reports of one source are at least {rules.interval_s} s apart")
    made = Reported(
        at_ns=min(_collected(message, issued), now_ns),
        sequence=sequence,
        posture=read_posture(claims.get("posture")),
        os=read_os(claims.get("os")),
        made_ns=issued,
        used=(*(before.used if before else ()), jti)[-REMEMBERED:],
    )
    return msgspec.structs.replace(device, reports={**device.reports, source: made})


def _collected(message: Message, issued: int) -> int:
    """Return the moment of which the report speaks: a manager may pass on what an agent collected hours ago."""
    if "collected" not in message.claims:
        return issued
    collected = as_date_ns(message.claims["collected"])
    if collected is None or collected > issued:
        refuse(DeviceRefusal.DEVICE_CLAIM_INVALID, "`collected` of the report is no date before `iat`")
    return collected
