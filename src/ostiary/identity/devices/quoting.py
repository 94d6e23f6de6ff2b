"""The quote inside a device's message: read from its claims, and written into them by the agent.

Shape of the claim ``quote``: ``attest`` and ``signature`` are base64url of the TPM's own bytes, ``pcrs`` is a list of
``[bank, register, hex]``; an enrolment also brings ``key``, the TPM2B_PUBLIC.
"""

import re
from typing import Any, Final

from ostiary.identity.attestation.pcrs import MAX_REPORTED
from ostiary.identity.attestation.quote import PCR_COUNT
from ostiary.identity.attestation.verify import Evidence
from ostiary.identity.devices.envelope import read_bytes, refuse, write_bytes
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.keys.quoting import DIGEST_BYTES

_ROW: Final = 3
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){0,64}\Z")


def read_evidence(claims: dict[str, Any]) -> Evidence:
    """Return the evidence of a message.

    Raises:
        RefusedError: ``device_quote_invalid``.
    """
    quote = quote_of(claims)
    rows = quote.get("pcrs")
    if not isinstance(rows, list) or len(rows) > MAX_REPORTED:
        refuse(DeviceRefusal.DEVICE_QUOTE_INVALID, f"`pcrs` is no list of at most {MAX_REPORTED} registers")
    pcrs = dict(_register(row) for row in rows)
    if len(pcrs) != len(rows):
        refuse(DeviceRefusal.DEVICE_QUOTE_INVALID, "a register is told twice")
    attest, signature = read_bytes(quote.get("attest"), "attest"), read_bytes(quote.get("signature"), "signature")
    return Evidence(attest, signature, pcrs)


def read_ak(claims: dict[str, Any]) -> bytes:
    """Return the attestation key that an enrolment brings.

    Raises:
        RefusedError: ``device_quote_invalid``.
    """
    return read_bytes(quote_of(claims).get("key"), "key")


def quote_of(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claim ``quote``.

    Raises:
        RefusedError: ``device_quote_invalid``.
    """
    quote = claims.get("quote")
    if not isinstance(quote, dict):
        refuse(DeviceRefusal.DEVICE_QUOTE_INVALID, "the message has no object `quote`")
    return quote


def _register(row: object) -> tuple[tuple[str, int], bytes]:
    bank, number, value = row if isinstance(row, list) and len(row) == _ROW else ("", 0, None)
    if not _is_register(bank, number) or not isinstance(value, str) or not _HEX.match(value):
        refuse(DeviceRefusal.DEVICE_QUOTE_INVALID, "a register is told as [bank, number, hex]")
    return (bank, number), bytes.fromhex(value)


def _is_register(bank: object, number: object) -> bool:
    known = isinstance(bank, str) and bank in DIGEST_BYTES
    return known and type(number) is int and 0 <= number < PCR_COUNT


def write_evidence(evidence: Evidence, key: bytes = b"") -> dict[str, Any]:
    """Return the claim ``quote`` of some evidence."""
    rows = [[bank, number, value.hex()] for (bank, number), value in evidence.pcrs.items()]
    told: dict[str, Any] = {
        "attest": write_bytes(evidence.attest),
        "signature": write_bytes(evidence.signature),
        "pcrs": rows,
    }
    return {**told, "key": write_bytes(key)} if key else told
